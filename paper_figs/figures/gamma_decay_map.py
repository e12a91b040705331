"""Answers over γ and weight decay."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import composed_runs, map_figure, points_over_gamma
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import trend


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of composition in weight decay at fixed γ, and over γ at each decay."""
    composed = composed_runs(dataset)
    decay = trend(
        composed, "weight_decay", "the composed share", "weight decay", expected=1, within=("gamma",)
    )
    return conclude([decay, *points_over_gamma(dataset, "weight_decay")])


FIGURE = map_figure(
    "gamma_decay_map",
    "anchor_weight_decay",
    ("weight_decay", "gamma"),
    "γ and weight decay. Answers on the unseen pair (4, 3) that compose (a) or mirror the exception (3, 4), "
    "which is trained here (b).",
    claim=Claim("Implied by P2: weight decay acts as γ does, so that composition rises with either."),
    finding=finding,
    order=240,
)
