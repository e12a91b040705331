"""Heat maps over two run dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.anchor.schema import UNTRAINED
from lowcomplex.plots.page import canvas, panel_letters, style
from paper_figs.panels.runs import (
    CONVERGED,
    DIMENSION_LABELS,
    PANEL_TITLES,
    accuracy_table,
    cell_table,
    tick_label,
)


@style()
def plot_answer_maps(
    dataset: xr.Dataset, rows: str, columns: str, groups: Sequence[str] = UNTRAINED
) -> Figure:
    """One map of final answers for each kind of answer, over two run dimensions.

    Cells hold the mean over seeds; "×2" counts runs that did not converge. A cell is hatched where accuracy
    on trained pairs is below 0.9 on average, gray where there is no value.

    Args:
        dataset: As for `accuracy_table`; besides `rows` and `columns`, only seeds may vary.
        rows: The run dimension drawn upward.
        columns: The run dimension drawn to the right.
        groups: Which answers, a panel each.

    Returns:
        The figure.

    Raises:
        ValueError: The dataset lacks a variable or a dimension, or varies in another run dimension.
    """
    table = cell_table(accuracy_table(dataset), rows, columns, groups=groups)
    figure = canvas(1, len(groups), height=1.1 + 0.32 * table[rows].nunique(), sharey=True)
    panels = list(figure.axes)
    for axis, group in zip(panels, groups, strict=True):
        image = draw_cells(axis, table[table["group"] == group], rows, columns)
        axis.set_title(PANEL_TITLES[group])
    share_bar(figure, image, panels)
    for axis in panels[1:]:
        axis.set_ylabel("")
    panel_letters(panels)
    return figure


def draw_cells(axis: Axes, cells: pd.DataFrame, rows: str, columns: str) -> QuadMesh:
    """Draw one kind of answer of `cell_table` as a map of shares.

    Args:
        axis: The panel to draw on.
        cells: The rows of one group.
        rows: Dimension drawn upward.
        columns: Dimension drawn to the right.

    Returns:
        The mesh, for a color bar.
    """
    frame = cells.assign(
        text=[
            ("–" if np.isnan(mean) else f"{mean:.2f}") + (f"\n×{failed}" if failed else "")
            for mean, failed in zip(cells["mean"], cells["not_converged"], strict=True)
        ],
        hatched=cells["seen"] < CONVERGED,
    )
    grids = [frame.pivot(index=rows, columns=columns, values=name) for name in ("mean", "text", "hatched")]
    mesh = draw_map(axis, *grids, vmin=0, vmax=1)
    axis.set_xlabel(DIMENSION_LABELS.get(columns, columns))
    axis.set_ylabel(DIMENSION_LABELS.get(rows, rows))
    return mesh


def draw_map(
    axis: Axes, values: pd.DataFrame, text: pd.DataFrame, hatched: pd.DataFrame, **colors: Any
) -> QuadMesh:
    """A heat map with a text in each cell, first row at the bottom.

    Args:
        axis: The panel to draw on.
        values: The colors; NaN is gray.
        text: The texts, of the same shape; a missing text writes nothing.
        hatched: Which cells are hatched; missing means not.
        **colors: `cmap`, `vmin`, `vmax` and the like, passed on to `seaborn.heatmap`.

    Returns:
        The mesh, for a color bar.
    """
    sns.heatmap(
        values.astype(float),
        annot=text.where(values.notna(), "").fillna(""),
        fmt="",
        cbar=False,
        linewidths=0.6,
        annot_kws={"size": 7, "linespacing": 0.95},
        ax=axis,
        **{"cmap": "cividis", **colors},
    )
    axis.set_facecolor("0.85")
    for row, column in np.argwhere(values.isna().to_numpy()):
        note = text.iloc[row, column]
        if isinstance(note, str):
            axis.text(column + 0.5, row + 0.5, note, ha="center", va="center", fontsize=7, color="0.25")
    for row, column in np.argwhere((hatched == True).to_numpy()):  # noqa: E712  (missing is not true)
        axis.add_patch(Rectangle((column, row), 1, 1, fill=False, hatch="////", edgecolor="0.6", linewidth=0))
    axis.set_xticks(np.arange(values.shape[1]) + 0.5, [tick_label(v) for v in values.columns], rotation=0)
    axis.set_yticks(np.arange(values.shape[0]) + 0.5, [tick_label(v) for v in values.index], rotation=0)
    axis.set_ylim(0, values.shape[0])
    axis.tick_params(length=0)
    mesh = axis.collections[0]
    assert isinstance(mesh, QuadMesh)
    return mesh


def share_bar(figure: Figure, mesh: QuadMesh, axes: Sequence[Axes]) -> None:
    """A color bar of answers' shares beside panels that share their colors."""
    figure.colorbar(mesh, ax=list(axes), label="share of answers", pad=0.01)
