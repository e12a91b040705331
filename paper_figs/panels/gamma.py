"""The γ law: how far training moves the weights, against the initialization rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from lowcomplex.plots.page import canvas, categorical, panel_letters, style
from lowcomplex.theorems.gamma_law.formula import BOUNDARY, TRANSITION
from paper_figs.panels.axes import gamma_ticks, require

Slope = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]

_MARKERS = "os^Dv"


def displacement_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Relative displacement of every run.

    Args:
        dataset: `relative_displacement` and `converged` over (depth, gamma, seed).

    Returns:
        Columns depth, gamma, seed, relative_displacement, converged.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    names = ("relative_displacement", "converged")
    require(dataset, names, ("depth", "gamma", "seed"))
    table = dataset[list(names)].to_dataframe().reset_index()
    return table[["depth", "gamma", "seed", *names]].astype({"converged": bool})


def slope_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Local slopes d log RD / (dγ log m) between neighboring γ.

    Args:
        dataset: As for `displacement_table`; its attribute `width` is m.

    Returns:
        Columns depth, seed, gamma (between two trained ones), slope; NaN next to a run that did not
        converge.

    Raises:
        ValueError: The dataset lacks a variable, a dimension or the attribute `width`.
    """
    table = displacement_table(dataset)
    if "width" not in dataset.attrs:
        raise ValueError("dataset: expected the attribute width, the hidden width m")
    scale = np.log(float(dataset.attrs["width"]))
    tables = []
    for (depth, seed), runs in table.groupby(["depth", "seed"]):
        runs = runs.sort_values("gamma")
        logs = np.log(runs["relative_displacement"].where(runs["converged"])).to_numpy()
        gammas = runs["gamma"].to_numpy()
        slopes = np.diff(logs) / (np.diff(gammas) * scale)
        middle = (gammas[1:] + gammas[:-1]) / 2
        tables.append(pd.DataFrame({"depth": depth, "seed": seed, "gamma": middle, "slope": slopes}))
    return pd.concat(tables, ignore_index=True)


@style()
def plot_gamma_law(dataset: xr.Dataset, slope: Slope) -> Figure:
    """Relative displacement against γ with its predicted broken lines, and its local slopes.

    A line's slopes are predicted; its height is not, and is fitted on each arm to the runs outside the
    transition.

    Args:
        dataset: As for `slope_table`.
        slope: The prediction (γ, depth) → d log RD / (dγ log m), such as
            `lowcomplex.predictions.gamma_law`.

    Returns:
        The figure.
    """
    table, slopes = displacement_table(dataset), slope_table(dataset)
    scale = np.log(float(dataset.attrs["width"]))
    depths = np.unique(table["depth"])
    figure = canvas(1, 2, height=2.9)
    left, right = figure.axes
    for index, (depth, color) in enumerate(zip(depths, categorical(len(depths)), strict=True)):
        marker = _MARKERS[index % len(_MARKERS)]
        runs = table[table["depth"] == depth]
        good = runs[runs["converged"]]
        left.plot(
            good["gamma"],
            good["relative_displacement"],
            marker,
            color=color,
            markerfacecolor=color if index == 0 else "none",
            markersize=3 + 1.5 * index,
            label=f"{depth} weight matrices",
        )
        for arm in ((-np.inf, TRANSITION[0]), (TRANSITION[1], np.inf)):
            _predicted_arm(left, good, slope, int(depth), arm, scale, color)
        local = slopes[slopes["depth"] == depth]
        right.plot(
            local["gamma"],
            local["slope"],
            marker,
            color=color,
            markerfacecolor=color if index == 0 else "none",
            markersize=3 + 1.5 * index,
        )
        low, high = float(table["gamma"].min()), float(table["gamma"].max())
        for start, stop in ((low, BOUNDARY), (BOUNDARY, high)):
            if start < stop:
                expected = float(slope((start + stop) / 2, depth))
                right.plot([start, stop], [expected, expected], color=color, linewidth=1)
    failed = table[~table["converged"]]
    if len(failed):
        left.plot(failed["gamma"], failed["relative_displacement"], "x", color="black", label="not converged")
    left.plot([], [], color="black", linewidth=1, label="predicted slopes")
    for axis in (left, right):
        axis.axvspan(*TRANSITION, color="0.92", linewidth=0, zorder=0)
        gamma_ticks(axis, np.unique(table["gamma"]), most=0)
    left.set_yscale("log")
    left.set_ylabel("relative displacement ‖θ - θ₀‖ / ‖θ₀‖")
    right.set_ylabel("local slope d log RD / (dγ log m)")
    right.set_ylim(0, float(max(depths)) + 0.7)
    right.annotate("nothing\npredicted", (np.mean(TRANSITION), 0.08), ha="center", fontsize=7, color="0.35")
    left.legend(loc="upper left")
    panel_letters(figure.axes)
    return figure


def _predicted_arm(
    axis: Axes,
    runs: pd.DataFrame,
    slope: Slope,
    depth: int,
    arm: tuple[float, float],
    scale: float,
    color: object,
) -> None:
    """One arm of the broken line, solid where runs are outside the transition, dotted up to the break."""
    inside = runs[(runs["gamma"] >= arm[0]) & (runs["gamma"] <= arm[1])]
    if inside.empty:
        return
    gammas = inside["gamma"].to_numpy()
    expected = float(slope(float(gammas.mean()), depth)) * scale
    height = float(np.mean(np.log(inside["relative_displacement"].to_numpy()) - expected * gammas))
    for span, line in (((gammas.min(), gammas.max()), "-"), (_gap(gammas), ":")):
        x = np.array(span)
        axis.plot(x, np.exp(height + expected * x), line, color=color, linewidth=1)


def _gap(gammas: NDArray[np.float64]) -> tuple[float, float]:
    nearest = gammas.max() if gammas.max() < BOUNDARY else gammas.min()
    return (float(min(nearest, BOUNDARY)), float(max(nearest, BOUNDARY)))
