"""Accuracy and time to convergence over the size of the data, for two ways to start and decay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments._starts import LARGE, SMALL
from lowcomplex.plots.page import canvas, categorical, panel_letters, shared_legend, style
from paper_figs.panels.axes import require

_RUNS = ("arm", "examples", "seed")
_MARKERS: dict[str, str] = {SMALL: "o", LARGE: "s"}
_NUDGE: dict[str, float] = {SMALL: 0.97, LARGE: 1.03}


def size_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Final accuracies of every run, and when it converged.

    Args:
        dataset: `accuracy` over (arm, examples, seed, step, group), `converged` and `steps_to_convergence`
            over (arm, examples, seed).

    Returns:
        Columns arm, examples, seed, group, accuracy, converged, steps_to_convergence; the last is NaN for
        runs that did not converge.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("accuracy", "converged", "steps_to_convergence"), (*_RUNS, "step", "group"))
    final = dataset["accuracy"].isel(step=-1, drop=True).to_dataframe(name="accuracy").reset_index()
    runs = dataset[["converged", "steps_to_convergence"]].to_dataframe().reset_index()
    runs["converged"] = runs["converged"].astype(bool)
    kept = [*_RUNS, "converged", "steps_to_convergence"]
    table = final[[*_RUNS, "group", "accuracy"]].merge(runs[kept], on=list(_RUNS))
    order = {str(group): place for place, group in enumerate(dataset["group"].values)}
    return table.sort_values(
        ["group", *_RUNS], key=lambda c: c.map(order) if c.name == "group" else c, ignore_index=True
    )


@style()
def plot_accuracy_by_size(
    dataset: xr.Dataset, labels: Mapping[str, str], *, times: bool = False, tens: bool = False
) -> Figure:
    """Accuracy against the number of training examples, one panel a group of questions.

    Lines are means over seeds, small marks the runs; a cross marks a run that did not converge.

    Args:
        dataset: As for `size_table`, with `gamma` and `weight_decay` of each run.
        labels: The groups to draw, and what they are called.
        times: Also draw how long the runs took to converge, open triangles where they did not.
        tens: Also draw `accuracy_by_tens` of the most examples, and a frame around the block from
            `block_first` to `block_last` (attributes) that was not trained.

    Returns:
        The figure.
    """
    table = size_table(dataset)
    arms = [str(arm) for arm in dataset["arm"].values]
    colors = dict(zip(arms, categorical(len(arms)), strict=True))
    names = {arm: _arm_name(dataset, arm) for arm in arms}
    maps = arms if tens else []
    count = times + len(labels) + len(maps)
    figure = canvas(1, count, height=2.5)
    axes = list(figure.axes)
    if times:
        _draw_times(axes.pop(0), table, colors, names, int(dataset["step"].max()))
    for place, (axis, (group, label)) in enumerate(zip(axes, labels.items(), strict=False)):
        for arm in arms:
            of_arm = table[(table["arm"] == arm) & (table["group"] == group)]
            _draw_accuracy(axis, of_arm, arm, colors[arm], names[arm])
        _size_axis(axis, table)
        axis.set_ylim(-0.04, 1.04)
        axis.set_title(label)
        if place == 0:
            axis.set_ylabel("whole answers right")
        else:
            axis.tick_params(labelleft=False)
    for place, (axis, arm) in enumerate(zip(axes[len(labels) :], maps, strict=True)):
        image = _draw_tens(axis, dataset, arm)
        axis.set_title(names[arm])
        if place == len(maps) - 1:
            figure.colorbar(image, ax=axis, label="share right", fraction=0.046, pad=0.04)
    shared_legend(figure)
    panel_letters(figure.axes[:count])
    return figure


def _arm_name(dataset: xr.Dataset, arm: str) -> str:
    gamma, decay = (float(np.nanmax(dataset[name].sel(arm=arm).values)) for name in ("gamma", "weight_decay"))
    return f"γ = {gamma:g}, decay {decay:g}"


def _size_axis(axis: Axes, table: pd.DataFrame) -> None:
    sizes = np.unique(table["examples"])
    axis.set_xscale("log")
    axis.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)
    axis.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel("training examples")


def _draw_accuracy(axis: Axes, runs: pd.DataFrame, arm: str, color: object, name: str) -> None:
    mean = runs.groupby("examples")["accuracy"].mean()
    axis.plot(mean.index, mean, color=color, marker=_MARKERS.get(arm, "^"), markersize=4.5, label=name)
    places = runs["examples"] * _NUDGE.get(arm, 1.0)
    converged = runs["converged"]
    marker = _MARKERS.get(arm, "^")
    axis.plot(places[converged], runs["accuracy"][converged], marker, color=color, alpha=0.7, markersize=2.4)
    if (~converged).any():
        axis.plot(
            places[~converged],
            runs["accuracy"][~converged],
            "x",
            color="black",
            markersize=4,
            label="not converged",
        )


def _draw_times(
    axis: Axes, table: pd.DataFrame, colors: Mapping[str, object], names: Mapping[str, str], last: int
) -> None:
    """Medians count a run that did not converge as one that takes longer than all that did."""
    runs = table.drop_duplicates(list(_RUNS))
    for arm, color in colors.items():
        of_arm = runs[runs["arm"] == arm]
        times = of_arm["steps_to_convergence"].fillna(np.inf)
        median = times.groupby(of_arm["examples"]).median().replace(np.inf, np.nan)
        marker = _MARKERS.get(arm, "^")
        axis.plot(median.index, median, color=color, marker=marker, markersize=4.5, label=names[arm])
        places = of_arm["examples"] * _NUDGE.get(arm, 1.0)
        reached = np.isfinite(times)
        axis.plot(places[reached], times[reached], marker, color=color, markersize=2.4, alpha=0.7)
        axis.plot(
            places[~reached],
            np.full(int((~reached).sum()), last),
            "^",
            color=color,
            markersize=4.5,
            markerfacecolor="none",
        )
    _size_axis(axis, table)
    axis.set_ylim(0, last * 1.06)
    axis.set_ylabel("steps to convergence")
    axis.set_title("training examples right")


def _draw_tens(axis: Axes, dataset: xr.Dataset, arm: str) -> QuadMesh:
    require(dataset, ("accuracy_by_tens",), (*_RUNS, "first_tens", "second_tens"))
    shares = dataset["accuracy_by_tens"].sel(arm=arm).isel(examples=-1).mean("seed")
    edges = 10 * np.arange(shares.sizes["first_tens"] + 1)
    values = shares.transpose("first_tens", "second_tens").values
    axis.set_facecolor("0.8")
    image = axis.pcolormesh(edges, edges, values, cmap="cividis", vmin=0, vmax=1)
    first, last = int(dataset.attrs["block_first"]), int(dataset.attrs["block_last"])
    frame = Rectangle((first, first), last - first, last - first, fill=False, edgecolor="red", linewidth=1.2)
    axis.add_patch(frame)
    axis.set_aspect("equal")
    axis.set_xticks([0, 50, 100])
    axis.set_yticks([0, 50, 100])
    axis.set_xlabel("second number")
    axis.set_ylabel("first number")
    return image
