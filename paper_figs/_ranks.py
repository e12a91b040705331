"""A rank of every matrix against γ, beside random matrices."""

from __future__ import annotations

from functools import partial

import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.ranks import plot_ranks, rank_table


def rank_figure(measure: str, *, order: int) -> Figure:
    """The figure of one rank measure, which names its files, and its place in the report."""

    def caption(dataset: xr.Dataset) -> str:
        name = measure.replace("_", " ").capitalize()
        return (
            f"{name} of all {dataset.sizes['layer']} weight matrices after training, against γ: mean and "
            f"range of {counted(dataset.sizes['seed'], 'seed')}. Dashed: expected value of a Gaussian random "
            "matrix of the same shape. The embedding's rows of tokens that never occur stay random and count "
            "too."
        )

    return Figure(
        measure,
        "anchor_gamma",
        caption,
        partial(plot_ranks, measure=measure),
        partial(rank_table, measure=measure),
        order=order,
    )
