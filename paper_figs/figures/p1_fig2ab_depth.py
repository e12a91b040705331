"""P1, figure 2a,b: answers on the unseen pair over depth and γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import composed_runs, map_figure, points_over_gamma
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import trend


def finding(dataset: xr.Dataset) -> Finding:
    """Composition over γ at each depth, and its trend in depth at fixed γ."""
    composed = composed_runs(dataset)
    deeper = trend(composed, "depth", "the composed share", "depth", expected=1, within=("gamma",))
    return conclude(points_over_gamma(dataset, "depth"), deeper.words)


FIGURE = map_figure(
    "p1_fig2ab_depth",
    "anchor_depth",
    ("depth", "gamma"),
    "Depth and γ. Answers on the unseen pair (4, 3) that compose (a) or mirror the exception (3, 4) (b).",
    claim=Claim(
        "P1, figure 2a,b: at every depth the answer on the unseen pair turns from symmetric to "
        "inferential as γ grows.",
        row="P1 2a,b",
    ),
    finding=finding,
    order=170,
)
