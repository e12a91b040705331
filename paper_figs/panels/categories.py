"""Answers over a run dimension whose values have no order."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from experiments.anchor.schema import NOT_CONVERGED, TRAINED, UNTRAINED
from lowcomplex.plots.page import MARKERS, canvas, categorical, shared_legend, style
from paper_figs.panels.runs import DIMENSION_LABELS, PANEL_TITLES, accuracy_table, tick_label

_GROUPS = (*UNTRAINED, TRAINED[0])
_WIDTH = 0.6
_ASIDE = 0.06


@style()
def plot_answers_by(dataset: xr.Dataset, field: str) -> Figure:
    """Final answers at each value of a run dimension, a color for each kind of answer.

    Large marks are means over seeds, bars their range, small marks the runs; a cross marks a run that did not
    converge.

    Args:
        dataset: As for `accuracy_table`; besides `field`, only seeds may vary.
        field: The run dimension, drawn to the right in the dataset's order.

    Returns:
        The figure.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    table = accuracy_table(dataset).dropna(subset=["accuracy"])
    values = list(dict.fromkeys(table[field]))
    figure = canvas(1, 1, height=2.9)
    (axis,) = figure.axes
    for index, (group, color) in enumerate(zip(_GROUPS, categorical(len(_GROUPS)), strict=True)):
        runs = table[table["group"] == group]
        shift = _WIDTH * (index - (len(_GROUPS) - 1) / 2) / len(_GROUPS)
        marker = MARKERS[index % len(MARKERS)]
        spread = runs.groupby(field)["accuracy"].agg(["mean", "min", "max"]).reindex(values)
        at = np.arange(len(values)) + shift
        axis.vlines(at, spread["min"], spread["max"], color=color, alpha=0.4, linewidth=2)
        axis.plot(
            at,
            spread["mean"],
            linestyle="none",
            marker=marker,
            markersize=5,
            color=color,
            label=PANEL_TITLES[group],
        )
        place = runs[field].map(values.index) + shift
        failed = runs["phase"] == NOT_CONVERGED
        axis.plot(
            place[~failed] + _ASIDE,
            runs["accuracy"][~failed],
            linestyle="none",
            marker=marker,
            markersize=2.2,
            color=color,
            alpha=0.7,
        )
        axis.plot(place[failed], runs["accuracy"][failed], "x", color="black", markersize=4)
    if (table["phase"] == NOT_CONVERGED).any():
        axis.plot([], [], "x", color="black", markersize=4, label=NOT_CONVERGED)
    axis.set_xticks(range(len(values)), [tick_label(value) for value in values])
    axis.set_xlabel(DIMENSION_LABELS.get(field, field))
    axis.set_ylim(-0.04, 1.04)
    axis.set_ylabel("share of answers")
    shared_legend(figure)
    return figure
