"""Rank of the query matrix beside the share of composed answers, run by run."""

from __future__ import annotations

import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._figure import Figure
from paper_figs._words import unconverged
from paper_figs.panels.anchor import complexity_table, plot_complexity


def caption(dataset: xr.Dataset) -> str:
    """Ranks of the query matrix beside composed answers, one mark per run, and their correlations."""
    table = complexity_table(dataset)
    converged = table[table["phase"] != NOT_CONVERGED]
    correlations = converged[["stable_rank", "effective_rank", "inferential"]].corr(method="spearman")
    stable, effective = correlations.loc[["stable_rank", "effective_rank"], "inferential"]
    return (
        "Is a simpler matrix a composing one? Final rank of the first block's query matrix and share of "
        f"composed answers on the unseen pair, one mark per run. Spearman correlation over the "
        f"{len(converged)} converged runs: {stable:+.2f} for the stable, {effective:+.2f} for the effective "
        f"rank; runs of one γ are alike, so that this describes and does not test.{unconverged(dataset)}"
    )


FIGURE = Figure("rank_and_composition", "anchor_gamma", caption, plot_complexity, complexity_table, order=140)
