"""The γ law in narrow networks."""

from __future__ import annotations

import xarray as xr
from matplotlib import figure

from lowcomplex.predictions import gamma_law
from paper_figs._figure import Figure
from paper_figs.panels.gamma import displacement_table, plot_gamma_law


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Relative displacement of all weights, and its local slope, against γ."""
    return plot_gamma_law(dataset, gamma_law)


def caption(dataset: xr.Dataset) -> str:
    """Displacements over a narrow range of γ, and their slopes."""
    return f"The γ law in narrow networks, of width {dataset.attrs['width']}."


FIGURE = Figure("gamma_law_narrow", "gamma_axis_narrow", caption, draw, displacement_table, order=15)
