"""Answers where three anchors follow the key."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import curve_words, points_over_gamma
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs.panels.anchor import plot_accuracies
from paper_figs.panels.runs import accuracy_table


def caption(dataset: xr.Dataset) -> str:
    """Answers and trained accuracy on words of three anchors over γ, in lines of means."""
    return (
        "Three anchors. Answers on words of three anchors that hold the unseen pair (4, 3) as neighbors (a), "
        f"and accuracy on trained words (b), against γ. {curve_words(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of composition over γ."""
    return conclude(points_over_gamma(dataset))


FIGURE = Figure(
    "three_anchors",
    "anchor_three",
    caption,
    plot_accuracies,
    accuracy_table,
    Claim("Implied by P1: longer compositions, too, turn from symmetric to inferential as γ grows."),
    finding,
    order=290,
)
