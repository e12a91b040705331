"""Answers of networks that see a fixed set of sequences again and again."""

from __future__ import annotations

import xarray as xr

from experiments.anchor.schema import TRAINED, UNTRAINED
from paper_figs._answers import curve_figure, means_at_each, points_over_gamma
from paper_figs._finding import Claim, Finding, conclude


def finding(dataset: xr.Dataset) -> Finding:
    """Composition over γ at each number of sequences per pair, and its means."""
    return conclude(
        points_over_gamma(dataset, "sequences"),
        *means_at_each(dataset, "sequences", "where the sequences per pair are {}"),
    )


FIGURE = curve_figure(
    "finite_data",
    "anchor_finite_data",
    "sequences",
    "A fixed training set of so many sequences a trained pair. Answers on the unseen pair (4, 3) that "
    "compose (a) or mirror (b), and accuracy on trained pairs and held-out keys (c).",
    claim=Claim(
        "Implied by P1, which trains on a fixed set: composition rises with γ on few sequences, too."
    ),
    finding=finding,
    groups=(*UNTRAINED, TRAINED[1]),
    order=280,
)
