"""Answers over γ and the learning rate."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import map_figure, over_gamma_at_each
from paper_figs._finding import Claim, Finding, conclude


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of composition over γ at each learning rate."""
    return conclude(over_gamma_at_each(dataset, "learning_rate", "at learning rate {}"))


FIGURE = map_figure(
    "gamma_rate_map",
    "anchor_learning_rate",
    ("learning_rate", "gamma"),
    "γ and the learning rate. Answers on the unseen pair (4, 3) that compose (a) or mirror (b).",
    claim=Claim(
        "Implied by P1, which takes the best of several learning rates: composition rises with γ whatever "
        "the learning rate."
    ),
    finding=finding,
    order=230,
)
