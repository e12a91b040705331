"""Answers under the two ways in which the keys were split."""

from __future__ import annotations

import xarray as xr

from experiments.anchor.schema import TRAINED, UNTRAINED
from paper_figs._answers import curve_figure, means_at_each, points_over_gamma
from paper_figs._finding import Claim, Finding, conclude


def finding(dataset: xr.Dataset) -> Finding:
    """Composition over γ under each split of the keys, and its means."""
    return conclude(
        points_over_gamma(dataset, "modulus"), *means_at_each(dataset, "modulus", "with keys split modulo {}")
    )


FIGURE = curve_figure(
    "key_split",
    "anchor_key_split",
    "modulus",
    "Keys split modulo 7, as in P1's text, or 9, as in its code: a key is held out where its remainder is "
    "its position. Answers on the unseen pair (4, 3) that compose (a) or mirror (b), and accuracy on trained "
    "pairs and held-out keys (c).",
    claim=Claim(
        "Implied by P1, whose text and code split keys differently: the split does not matter to what γ does."
    ),
    finding=finding,
    groups=(*UNTRAINED, TRAINED[1]),
    order=300,
)
