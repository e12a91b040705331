"""Neurons that condense: where they point, how large they are, and how many directions are left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments._starts import LARGE, SMALL
from lowcomplex.plots.page import canvas, categorical, shared_legend, style
from paper_figs.panels.axes import require

_NAMES = {"tanh": "tanh z", "xtanh": "z tanh z", "x2tanh": "z² tanh z"}
_TICKS = ((-np.pi, "-π"), (-np.pi / 2, ""), (0.0, "0"), (np.pi / 2, ""), (np.pi, "π"))
_SNAPSHOTS = 4


def neuron_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Orientation and amplitude of every neuron at four recorded times, first seed.

    The times go from the first record to the last, at equal distances in the record.

    Args:
        dataset: `orientation`, `amplitude`, `output_sign` over (activation, initialization, seed, step,
            neuron) and `time`, in lengths T of the loss's plateau, over step (and any of the first
            three).

    Returns:
        Columns activation, initialization, snapshot, time, neuron, orientation (radians in (-π, π]),
        amplitude, output_sign.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    names = ("orientation", "amplitude", "output_sign", "time")
    require(dataset, names, ("activation", "initialization", "seed", "step", "neuron"))
    chosen = np.unique(np.linspace(0, dataset.sizes["step"] - 1, _SNAPSHOTS).round().astype(int))
    picked = dataset[list(names)].isel(step=chosen)
    if "seed" in picked.dims:
        picked = picked.isel(seed=0)
    picked = picked.assign_coords(step=np.arange(len(chosen))).rename(step="snapshot")
    if "neuron" not in picked.coords:
        picked = picked.assign_coords(neuron=np.arange(picked.sizes["neuron"]))
    table = picked.to_dataframe().reset_index()
    table["orientation"] = _wrap(table["orientation"].to_numpy(dtype=float))
    columns = ["activation", "initialization", "snapshot", "time", "neuron"]
    return table[[*columns, "orientation", "amplitude", "output_sign"]]


@style()
def plot_neurons(dataset: xr.Dataset) -> Figure:
    """Neurons of three activations at four times from small initialization, and last from a large one.

    Args:
        dataset: As for `neuron_table`, with `predicted_orientation` and `predicted_sign` over (activation,
            line) and any of (initialization, seed); NaN where there are fewer lines.

    Returns:
        The figure.
    """
    table = neuron_table(dataset)
    activations = [str(name) for name in dataset["activation"].values]
    snapshots = int(table["snapshot"].max()) + 1
    has_large = LARGE in dataset["initialization"].values
    columns = snapshots + has_large
    figure = canvas(len(activations), columns, height=0.6 + 1.5 * len(activations), sharex=True)
    grid = np.array(figure.axes).reshape(len(activations), columns)
    for row, activation in zip(grid, activations, strict=True):
        of_activation = table[table["activation"] == activation]
        lines = _predicted_lines(dataset, activation)
        small = of_activation[of_activation["initialization"] == SMALL]
        limits = _log_limits(small["amplitude"])
        for snapshot, axis in enumerate(row[:snapshots]):
            _scatter(axis, small[small["snapshot"] == snapshot], lines)
            axis.set_ylim(limits)
            if snapshot:
                axis.tick_params(labelleft=False)
        row[0].set_ylabel(f"{_NAMES.get(activation, activation)}\namplitude |a||(w, b)|")
        if has_large:
            large = of_activation[of_activation["initialization"] == LARGE]
            _scatter(row[-1], large[large["snapshot"] == snapshots - 1], lines, title="large, ")
    for axis in grid[-1]:
        axis.set_xlabel("orientation (rad)")
        axis.set_xticks([tick for tick, _ in _TICKS], [label for _, label in _TICKS])
        axis.set_xlim(-np.pi, np.pi)
    shared_legend(figure)
    return figure


def condensation_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Loss, alignment with the predicted orientations, and condensed directions in time, every run.

    Args:
        dataset: `loss`, `aligned_share`, `condensed_directions`, `time` over (activation, initialization,
            seed, step).

    Returns:
        Columns activation, initialization, seed, step, time, loss (over the initial one), aligned_share,
        condensed_directions.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    names = ("time", "loss", "aligned_share", "condensed_directions")
    keys = ("activation", "initialization", "seed", "step")
    require(dataset, names, keys)
    picked = dataset[list(names)]
    if "step" not in picked.coords:
        picked = picked.assign_coords(step=np.arange(picked.sizes["step"]))
    picked = picked.assign(loss=picked["loss"] / picked["loss"].isel(step=0))
    return picked.to_dataframe().reset_index()[[*keys, *names]]


@style()
def plot_condensation(dataset: xr.Dataset) -> Figure:
    """Loss, alignment with the predicted orientations, and condensed directions in time.

    Args:
        dataset: As for `condensation_table`.

    Returns:
        The figure.
    """
    table = condensation_table(dataset)
    activations = [str(name) for name in dataset["activation"].values]
    starts = [str(name) for name in dataset["initialization"].values]
    rows = {
        "loss": "loss /\ninitial loss",
        "aligned_share": "amplitude at\npredicted\norientations",
        "condensed_directions": "condensed\ndirections",
    }
    figure = canvas(3, len(activations), height=4.2, sharex=True, sharey="row")
    grid = np.array(figure.axes).reshape(3, len(activations))
    for column, activation in zip(grid.T, activations, strict=True):
        for start, color in zip(starts, categorical(len(starts)), strict=True):
            runs = table[(table["activation"] == activation) & (table["initialization"] == start)]
            for index, (_, run) in enumerate(runs.groupby("seed")):
                label = f"{start} initialization" if index == 0 else None
                for axis, name in zip(column, rows, strict=True):
                    axis.plot(run["time"], run[name], color=color, linewidth=1, alpha=0.8, label=label)
        column[0].set_title(_NAMES.get(activation, activation), loc="left")
        column[-1].set_xlabel("time / length of the plateau")
    for axis, (name, label) in zip(grid[:, 0], rows.items(), strict=True):
        axis.set_ylabel(label)
        axis.set_ylim(bottom=-0.05 * max(1.0, float(table[name].max())))
    grid[-1, 0].yaxis.get_major_locator().set_params(integer=True)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(starts))
    return figure


def _scatter(axis: Axes, neurons: pd.DataFrame, lines: dict[int, np.ndarray], *, title: str = "") -> None:
    colors = categorical(2)
    for sign, color, marker, label in ((1, colors[0], "o", "a > 0"), (-1, colors[1], "s", "a < 0")):
        for line in lines[sign]:
            axis.axvline(
                line, color=color, linewidth=0.8, linestyle=":", zorder=0, label=f"predicted for {label}"
            )
        of_sign = neurons[neurons["output_sign"] == sign]
        axis.scatter(
            of_sign["orientation"],
            of_sign["amplitude"],
            s=7,
            color=color,
            marker=marker,
            alpha=0.6,
            linewidth=0,
            label=label,
        )
    axis.set_yscale("log", subs=[])
    time = neurons["time"].iloc[0] if len(neurons) else np.nan
    axis.set_title(f"{title}t = {time:.3g} T")


def _predicted_lines(dataset: xr.Dataset, activation: str) -> dict[int, np.ndarray]:
    """Orientations that attract neurons of the first seed, for each sign of their output weight."""
    at = dataset[["predicted_orientation", "predicted_sign"]].sel(activation=activation)
    at = at.isel({name: 0 for name in ("initialization", "seed") if name in at.dims})
    angles, signs = at["predicted_orientation"].values, at["predicted_sign"].values
    return {sign: np.unique(_wrap(angles[signs == sign]).round(12)) for sign in (1, -1)}


def _wrap(angles: np.ndarray) -> np.ndarray:
    """The same orientations in (-π, π]."""
    return np.pi - np.mod(np.pi - angles, 2 * np.pi)


def _log_limits(values: pd.Series) -> tuple[float, float]:
    positive = values[values > 0]
    if positive.empty:
        return 1e-1, 1e1
    return float(positive.min()) / 3, float(positive.max()) * 3
