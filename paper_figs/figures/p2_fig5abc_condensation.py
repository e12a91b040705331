"""P2, figure 5A-C: W_Q's cosines, embeddings, and the stable rank of every matrix over γ and weight decay."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._judged import trend
from paper_figs._weight_maps import EMBEDDINGS, trends
from paper_figs._weights import final_runs, of_query
from paper_figs._words import counted
from paper_figs.panels.complexity_control import matrix_rank_table, plot_complexity_control
from paper_figs.panels.cosines import cosine_table
from paper_figs.panels.embeddings import component_table
from paper_figs.panels.runs import at_end

FIELDS = ("weight_decay", "gamma")
POINTS = ({"weight_decay": 0.01, "gamma": 0.5}, {"weight_decay": 1.0, "gamma": 0.8})
TOKENS = range(40, 80)


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Two runs above, every matrix below."""
    return plot_complexity_control(dataset, POINTS, TOKENS)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Cosines, components and ranks, one table after the other."""
    tables = {
        "cosines": cosine_table(dataset, POINTS),
        "components": component_table(dataset, POINTS, TOKENS),
        "ranks": matrix_rank_table(dataset),
    }
    return pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """W_Q's cosines and the embeddings at two corners, and the stable rank over γ and weight decay."""
    failed = int((dataset["phase"] == NOT_CONVERGED).sum())
    return (
        "Complexity control with both (3, 4) and (4, 3) unseen. Above: cosines of the neurons of the first "
        "block's W_Q, clustered, and embeddings of tokens 40 to 79 on their first two principal components, "
        "at small γ with weak weight decay and at large γ with strong decay. Below: stable rank of every "
        f"matrix, mean of {counted(dataset.sizes['seed'], 'seed')}; hatched: accuracy on trained pairs below "
        f"0.9 on average ({failed} of {dataset['phase'].size} runs did not converge)."
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Trends of W_Q's stable rank, and of all matrices', in γ and in weight decay."""
    last = at_end(dataset)
    relative = (last["stable_rank"] / dataset["null_stable_rank"]).mean("layer")
    values = {"query": of_query(dataset, "stable_rank"), "every": relative}
    runs = final_runs(dataset, values)
    words = {
        "query": "W_Q's stable rank",
        "every": "the stable rank of all matrices, over that of random ones,",
    }
    points = []
    for x, along in (("gamma", "γ"), ("weight_decay", "weight decay")):
        within = [field for field in FIELDS if field != x]
        for value, what in words.items():
            points.append(trend(runs, x, what, along, expected=-1, within=within, value=value))
        points += trends(dataset, EMBEDDINGS, FIELDS, x)[:1]
    return conclude(points)


FIGURE = Figure(
    "p2_fig5abc_condensation",
    "anchor_both_unseen",
    caption,
    draw,
    numbers,
    claim=Claim(
        "P2, figure 5A-C: larger γ and stronger weight decay condense W_Q, order the embeddings, and lower "
        "the stable rank of the matrices.",
        row="P2 5A-C",
    ),
    finding=finding,
    order=430,
)
