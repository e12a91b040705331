"""Answers where one part of the network alone is at γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._answers import composed_runs, curve_figure
from paper_figs._judged import Point, conclude, contrast


def finding(dataset: xr.Dataset) -> str:
    """What the runs say, at the largest γ."""
    composed, gamma = composed_runs(dataset), float(dataset["gamma"].max())
    at = composed[composed["gamma"] == gamma].set_index("part")["accuracy"]
    points = [
        contrast(
            at[at.index == "all"],
            at[at.index == part],
            ("all parts together", f"the {part} part alone"),
            where=f"at γ = {gamma:g} ",
        )
        for part in dataset["part"].values
        if part != "all"
    ]
    return conclude(points or [Point("open", "only all parts together were trained")])


FIGURE = curve_figure(
    "parts",
    "anchor_parts",
    "part",
    "Which part's γ? One part of the network is at γ and the others are at 1/2 (“all”: every part at γ; "
    "“embedding”: positions and output head too). Answers on the unseen pair (4, 3) that compose (a) or "
    "mirror (b), and accuracy on trained pairs (c).",
    claim="Implied by P1, which makes every matrix small: no part alone does what all do together.",
    finding=finding,
)
