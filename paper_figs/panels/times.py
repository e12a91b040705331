"""How long runs took to learn; what was not learned in time is shown at the end of training, as such."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lowcomplex.plots.page import canvas, panel_letters, sequential, style
from paper_figs.panels.axes import require
from paper_figs.panels.maps import draw_map
from paper_figs.panels.runs import DIMENSION_LABELS, tick_label


def loss_time_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Updates until the training loss is low, of every run.

    Args:
        dataset: `steps_to_loss` over run dimensions, NaN where it was not reached; the coordinate `step`.

    Returns:
        Columns: the run dimensions, steps (of training, where censored), censored, phase.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("steps_to_loss", "phase"), ("seed", "step"))
    return _times(dataset, "steps_to_loss")


def pair_time_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Updates until each anchor pair is answered, of every run.

    Args:
        dataset: `steps_to_accuracy` over run dimensions, first_anchor and second_anchor, NaN where it was not
            reached; the coordinate `step`.

    Returns:
        Columns: the run dimensions, first_anchor, second_anchor, steps (of training, where censored),
        censored, phase.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(
        dataset,
        ("steps_to_accuracy", "phase"),
        ("seed", "step", "first_anchor", "second_anchor"),
    )
    return _times(dataset, "steps_to_accuracy")


@style()
def plot_loss_times(dataset: xr.Dataset, color: str) -> Figure:
    """Updates until the training loss is low against depth, colored by a run dimension, one panel per γ.

    Lines are medians over seeds, a run that did not get there counting as longer than any; marks are runs,
    hollow triangles those that did not get there.

    Args:
        dataset: As for `loss_time_table`.
        color: The run dimension that colors tell apart.

    Returns:
        The figure.
    """
    table = loss_time_table(dataset)
    panels = sorted(table["gamma"].unique())
    figure = canvas(1, len(panels), height=2.8, sharey=True)
    values = sorted(table[color].unique())
    end = float(dataset["step"].max())
    for axis, gamma in zip(figure.axes, panels, strict=True):
        runs = table[table["gamma"] == gamma]
        _draw_times(axis, runs, color, values)
        if runs["censored"].any():
            axis.axhline(end, color="0.5", linewidth=0.8, linestyle=":")
        axis.set_title(f"γ = {gamma:g}")
    figure.axes[0].set_ylabel("updates until loss < 0.1")
    if table["censored"].any():
        figure.axes[0].plot(
            [], [], "^", color="0.3", markerfacecolor="none", label="not reached by the end of training"
        )
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, title=DIMENSION_LABELS.get(color, color)
    )
    if len(panels) > 1:
        panel_letters(figure.axes)
    return figure


@style()
def plot_pair_times(dataset: xr.Dataset, framed: list[tuple[int, int]]) -> Figure:
    """Updates until each anchor pair is answered: a 4 × 4 map for each depth.

    Cells are medians over seeds; hatched ones were not reached by the median run, and show the end of
    training.

    Args:
        dataset: As for `pair_time_table`; besides the depth, only the seed may vary.
        framed: Pairs to mark with a frame.

    Returns:
        The figure.
    """
    table = median_times(pair_time_table(dataset), ["depth", "first_anchor", "second_anchor"])
    values = sorted(table["depth"].unique())
    figure = canvas(1, len(values), height=2.6, sharey=True)
    norm = LogNorm(table["steps"].min(), max(table["steps"].max(), table["steps"].min() * 1.01))
    panels = list(figure.axes)
    for axis, value in zip(panels, values, strict=True):
        own = table[table["depth"] == value].assign(text=_text)
        grids = [
            own.pivot(index="first_anchor", columns="second_anchor", values=name)
            for name in ("steps", "text", "censored")
        ]
        mesh = draw_map(axis, *grids, norm=norm, cmap="cividis_r")
        anchors = list(grids[0].index)
        for first, second in framed:
            _frame(axis, anchors.index(first), anchors.index(second))
        axis.set_xlabel(DIMENSION_LABELS["second_anchor"])
        axis.set_ylabel("")
        axis.set_title(f"{tick_label(value)} {DIMENSION_LABELS['depth']}")
    panels[0].set_ylabel(DIMENSION_LABELS["first_anchor"])
    bar = figure.colorbar(mesh, ax=panels, label="updates until accuracy > 0.99", pad=0.01)
    bar.ax.yaxis.set_major_formatter("{x:.0f}")
    bar.ax.yaxis.set_minor_formatter("{x:.0f}")
    bar.ax.tick_params(which="both", labelsize=7)
    panel_letters(panels)
    return figure


def median_times(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Medians over the rest, with what was not reached counting as longer than any time.

    Args:
        table: Columns `by`, steps, censored.
        by: Columns whose values are kept apart.

    Returns:
        Columns `by`, steps, censored (whether the median run did not get there; then steps is the end of
        training), reached, runs.
    """
    end = table["steps"].where(table["censored"], np.nan).max()
    ranked = table.assign(rank=table["steps"].where(~table["censored"], np.inf))
    found = ranked.groupby(by).agg(
        rank=("rank", _upper_median), runs=("rank", "size"), failed=("censored", "sum")
    )
    censored = np.isinf(found["rank"])
    steps = found["rank"].where(~censored, end)
    return found.assign(steps=steps, censored=censored, reached=found["runs"] - found["failed"])[
        ["steps", "censored", "reached", "runs"]
    ].reset_index()


