"""Answers where the order of anchors matters."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import curve_figure, over_gamma_at_each
from paper_figs._finding import Claim, Finding, conclude


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of composition over γ with each set of functions."""
    return conclude(over_gamma_at_each(dataset, "functions", "with the {} set"))


FIGURE = curve_figure(
    "non_commuting",
    "anchor_non_commuting",
    "functions",
    "Anchors that do not commute. Shifts (translations) commute; in the dihedral set three anchors reflect "
    "the key and no two commute. Answers on the unseen pair (4, 3) that compose (a) or mirror (b), and "
    "accuracy on trained pairs (c).",
    claim=Claim(
        "Implied by P1, whose anchors all commute: composition rises with γ also where their order matters."
    ),
    finding=finding,
    order=270,
)
