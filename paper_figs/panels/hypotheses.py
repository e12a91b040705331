"""Registered hypotheses against the runs: every effect with its interval, and the runs behind it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lowcomplex.plots.page import canvas, categorical, style
from paper_figs.panels.axes import require

_TESTS = (
    "tested",
    "label",
    "study",
    "statistic",
    "x",
    "y",
    "direction",
    "null",
    "threshold",
    "estimate",
    "low",
    "high",
    "p_value",
    "corrected",
    "runs",
    "sample",
    "left_out",
    "power",
    "outcome",
    "reason",
)
_OUTCOMES = {"supported": "o", "refuted": "s", "undecided": "D"}
# Inches: one line of the smallest text.
_LINE = 0.125


def effect_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Every test with its effect.

    Args:
        dataset: Over `test`, the variables that are the columns of the result.

    Returns:
        Columns tested, label, study, statistic, x, y, direction, null, threshold, estimate, low, high,
        p_value, corrected, runs, sample, left_out, power, outcome, reason, and `size`, `size_low`,
        `size_high`, `size_threshold`: the effect as a number in [-1, 1] that is 0 without an association, a
        correlation as it is and an area A as 2 A - 1 (the rank-biserial correlation).

    Raises:
        ValueError: The dataset lacks a variable.
    """
    require(dataset, _TESTS, ("test",))
    table = pd.DataFrame({name: dataset[name].values for name in _TESTS})
    scale = 1 / (1 - table["null"])
    for name, of in (
        ("size", "estimate"),
        ("size_low", "low"),
        ("size_high", "high"),
        ("size_threshold", "threshold"),
    ):
        table[name] = (table[of] - table["null"]) * scale
    return table


@style()
def plot_effects(dataset: xr.Dataset, names: Sequence[str] | None = None) -> Figure:
    """Every test's effect with its interval and its threshold, under the hypothesis that it is of.

    Args:
        dataset: As for `effect_table`, and over `hypothesis` `title` and `judgment`.
        names: The hypotheses to draw; by default all.

    Returns:
        The figure.
    """
    require(dataset, ("title", "judgment"), ("hypothesis",))
    dataset = dataset if names is None else dataset.sel(hypothesis=list(names))
    table = effect_table(dataset)
    table = table[table["tested"].isin(dataset["hypothesis"].values)]
    headings, rows, y = {}, {}, 0.0
    for name, title, judgment in zip(
        *(dataset[n].values for n in ("hypothesis", "title", "judgment")), strict=True
    ):
        lines = textwrap.wrap(f"{name}, {judgment}: {title}", 100)
        y += 0.6 + len(lines)
        headings[y + 0.45] = "\n".join(lines)
        for index in table.index[table["tested"] == name]:
            y += 1
            rows[index] = y
    figure = canvas(1, 1, height=_LINE * (y + 1.5) + 0.8)
    axis = figure.axes[0]
    colors = dict(zip(_OUTCOMES, categorical(3), strict=True))
    for index, row in table.iterrows():
        _effect(axis, row, rows[index], colors)
    for place, text in headings.items():
        label = axis.annotate(
            text,
            (0.05, place),
            xycoords=("figure fraction", "data"),
            ha="left",
            va="bottom",
            fontsize=7,
            fontweight="bold",
            annotation_clip=False,
        )
        label.set_in_layout(False)
    axis.axvline(0, color="0.6", linewidth=0.7, zorder=0)
    axis.set_yticks([rows[index] for index in table.index], list(table["label"]))
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(y + 1, 0)
    axis.set_xlim(-1.05, 1.05)
    axis.set_xlabel("size of the effect: ρ, or 2 · area - 1")
    axis.set_ylabel("registered tests")
    axis.spines["left"].set_visible(False)
    counts = [f"{row.runs:.0f}/{row.sample:.0f}" for row in table.itertuples()]
    right = axis.secondary_yaxis("right")
    right.set_yticks([rows[index] for index in table.index], counts)
    right.tick_params(axis="y", length=0)
    right.spines["right"].set_visible(False)
    handles = [
        Line2D([], [], color=colors[name], marker=marker, label=name, markersize=3.5)
        for name, marker in _OUTCOMES.items()
    ]
    handles.append(Line2D([], [], color="black", marker="|", linestyle="", label="threshold", markersize=6))
    figure.legend(handles=handles, loc="outside upper right", ncols=4)
    return figure


def _effect(axis: Axes, row: pd.Series, y: float, colors: dict[str, tuple[float, float, float]]) -> None:
    sides = (1, -1) if row["direction"] == 0 else (1,)
    axis.plot(
        [side * row["size_threshold"] for side in sides], [y] * len(sides), "|", color="black", markersize=5
    )
    if not np.isfinite(row["size"]):
        text = "not run" if row["outcome"] == "not run" else "undefined"
        axis.annotate(
            text,
            (0, y),
            ha="center",
            va="center",
            fontsize=7,
            color="0.35",
            bbox={"fc": "white", "lw": 0, "pad": 0.5},
        )
        return
    color = colors[row["outcome"]]
    axis.plot([row["size_low"], row["size_high"]], [y, y], color=color, linewidth=1.2, solid_capstyle="butt")
    axis.plot(row["size"], y, _OUTCOMES[row["outcome"]], color=color, markersize=3.5)
