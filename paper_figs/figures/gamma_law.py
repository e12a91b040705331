"""The γ law with its predicted lines."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure

from lowcomplex.predictions import gamma_law
from paper_figs._figure import Figure
from paper_figs._words import counted, listed
from paper_figs.panels.gamma import displacement_table, plot_gamma_law, slope_table


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Relative displacement and its local slopes against γ."""
    return plot_gamma_law(dataset, gamma_law)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Displacements; local slopes stand at the γ between two trained ones, beside their prediction."""
    slopes = slope_table(dataset)
    slopes = slopes.assign(predicted_slope=gamma_law(slopes["gamma"], slopes["depth"]))
    return pd.concat([displacement_table(dataset), slopes], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """Displacements and local slopes over γ, one color per depth, with their predicted lines."""
    failed = int((~dataset["converged"].astype(bool)).sum())
    return (
        f"The γ law. Relative displacement of all weights (a) and its local slope in γ (b) for networks of "
        f"{listed(dataset['depth'].values)} weight matrices, width m = {dataset.attrs['width']}, "
        f"{counted(dataset.sizes['seed'], 'seed')} at each of {dataset.sizes['gamma']} γ. The predicted "
        "slope is the number of matrices below γ = 1/2 and 1 above; the lines' heights in (a) are fitted. "
        "Nothing is predicted in the gray range."
        + (f" {counted(failed, 'run')} did not converge (crosses)." if failed else "")
    )


FIGURE = Figure("gamma_law", "gamma_axis", caption, draw, numbers, order=10)
