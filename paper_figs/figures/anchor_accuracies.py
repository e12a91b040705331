"""Answers on the unseen pair, and accuracy on the trained ones, against γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted, listed, unconverged
from paper_figs.panels.anchor import plot_accuracies
from paper_figs.panels.runs import accuracy_table


def caption(dataset: xr.Dataset) -> str:
    """Answers on the unseen pair and trained accuracy over γ: lines of means, bands over seeds."""
    return (
        "Composition against γ. Share of answers on the unseen anchor pair (4, 3) that compose, mirror the "
        "exception (3, 4), or do neither (a), and accuracy on the trained pairs (b), at "
        f"γ = {listed(dataset['gamma'].values)}. Lines: mean of {counted(dataset.sizes['seed'], 'seed')}; "
        f"bands: their range; small marks: runs.{unconverged(dataset)}"
    )


FIGURE = Figure("anchor_accuracies", "anchor_gamma", caption, plot_accuracies, accuracy_table, order=70)
