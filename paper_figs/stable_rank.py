"""The stable rank of every matrix against γ, beside random matrices."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure

from lowcomplex import plots
from paper_figs._figure import Figure
from paper_figs._words import counted


def draw(dataset: xr.Dataset) -> figure.Figure:
    """One panel a kind of matrix."""
    return plots.plot_ranks(dataset, "stable_rank")


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Final stable rank of every matrix of every run, and its null."""
    return plots.rank_table(dataset, "stable_rank")


def caption(dataset: xr.Dataset) -> str:
    """What is drawn."""
    return (
        f"Stable rank of all {dataset.sizes['matrix']} weight matrices after training, against γ: mean "
        f"and range of {counted(dataset.sizes['seed'], 'seed')}. Dashed: expected value of a Gaussian random "
        "matrix of the same shape. The embedding's rows of tokens that never occur stay random and count too."
    )


FIGURE = Figure("stable_rank", "anchor_gamma", caption, draw, numbers)
