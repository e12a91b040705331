"""A checkpoint's weight matrices: ranks over those of random weights, and their place on the γ axis."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lowcomplex.plots.page import GAMMA_LABEL, Page, categorical, shortened, style

_RANKS = ("effective_rank", "stable_rank", "participation_ratio")
_MARKERS = {"": "o", "_before": "o", "_after": "s"}
_LONGEST_NAME = 60
# Names on a page; of more matrices, only some are named.
_MOST_NAMES = 300


@style()
def plot_checkpoint(table: pd.DataFrame) -> Figure:
    """Draw a table of `lowcomplex.checkpoints`, one row per matrix, in the order of the checkpoint.

    Beyond 300 matrices rows are drawn closer together, and only every k-th of them is named.

    Args:
        table: The table of `measure_table` or `gamma_table`, or two of one kind joined by `side_by_side`. Of
            two tables, the first is drawn as open circles, the second as squares.

    Returns:
        The figure: γ on the left. On the right, if the table holds measures, each rank over its mean for
        random weights, which is 1 for a matrix as complex as a random one.

    Raises:
        ValueError: The table is empty, or not one of these.
    """
    ends = [end for end in _MARKERS if f"gamma{end}" in table.columns]
    if not ends or table.empty:
        raise ValueError("table: expected a table of lowcomplex.checkpoints with at least one row")
    measured = f"effective_rank{ends[0]}" in table.columns
    every = math.ceil(len(table) / _MOST_NAMES)
    figure = Page(figsize=(7.0, 1.2 + 0.16 * len(table) / every), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, 1 + measured, sharey=True))
    for end in ends:
        _points(axes[0], table[f"gamma{end}"].to_numpy(float), end, "0.2", end.strip("_") or None)
    axes[0].set_xlabel(GAMMA_LABEL)
    axes[0].axvline(0.5, color="0.7", linewidth=0.7, linestyle=":", zorder=0)
    if measured:
        for color, rank in zip(categorical(len(_RANKS)), _RANKS, strict=True):
            for end in ends:
                share = table[f"{rank}{end}"].to_numpy(float) / table[f"random_{rank}"].to_numpy(float)
                label = rank.replace("_", " ") if end == ends[-1] else None
                _points(axes[1], share, end, color, label)
        axes[1].axvline(1, color="0.7", linewidth=0.7, linestyle=":", zorder=0)
        axes[1].set_xlim(left=0)
        axes[1].set_xlabel("over that of random weights")
    names = [shortened(str(name), _LONGEST_NAME) for name in table["name"].iloc[::every]]
    axes[0].set_yticks(range(0, len(table), every), names)
    axes[0].set_ylim(len(table) - 0.5, -0.5)
    for axis in axes:
        axis.grid(axis="y", color="0.93", linewidth=0.5)
        axis.set_axisbelow(True)
    if measured or len(ends) > 1:
        figure.legend(loc="outside upper center", ncols=5)
    return figure


def _points(
    axis: Axes, values: np.ndarray, end: str, color: str | tuple[float, ...], label: str | None
) -> None:
    axis.plot(
        np.where(np.isfinite(values), values, np.nan),
        range(len(values)),
        _MARKERS[end],
        color=color,
        markerfacecolor="none" if end == "_before" else color,
        label=label,
    )
