"""Condensation of every matrix over γ, not of the first block's W_Q alone."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure

from experiments.anchor.schema import NOT_CONVERGED
from lowcomplex.nulls import random_effective_directions
from paper_figs._figure import Figure
from paper_figs._judged import trend
from paper_figs._weights import matrix_shapes, with_null
from paper_figs._words import counted
from paper_figs.panels.ranks import plot_ranks, rank_table

MEASURE = "effective_directions"


def _beside_random(dataset: xr.Dataset) -> xr.Dataset:
    shapes = matrix_shapes(dataset)
    null = {name: random_effective_directions(*shape).value for name, shape in shapes.items()}
    return with_null(dataset, MEASURE, null)


def draw(dataset: xr.Dataset) -> figure.Figure:
    """One panel a kind of matrix."""
    return plot_ranks(_beside_random(dataset), MEASURE)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Effective directions of every matrix, beside random ones."""
    return rank_table(_beside_random(dataset), MEASURE)


def caption(dataset: xr.Dataset) -> str:
    """Effective directions of every matrix over γ, one line per part, and which of them fall."""
    phase = dataset["phase"].to_dataframe().reset_index()[["gamma", "seed", "phase"]]
    table = numbers(dataset).merge(phase, on=["gamma", "seed"])
    table = table[table["phase"] != NOT_CONVERGED]
    falling = [
        str(part)
        for part, own in table.groupby("part", sort=False)
        if trend(
            own.groupby(["gamma", "seed"])[[MEASURE]].mean().reset_index(),
            "gamma",
            str(part),
            "γ",
            expected=-1,
            value=MEASURE,
        ).status
        == "yes"
    ]
    return (
        "Effective number of directions of the neurons (rows) of every matrix after training, against γ: "
        f"mean and range of {counted(dataset.sizes['seed'], 'seed')}. Dashed: random directions of the same "
        "number and dimension. It falls with γ, by the interval of Spearman's correlation over the runs that "
        f"converged, for: {', '.join(falling) if falling else 'none'}."
    )


FIGURE = Figure("condensation_by_matrix", "anchor_gamma", caption, draw, numbers, order=440)
