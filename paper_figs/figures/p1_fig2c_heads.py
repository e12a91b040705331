"""P1, figure 2c: answers of a multi-head model against γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import curve_words, points_over_gamma
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs.panels.anchor import plot_accuracies
from paper_figs.panels.runs import accuracy_table


def caption(dataset: xr.Dataset) -> str:
    """Answers and trained accuracy of a multi-head model over γ, in lines of means."""
    return (
        "Several heads. Answers on the unseen pair (4, 3) of a transformer of four blocks with four heads "
        f"each (a), and its accuracy on trained pairs (b), against γ. {curve_words(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of composition over γ."""
    return conclude(points_over_gamma(dataset))


FIGURE = Figure(
    "p1_fig2c_heads",
    "anchor_heads",
    caption,
    plot_accuracies,
    accuracy_table,
    Claim(
        "P1, figure 2c: in a GPT-2-like model with many heads, too, a large initialization answers "
        "symmetrically and a small one inferentially.",
        row="P1 2c",
    ),
    finding,
    order=180,
)
