"""Do weights stay full-rank while the path that training took is low-dimensional?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from experiments._layers import part_and_block
from lowcomplex.plots.page import canvas, categorical, panel_letters, style
from paper_figs.panels.axes import gamma_ticks, require
from paper_figs.panels.curves import draw_runs
from paper_figs.panels.runs import at_end

_NULL_COLOR = "0.45"
# Participation ratio of a walk of many steps: `lowcomplex.nulls.random_walk_spectrum`.
_RANDOM_WALK = 5 / 2


def trajectory_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Dimension of every run's path, beside the rank and the displacement of each of its matrices.

    Args:
        dataset: `trajectory_dimension` and `phase` over (gamma, seed), `effective_rank` and
            `relative_displacement` over (gamma, seed, step, layer), `null_effective_rank` over layer (and
            any of gamma, seed).

    Returns:
        Columns gamma, seed, phase, trajectory_dimension, layer, part, effective_rank, null_effective_rank,
        relative_rank (their quotient), relative_displacement.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    names = ("effective_rank", "null_effective_rank", "relative_displacement")
    require(dataset, ("trajectory_dimension", "phase", *names), ("gamma", "seed", "layer"))
    matrices = at_end(dataset)[list(names)].to_dataframe().reset_index()
    runs = dataset[["trajectory_dimension", "phase"]].to_dataframe().reset_index()
    table = matrices.merge(runs[["gamma", "seed", "trajectory_dimension", "phase"]], on=["gamma", "seed"])
    table = table.assign(
        part=[part_and_block(name)[0] for name in table["layer"]],
        relative_rank=table["effective_rank"] / table["null_effective_rank"],
    )
    order = ["gamma", "seed", "phase", "trajectory_dimension", "layer", "part", *names[:2], "relative_rank"]
    return table[[*order, names[2]]]


@style()
def plot_trajectory(dataset: xr.Dataset) -> Figure:
    """Dimension of the path, rank of the matrices, and how far they moved, against γ.

    Args:
        dataset: As for `trajectory_table`.

    Returns:
        The figure.
    """
    table = trajectory_table(dataset)
    figure = canvas(1, 3, height=2.8)
    path, rank, moved = figure.axes
    draw_runs(path, table.drop_duplicates(["gamma", "seed"]), "trajectory_dimension")
    path.axhline(_RANDOM_WALK, linestyle="--", color=_NULL_COLOR, linewidth=1, label="random walk")
    path.set_ylim(bottom=0)
    path.set_ylabel("dimension of the path")
    path.legend(loc="lower left")
    parts = list(dict.fromkeys(table["part"]))
    for axis, column in ((rank, "relative_rank"), (moved, "relative_displacement")):
        for part, color in zip(parts, categorical(len(parts)), strict=True):
            over = table[table["part"] == part].groupby("gamma")[column].mean()
            axis.plot(over.index, over, marker="o", markersize=2.5, color=color, label=part)
    rank.axhline(1, linestyle="--", color=_NULL_COLOR, linewidth=1)
    rank.set_ylim(0, 1.06 * max(1.0, float(table.groupby(["gamma", "part"])["relative_rank"].mean().max())))
    rank.set_ylabel("effective rank over random")
    moved.set_yscale("log")
    moved.set_ylabel("relative displacement")
    for axis in figure.axes:
        gamma_ticks(axis, np.unique(table["gamma"]), most=6)
    figure.legend(*rank.get_legend_handles_labels(), loc="outside right center")
    panel_letters(figure.axes)
    return figure
