"""Loss and number of condensed directions in time."""

from __future__ import annotations

import xarray as xr

from lowcomplex import plots
from paper_figs._figure import Figure
from paper_figs._words import counted


def caption(dataset: xr.Dataset) -> str:
    """What is drawn."""
    last = dataset["condensed_directions"].isel(step=-1)
    counts = [
        f"{start}: {float(last.sel(initialization=start).min()):.0f} to "
        f"{float(last.sel(initialization=start).max()):.0f}"
        for start in dataset["initialization"].values
    ]
    return (
        "Directions in time. Loss (a-c) and number of condensed directions (d-f) of two-layer networks from "
        f"small and from large initialization, {counted(dataset.sizes['seed'], 'seed')} each. Directions at "
        f"the end, over activations and seeds: {'; '.join(counts)}."
    )


FIGURE = Figure(
    "condensed_directions", "two_layer_condensation", caption, plots.plot_directions, plots.direction_table
)
