"""Which offset the answers on the unseen pair have, against γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.anchor import offset_table, plot_offsets


def caption(dataset: xr.Dataset) -> str:
    """Shares of answers at each offset from the key, as bars stacked over γ."""
    return (
        "What is answered on the unseen pair (4, 3): share of answers at each offset from the key, mean of "
        f"{counted(dataset.sizes['seed'], 'seed')}. Composing gives -10, mirroring the exception -6; offsets "
        "that stay below 1 % at every γ are summed as “other”."
    )


FIGURE = Figure("anchor_offsets", "anchor_gamma", caption, plot_offsets, offset_table, order=80)
