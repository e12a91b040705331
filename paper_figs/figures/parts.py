"""Answers where one part of the network alone is at γ."""

from __future__ import annotations

from functools import partial

import xarray as xr

from paper_figs._answers import composed_runs
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import contrast
from paper_figs._words import counted, unconverged
from paper_figs.panels.categories import plot_answers_by
from paper_figs.panels.runs import accuracy_table

_WHOLE = ("none", "all")


def caption(dataset: xr.Dataset) -> str:
    """Answers and trained accuracy with one part at γ, marks of means with bars over seeds."""
    return (
        f"Which part's γ? One part of the network is at γ = {dataset['gamma'].item():g}, the others are at "
        "1/2 (“none”: every part at 1/2; “all”: none at 1/2; “embedding”: positions and output head too). "
        "Answers on the unseen pair (4, 3), and accuracy on trained pairs. Large marks: mean of "
        f"{counted(dataset.sizes['seed'], 'seed')} at the last checkpoint; bars: their range; small marks: "
        f"runs.{unconverged(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Composition with all parts at γ against none and against each part alone."""
    composed = composed_runs(dataset).set_index("part")["accuracy"]
    none, all_parts = (composed[composed.index == part] for part in _WHOLE)
    points = [contrast(all_parts, none, ("all parts at γ", "none"))]
    notes = []
    for part in dataset["part"].values:
        if part not in _WHOLE:
            alone = composed[composed.index == part]
            points.append(contrast(all_parts, alone, ("all parts", f"the {part} part alone")))
            notes.append(contrast(alone, none, (f"the {part} part alone", "none")).words)
    return conclude(points, *notes)


FIGURE = Figure(
    "parts",
    "anchor_parts",
    caption,
    partial(plot_answers_by, field="part"),
    accuracy_table,
    Claim("Implied by P1, which makes every matrix small: no part alone does what all do together."),
    finding,
    order=260,
)
