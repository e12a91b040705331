"""Loss, alignment and number of condensed directions in time."""

from __future__ import annotations

import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.condensation import condensation_table, plot_condensation


def caption(dataset: xr.Dataset) -> str:
    """Loss, aligned amplitude and number of directions over steps, for both initializations."""
    most = {
        str(start): float(dataset["condensed_directions"].sel(initialization=start).max())
        for start in dataset["initialization"].values
    }
    counts = "; ".join(f"{start} initialization: {value:.0f}" for start, value in most.items())
    return (
        "Condensation in time. Loss, share of the amplitude within 5° of the predicted orientations, and "
        "number of condensed directions of two-layer networks, each neuron counting the same, "
        f"{counted(dataset.sizes['seed'], 'seed')} from each initialization. Most directions at any time: "
        f"{counts}. With a zero of order above 1, few neurons have grown when the loss falls: their "
        "amplitude is aligned, while most neurons still point anywhere."
    )


FIGURE = Figure(
    "condensation_in_time", "two_layer_condensation", caption, plot_condensation, condensation_table, order=40
)
