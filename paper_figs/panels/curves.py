"""Curves over one run dimension, with what seeds spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas.api.types import is_numeric_dtype

from experiments.anchor.schema import NOT_CONVERGED, TRAINED, UNTRAINED
from lowcomplex.plots.page import MARKERS, Color, canvas, categorical, panel_letters, sequential, style
from paper_figs.panels.axes import gamma_ticks
from paper_figs.panels.maps import draw_cells, share_bar
from paper_figs.panels.runs import DIMENSION_LABELS, PANEL_TITLES, accuracy_table, cell_table, tick_label


@style()
def plot_answer_curves(
    dataset: xr.Dataset,
    color: str,
    groups: Sequence[str] = (*UNTRAINED, TRAINED[0]),
) -> Figure:
    """Final answers against γ, a panel for each kind of answer, a color for each value of a run dimension.

    Lines are means over seeds, bands their range, small marks the runs; a cross marks a run that did not
    converge.

    Args:
        dataset: As for `accuracy_table`; besides γ and `color`, only seeds may vary.
        color: The run dimension that colors tell apart.
        groups: Which answers, a panel each.

    Returns:
        The figure.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    table = accuracy_table(dataset)
    values = list(dict.fromkeys(table[color]))
    shades = sequential(len(values)) if is_numeric_dtype(table[color]) else categorical(len(values))
    colors = dict(zip(values, shades, strict=True))
    figure = canvas(1, len(groups), height=2.7, sharey=True)
    for axis, group in zip(figure.axes, groups, strict=True):
        draw_curves(axis, table[table["group"] == group], color, colors)
        axis.set_title(PANEL_TITLES[group])
        axis.set_ylim(-0.04, 1.04)
        axis.set_ylabel("")
    figure.axes[0].set_ylabel("share of answers")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if (table["phase"] == NOT_CONVERGED).any():
        (cross,) = figure.axes[0].plot([], [], "x", color="black", markersize=4)
        handles, labels = [*handles, cross], [*labels, NOT_CONVERGED]
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(labels),
        title=DIMENSION_LABELS.get(color, color),
    )
    panel_letters(figure.axes)
    return figure


def draw_curves(
    axis: Axes,
    runs: pd.DataFrame,
    color: str,
    colors: Mapping[Any, Color],
    *,
    labels: Mapping[Any, str] | None = None,
    value: str = "accuracy",
) -> None:
    """Means over seeds against γ with their range, and the runs; crosses where a run did not converge.

    Args:
        axis: The panel to draw on.
        runs: Columns gamma, `color`, `value`, phase; one row per run and line.
        color: The column that has a line for each of its values.
        colors: The lines' colors, in their order.
        labels: The lines' names, unless the values themselves.
        value: The column drawn upward.
    """
    order = [key for key in colors if key in set(runs[color])]
    markers = {key: MARKERS[index % len(MARKERS)] for index, key in enumerate(colors)}
    gammas = np.unique(runs["gamma"])
    gap = float(np.diff(gammas).min()) if len(gammas) > 1 else 0.1
    drawn = runs.dropna(subset=[value])
    sns.lineplot(
        data=drawn,
        x="gamma",
        y=value,
        hue=color,
        hue_order=order,
        style=color,
        style_order=order,
        palette={key: colors[key] for key in order},
        markers={key: markers[key] for key in order},
        dashes=False,
        errorbar=("pi", 100),
        err_kws={"alpha": 0.15, "linewidth": 0},
        markersize=4.5,
        markeredgewidth=0,
        legend=False,
        ax=axis,
    )
    names = {} if labels is None else labels
    for index, key in enumerate(order):
        axis.plot(
            [],
            [],
            color=colors[key],
            marker=markers[key],
            markersize=4.5,
            label=names.get(key, tick_label(key)),
        )
        own = drawn[(drawn[color] == key) & (drawn["phase"] != NOT_CONVERGED)]
        shift = 0.06 * gap * (index - (len(order) - 1) / 2)
        axis.plot(
            own["gamma"] + shift,
            own[value],
            linestyle="none",
            marker=markers[key],
            markersize=2.2,
            color=colors[key],
            alpha=0.7,
        )
    failed = drawn[drawn["phase"] == NOT_CONVERGED]
    axis.plot(failed["gamma"], failed[value], "x", color="black", markersize=4)
    gamma_ticks(axis, gammas)


@style()
def plot_curves_and_map(line: xr.Dataset, plane: xr.Dataset, rows: str, groups: Sequence[str]) -> Figure:
    """Some answers against γ beside a map of the composed one over γ and another run dimension.

    Args:
        line: As for `accuracy_table`, over γ and seeds: the curves.
        plane: The same, over γ, `rows` and seeds: the map.
        rows: The run dimension drawn upward in the map.
        groups: Which answers are drawn as curves.

    Returns:
        The figure.
    """
    table = accuracy_table(line)
    table = table[table["group"].isin(groups)]
    figure = canvas(1, 2, height=2.7, width_ratios=(1, 1.15))
    curves, area = figure.axes
    colors = dict(zip(groups, categorical(len(groups)), strict=True))
    draw_curves(curves, table, "group", colors, labels=PANEL_TITLES)
    if (table["phase"] == NOT_CONVERGED).any():
        curves.plot([], [], "x", color="black", markersize=4, label=NOT_CONVERGED)
    curves.set_ylim(-0.04, 1.04)
    curves.set_ylabel("share of answers")
    curves.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    cells = cell_table(accuracy_table(plane), rows, "gamma", groups=("inferential",))
    mesh = draw_cells(area, cells, rows, "gamma")
    area.set_title(PANEL_TITLES["inferential"])
    share_bar(figure, mesh, [area])
    panel_letters([curves, area])
    return figure


def draw_runs(axis: Axes, runs: pd.DataFrame, value: str) -> None:
    """One line of means over seeds against γ, as `draw_curves`, with what its crosses mean in the legend.

    Args:
        axis: The panel to draw on.
        runs: Columns gamma, `value`, phase; one row per run.
        value: The column drawn upward.
    """
    draw_curves(axis, runs.assign(of="mean of seeds"), "of", {"mean of seeds": (0.0, 0.0, 0.0)}, value=value)
    if (runs["phase"] == NOT_CONVERGED).any():
        axis.plot([], [], "x", color="black", markersize=4, label=NOT_CONVERGED)
