"""Which frequencies a learned map holds, in training time, over the initialization rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lowcomplex.plots.page import canvas, panel_letters, sequential, style
from paper_figs.panels.axes import require

_DECADES = 6
# Largest number of γ drawn, spread evenly over those trained.
_MOST = 4


def spectrum_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Power and relative error of every frequency in time, averaged over seeds.

    Args:
        dataset: `power` and `relative_error` over (gamma, seed, step, frequency), `target_power` over
            frequency (and any of gamma, seed).

    Returns:
        Columns gamma, step, frequency, power (mean over seeds), relative_error, lowest_relative_error,
        highest_relative_error (mean and range over seeds; NaN for frequencies that the target lacks),
        target_power.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    names = ("power", "relative_error", "target_power")
    require(dataset, names, ("gamma", "seed", "step", "frequency"))
    error = dataset["relative_error"]
    target = dataset["target_power"]
    held = target > 1e-9 * target.max("frequency")
    averaged = xr.Dataset(
        {
            "power": dataset["power"].mean("seed"),
            "relative_error": error.where(held).mean("seed"),
            "lowest_relative_error": error.where(held).min("seed"),
            "highest_relative_error": error.where(held).max("seed"),
            "target_power": target.mean("seed") if "seed" in target.dims else target,
        }
    )
    return averaged.to_dataframe(dim_order=["gamma", "step", "frequency", *_further(averaged)]).reset_index()


@style()
def plot_spectrum(dataset: xr.Dataset) -> Figure:
    """The learned map's spectrum in time at each γ, and the error of each of the target's frequencies.

    Args:
        dataset: As for `spectrum_table`; its attribute `learned_below` is the relative error that counts as
            learned.

    Returns:
        The figure.
    """
    table = spectrum_table(dataset)
    gammas = np.unique(table["gamma"])
    if len(gammas) > _MOST:
        gammas = gammas[np.linspace(0, len(gammas) - 1, _MOST).round().astype(int)]
    targets = table.groupby("frequency")["target_power"].first()
    asked = targets.index[targets > 1e-9 * targets.max()]
    asked = asked[asked > 0]
    figure = canvas(2, len(gammas), height=4.3)
    grid = np.array(figure.axes).reshape(2, len(gammas))
    shown = table[(table["frequency"] > 0) & (table["frequency"] <= 2 * asked.max())]
    norm = LogNorm(float(targets[asked].max()) * 10.0**-_DECADES, float(targets[asked].max()))
    colors = dict(zip(asked, sequential(len(asked)), strict=True))
    for (top, bottom), gamma in zip(grid.T, gammas, strict=True):
        runs = shown[shown["gamma"] == gamma]
        image = _heat_map(top, runs, norm)
        for frequency in asked:
            top.plot(
                frequency,
                1.04,
                "v",
                color=colors[frequency],
                markersize=4,
                transform=top.get_xaxis_transform(),
                clip_on=False,
            )
            of_frequency = runs[runs["frequency"] == frequency]
            bottom.fill_between(
                of_frequency["step"] + 1,
                of_frequency["lowest_relative_error"],
                of_frequency["highest_relative_error"],
                color=colors[frequency],
                alpha=0.15,
                linewidth=0,
            )
            bottom.plot(
                of_frequency["step"] + 1,
                of_frequency["relative_error"],
                color=colors[frequency],
                label=f"{frequency:g}",
            )
        top.set_title(f"γ = {gamma:g}", pad=8)
        top.set_xlabel("frequency")
        top.xaxis.get_major_locator().set_params(integer=True)
        bottom.axhline(dataset.attrs["learned_below"], color="0.6", linewidth=0.7, linestyle=":")
        bottom.set_xscale("log", subs=[])
        bottom.set_xlabel("step + 1")
        bottom.set_ylim(0, 1.3)
    for axis in grid[:, 1:].flat:
        axis.tick_params(labelleft=False)
    grid[0, 0].set_ylabel("step + 1")
    grid[1, 0].set_ylabel("relative error")
    figure.colorbar(image, ax=grid[0].tolist(), label="power", pad=0.01, extend="min")
    handles, labels = grid[1, -1].get_legend_handles_labels()
    figure.legend(
        handles, labels, title="frequency of the target", loc="outside lower center", ncols=len(asked)
    )
    panel_letters([grid[0, 0], grid[1, 0]])
    return figure


def learning_time_table(dataset: xr.Dataset) -> pd.DataFrame:
    """When each frequency of the target was learned, every run.

    Args:
        dataset: `time_learned` over (gamma, seed, frequency), NaN where it was not within the run, and
            `target_power` over frequency (and any of gamma, seed).

    Returns:
        Columns gamma, seed, frequency, time_learned, learned; frequencies that the target lacks are left
        out.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("time_learned", "target_power"), ("gamma", "seed", "frequency"))
    target = dataset["target_power"]
    held = target > 1e-9 * target.max("frequency")
    picked = xr.Dataset({"time_learned": dataset["time_learned"], "held": held})
    table = picked.to_dataframe().reset_index()
    table = table[table["held"].astype(bool) & (table["frequency"] > 0)].reset_index(drop=True)
    return table[["gamma", "seed", "frequency", "time_learned"]].assign(learned=table["time_learned"].notna())


