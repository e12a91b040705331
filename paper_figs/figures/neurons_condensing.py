"""Neurons condensing in time: orientation and amplitude at four times."""

from __future__ import annotations

import xarray as xr

from paper_figs._figure import Figure
from paper_figs.panels.condensation import neuron_table, plot_neurons


def caption(dataset: xr.Dataset) -> str:
    """Angle and amplitude of every neuron at four times, one row per activation."""
    table = neuron_table(dataset)
    return (
        f"Neurons condense. Each mark is one of {dataset.sizes['neuron']} neurons of a two-layer network: "
        "the angle of its input weight and bias (w, b), and its amplitude, at "
        f"{int(table['snapshot'].max()) + 1} times from small initialization (T is the length of the loss's "
        "plateau); last, the end from large initialization. Rows are activations whose zero at the origin is "
        "of order 1, 2 and 3. Dotted: the orientations predicted for small initialization, each for one sign "
        "of a."
    )


FIGURE = Figure("neurons_condensing", "two_layer_condensation", caption, plot_neurons, neuron_table, order=30)