def _upper_median(values: pd.Series) -> float:
    """The median, the upper one of two, so that it is infinite if half of the runs did not get there."""
    return float(np.sort(values.to_numpy())[len(values) // 2])


def _times(dataset: xr.Dataset, name: str) -> pd.DataFrame:
    steps = dataset[name].reset_coords(drop=True)
    both = xr.Dataset(
        {"steps": steps, "phase": dataset["phase"].reset_coords(drop=True).broadcast_like(steps)}
    )
    table = both.to_dataframe().reset_index()
    censored = table["steps"].isna()
    end = float(dataset["step"].max())
    columns = [*map(str, steps.dims), "steps", "censored", "phase"]
    return table.assign(steps=table["steps"].fillna(end).astype(float), censored=censored)[columns]


def _draw_times(axis: Axes, runs: pd.DataFrame, color: str, values: list[float]) -> None:
    order = sorted(runs["depth"].unique())
    places = {value: index for index, value in enumerate(order)}
    medians = median_times(runs, [color, "depth"])
    for index, (value, shade) in enumerate(zip(values, sequential(len(values)), strict=True)):
        shift = 0.12 * (index - (len(values) - 1) / 2)
        line = medians[medians[color] == value]
        solid = line["steps"].where(~line["censored"])
        axis.plot(line["depth"].map(places) + shift, solid, color=shade, label=tick_label(value))
        own = runs[runs[color] == value]
        for censored, mark in ((False, "o"), (True, "^")):
            part = own[own["censored"] == censored]
            axis.plot(
                part["depth"].map(places) + shift,
                part["steps"],
                mark,
                color=shade,
                markersize=4 if censored else 3,
                markerfacecolor="none" if censored else shade,
            )
    axis.set_xticks(range(len(order)), [tick_label(value) for value in order])
    axis.set_xlim(-0.5, len(order) - 0.5)
    axis.set_xlabel(DIMENSION_LABELS["depth"])


def _text(table: pd.DataFrame) -> list[str]:
    return [
        (f">{steps:.0f}" if censored else f"{steps:.0f}")
        for steps, censored in zip(table["steps"], table["censored"], strict=True)
    ]


def _frame(axis: Axes, row: int, column: int) -> None:
    x, y = [column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row]
    axis.plot(x, y, color="#d55e00", linewidth=1.6, clip_on=False, solid_joinstyle="miter", zorder=5)