@style()
def plot_learning_times(dataset: xr.Dataset) -> Figure:
    """The step at which each frequency was learned, against the frequency, a line for each γ.

    Args:
        dataset: As for `learning_time_table`, with the coordinate `step` and the attribute `learned_below`,
            the relative error that counts as learned.

    Returns:
        The figure.
    """
    table = learning_time_table(dataset)
    last = float(dataset["step"].max())
    gammas = np.unique(table["gamma"])
    figure = canvas(1, 1, width=3.4, height=2.6)
    axis = figure.axes[0]
    for index, (gamma, color) in enumerate(zip(gammas, sequential(len(gammas)), strict=True)):
        runs = table[table["gamma"] == gamma]
        median = runs.assign(time=runs["time_learned"].fillna(np.inf)).groupby("frequency")["time"].median()
        finite = median[np.isfinite(median)]
        axis.plot(finite.index, finite + 1, color=color, label=f"γ = {gamma:g}")
        shift = 1 + 0.012 * (index - (len(gammas) - 1) / 2)
        learned, censored = runs[runs["learned"]], runs[~runs["learned"]]
        axis.plot(learned["frequency"] * shift, learned["time_learned"] + 1, "o", color=color, markersize=2.5)
        axis.plot(
            censored["frequency"] * shift,
            np.full(len(censored), last * 1.25),
            "^",
            color=color,
            markerfacecolor="none",
            markersize=4,
        )
    if not table["learned"].all():
        axis.axhline(last, color="0.6", linewidth=0.7, linestyle=":")
        axis.plot([], [], "^", color="0.3", markerfacecolor="none", label="not learned")
    axis.set_yscale("log")
    frequencies = np.unique(table["frequency"])
    axis.set_xticks(frequencies, [f"{frequency:g}" for frequency in frequencies])
    axis.set_xlabel("frequency of the target")
    axis.set_ylabel(f"step + 1 at relative error < {dataset.attrs['learned_below']:g}")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right center")
    return figure


def _heat_map(axis: Axes, runs: pd.DataFrame, norm: LogNorm) -> QuadMesh:
    grid = runs.pivot(index="step", columns="frequency", values="power")
    power = np.clip(grid.to_numpy(), norm.vmin, None)
    steps, frequencies = grid.index.to_numpy(dtype=float) + 1, grid.columns.to_numpy(dtype=float)
    image = axis.pcolormesh(
        _edges(frequencies), np.exp(_edges(np.log(steps))), power, norm=norm, cmap="cividis", rasterized=True
    )
    axis.set_yscale("log", subs=[])
    return image


def _edges(centers: np.ndarray) -> np.ndarray:
    if len(centers) < 2:
        return np.array([centers[0] - 0.5, centers[0] + 0.5])
    middle = (centers[1:] + centers[:-1]) / 2
    return np.concatenate(([2 * centers[0] - middle[0]], middle, [2 * centers[-1] - middle[-1]]))


def _further(dataset: xr.Dataset) -> list[str]:
    return [str(name) for name in dataset.dims if name not in ("gamma", "step", "frequency")]
