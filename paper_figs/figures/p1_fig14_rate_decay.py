"""P1, figure 14: learning rate and weight decay at γ = 1/2, both pairs unseen."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import composed_runs, map_figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import trend


def finding(dataset: xr.Dataset) -> Finding:
    """Trends of composition in the learning rate and in weight decay, each at fixed values of the other."""
    composed = composed_runs(dataset)
    rate = trend(
        composed,
        "learning_rate",
        "the composed share",
        "the learning rate",
        expected=1,
        within=("weight_decay",),
    )
    decay = trend(
        composed, "weight_decay", "the composed share", "weight decay", expected=1, within=("learning_rate",)
    )
    return conclude([rate, decay])


FIGURE = map_figure(
    "p1_fig14_rate_decay",
    "anchor_rate_decay",
    ("learning_rate", "weight_decay"),
    "Learning rate and weight decay at γ = 1/2, with both (3, 4) and (4, 3) unseen. Share of answers on "
    "these two pairs that compose (a), and accuracy on trained pairs and held-out keys (b).",
    claim=Claim(
        "P1, figure 14: at a fixed γ, a larger learning rate and a stronger weight decay favor composition.",
        row="P1 14",
    ),
    finding=finding,
    groups=("inferential", "seen_test_keys"),
    order=190,
)
