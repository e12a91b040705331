"""The γ axis explained: displacement and slopes with their prediction, and Luo et al.'s plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from lowcomplex.plots.page import GAMMA_LABEL, canvas, categorical, panel_letters, style
from paper_figs.panels.gamma import displacement_table, slope_table

Field = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]

_MARKERS = "os^Dv"
_MARKED = (0.5, 1.0, 1.5)
_PLANE_X, _PLANE_Y = (0.0, 3.1), (-1.25, 1.9)


def plane_table(aspects: Mapping[str, float], gammas: ArrayLike) -> pd.DataFrame:
    """Where the fan-in rule's γ lies in Luo et al.'s plane for two matrices, d = m^r inputs of unit norm.

    Args:
        aspects: r for each way to grow, by its words.
        gammas: Initialization rates.

    Returns:
        Columns scaling, aspect, gamma, gamma_l = γ(1 + r), gamma_prime = γ(1 - r).
    """
    rates = np.asarray(gammas, dtype=float)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "scaling": words,
                    "aspect": aspect,
                    "gamma": rates,
                    "gamma_l": rates * (1 + aspect),
                    "gamma_prime": rates * (1 - aspect),
                }
            )
            for words, aspect in aspects.items()
        ],
        ignore_index=True,
    )


@style()
def plot_gamma_axis(
    dataset: xr.Dataset,
    slope: Field,
    predicted: pd.DataFrame,
    exponent: Field,
    plane: pd.DataFrame,
) -> Figure:
    """Displacement and its slopes against γ, beside predictions without a fitted number, and the plane.

    Args:
        dataset: As for `lowcomplex.plots.slope_table`.
        slope: (γ, depth) → d log RD / (dγ log m), such as `lowcomplex.predictions.gamma_law`.
        predicted: Columns depth, gamma, displacement (NaN where nothing is predicted) and crossing, the γ at
            which laziness ends at the dataset's width.
        exponent: (γ_L, γ') → exponent of the displacement, such as `lowcomplex.predictions.phase_diagram`.
        plane: As `plane_table` returns it.

    Returns:
        The figure.
    """
    measured, slopes = displacement_table(dataset), slope_table(dataset)
    figure = canvas(1, 3, height=2.75, width_ratios=(1, 1, 1.3))
    left, middle, right = figure.axes
    depths = np.unique(measured["depth"])
    for index, (depth, color) in enumerate(zip(depths, categorical(len(depths)), strict=True)):
        marker: dict[str, Any] = {"marker": _MARKERS[index % len(_MARKERS)], "markersize": 3 + 1.2 * index}
        marker |= {"color": color, "markerfacecolor": color if index == 0 else "none", "linestyle": "none"}
        runs = measured[(measured["depth"] == depth) & measured["converged"]]
        left.plot(runs["gamma"], runs["relative_displacement"], label=f"L = {depth}", **marker)
        line = predicted[predicted["depth"] == depth].sort_values("gamma")
        left.plot(line["gamma"], line["displacement"], color=color, linewidth=1)
        local = slopes[slopes["depth"] == depth]
        middle.plot(local["gamma"], local["slope"], **marker)
        low, high = float(measured["gamma"].min()), float(measured["gamma"].max())
        below, above = float(slope(0.25, depth)), float(slope(1.0, depth))
        middle.plot([low, 0.5, 0.5, high], [below, below, above, above], color=color, linewidth=1)
        crossing = float(line["crossing"].iloc[0])
        middle.axvline(crossing, linestyle=":", color=color, linewidth=1, zorder=0)
    left.plot([], [], color="black", linewidth=1, label="predicted")
    left.set_yscale("log")
    left.set_ylabel("relative displacement ‖θ - θ₀‖ / ‖θ₀‖")
    left.legend(loc="lower right", handlelength=1.2)
    middle.set_ylabel("local slope d log RD / (dγ log m)")
    middle.set_ylim(0, float(max(depths)) + 0.7)
    for axis in (left, middle):
        axis.set_xlabel(GAMMA_LABEL)
        axis.axvline(0.5, color="0.8", linewidth=0.7, zorder=0)
    _draw_plane(figure, right, exponent, plane)
    panel_letters((left, middle, right))
    return figure


def _draw_plane(figure: Figure, axis: Axes, exponent: Field, plane: pd.DataFrame) -> None:
    x, y = np.meshgrid(np.linspace(*_PLANE_X, 121), np.linspace(*_PLANE_Y, 121))
    values = exponent(x, y)
    levels = np.arange(-2, 2.01, 0.25)
    filled = axis.contourf(x, y, values, levels=levels, cmap="RdBu_r", extend="both")
    axis.contour(x, y, values, levels=[0.0], colors="black", linewidths=1.2)
    around = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    for words, line in plane.groupby("scaling", sort=False):
        inside = line[(line["gamma_l"] <= _PLANE_X[1]) & (line["gamma_prime"] <= _PLANE_Y[1])]
        axis.plot(inside["gamma_l"], inside["gamma_prime"], "--", color="black", linewidth=1)
        end = inside.iloc[-1]
        axis.annotate(
            str(words),
            (end["gamma_l"], end["gamma_prime"]),
            (0, 5 if end["gamma_prime"] > 0 else -22),
            textcoords="offset points",
            ha="right" if end["gamma_l"] > np.mean(_PLANE_X) else "center",
            fontsize=7,
            bbox=around,
        )
        for gamma in _MARKED:
            at = line.iloc[(line["gamma"] - gamma).abs().argmin()]
            axis.plot(at["gamma_l"], at["gamma_prime"], "o", color="black", markersize=2.5, clip_on=False)
            if 0 < at["aspect"] < 1:
                continue
            axis.annotate(
                f"{gamma:g}",
                (at["gamma_l"], at["gamma_prime"]),
                (0, -10),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                bbox={**around, "alpha": 0.5, "pad": 0.1},
            )
    axis.annotate("linear", (0.12, -1.1), fontsize=8)
    axis.annotate("condensed", (1.7, -1.1), fontsize=8)
    axis.set(xlim=_PLANE_X, ylim=_PLANE_Y, xlabel=r"$\gamma_L$", ylabel=r"$\gamma^\prime_L$")
    bar = figure.colorbar(filled, ax=axis, ticks=[-2, -1, 0, 1, 2], aspect=30, pad=0.02)
    bar.set_label("exponent of ‖w - w₀‖/‖w₀‖ in m")
    bar.outline.set_visible(False)
