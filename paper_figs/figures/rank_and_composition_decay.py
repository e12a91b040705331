"""Rank of the query matrix beside the share of composed answers, over γ and weight decay."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from experiments._neighbors import FEWEST, explained_by_neighbors
from experiments.anchor.schema import NOT_CONVERGED
from experiments.hypotheses.observables import COMPOSING_RANK
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import trend
from paper_figs._words import unconverged
from paper_figs.panels.anchor import complexity_table, plot_complexity


def caption(dataset: xr.Dataset) -> str:
    """Ranks of the query matrix beside composed answers, γ by color and weight decay by shape."""
    return (
        "At which rank do networks compose? Final stable (a) and effective rank (b) of the first block's "
        "query matrix and share of composed answers on the unseen pair, over γ (color) and weight decay "
        f"(shape); one mark per run.{unconverged(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """What the runs say, on either side of the rank that was registered."""
    table = complexity_table(dataset)
    runs = table[table["phase"] != NOT_CONVERGED]
    above = runs["stable_rank"] > COMPOSING_RANK
    at_side = partial(
        trend, x="stable_rank", what="the composed share", along="W_Q's stable rank", value="inferential"
    )
    points = [
        at_side(runs[~above], expected=1, where=f"up to a rank of {COMPOSING_RANK:g} "),
        at_side(runs[above], expected=-1, where=f"above {COMPOSING_RANK:g} "),
    ]
    return conclude(points, *_explained(runs))


def _explained(runs: pd.DataFrame) -> list[str]:
    """What the nearest runs predict, which sees a share that rises and falls again."""
    if len(runs) < FEWEST:
        return []
    rank = explained_by_neighbors(np.log(runs["stable_rank"]), runs["inferential"])
    gamma, decay = (
        explained_by_neighbors(runs[name], runs["inferential"]) for name in ("gamma", "weight_decay")
    )
    return [
        f"the runs nearest in stable rank explain {rank:.0%} of the composed share's variance, those nearest "
        f"in γ {gamma:.0%} and those nearest in weight decay {decay:.0%}"
    ]


FIGURE = Figure(
    "rank_and_composition_decay",
    "anchor_weight_decay",
    caption,
    partial(plot_complexity, shape="weight_decay"),
    complexity_table,
    Claim(
        "Registered here as H7: composition is most frequent at a medium stable rank of W_Q, near 5, and "
        "rarer on either side."
    ),
    finding,
    order=150,
)
