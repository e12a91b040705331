"""Answers over γ and the length of training."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import composed_runs, curve_figure, over_gamma_at_each
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import trend


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of composition over γ after each number of updates, and in the updates at fixed γ."""
    composed = composed_runs(dataset)
    longer = trend(composed, "steps", "the composed share", "the length", expected=1, within=("gamma",))
    return conclude(over_gamma_at_each(dataset, "steps", "after {} updates"), f"at one γ, {longer.words}")


FIGURE = curve_figure(
    "gamma_steps",
    "anchor_steps",
    "steps",
    "γ and the length of training. Answers on the unseen pair (4, 3) that compose (a) or mirror (b), and "
    "accuracy on trained pairs (c).",
    claim=Claim("Implied by P1: composition rises with γ however long is trained."),
    finding=finding,
    order=250,
)
