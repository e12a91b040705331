"""P2, figure 8A,B: how long more complex data take to learn, over depth."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._judged import trend
from paper_figs._words import counted
from paper_figs.panels.times import loss_time_table, plot_loss_times


def caption(dataset: xr.Dataset) -> str:
    """Updates until the loss is low, over depth and noise groups, with lines through the medians."""
    table = loss_time_table(dataset)
    return (
        "Data complexity. Updates until the training loss, averaged over 20 minibatches, is below 0.1, over "
        "depth and the number of noise groups (pairs with a wrong answer, mirrored alike). Lines: median of "
        f"{counted(dataset.sizes['seed'], 'seed')}; marks: runs; {int(table['censored'].sum())} of "
        f"{len(table)} runs did not get there (hollow triangles at the end of training, counted as longer "
        "than any time)."
    )


def finding(dataset: xr.Dataset) -> Finding:
    """What the runs say; a run that did not get there ranks behind all that did."""
    table = loss_time_table(dataset)
    runs = table.assign(rank=table["steps"].where(~table["censored"], 2 * table["steps"].max()))
    *others, large = (_points(runs[runs["gamma"] == gamma], gamma) for gamma in np.unique(table["gamma"]))
    return conclude(large, *(point.words for points in others for point in points))


def _points(runs: pd.DataFrame, gamma: float) -> list[Point]:
    what = f"at γ = {gamma:g} the time to fit"
    return [
        trend(runs, "noise_groups", what, "noise groups", expected=1, within=("depth",), value="rank"),
        trend(runs, "depth", what, "depth", expected=-1, within=("noise_groups",), value="rank"),
    ]


FIGURE = Figure(
    "p2_fig8ab_convergence",
    "anchor_data_complexity",
    caption,
    partial(plot_loss_times, color="noise_groups"),
    loss_time_table,
    Claim(
        "P2, figure 8A,B: from a small initialization, data with more pairs that do not compose take "
        "longer to fit, and deeper networks fit sooner.",
        row="P2 8A,B",
    ),
    finding,
    order=210,
)
