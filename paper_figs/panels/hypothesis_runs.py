"""The runs behind the tests of hypotheses, one mark per run."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colors as mcolors
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from experiments.anchor.schema import NOT_CONVERGED, PHASES
from lowcomplex.plots.page import canvas, sequential, style
from paper_figs.panels.axes import require
from paper_figs.panels.hypotheses import effect_table

_RUNS = ("run_x", "run_y", "run_gamma", "run_phase", "run_left_out")
_PHASES = (NOT_CONVERGED, *reversed(PHASES))
_WRAP = 24
_COLUMNS = 4


def run_table(dataset: xr.Dataset) -> pd.DataFrame:
    """The runs of the first test of each hypothesis.

    Args:
        dataset: As for `effect_table`; and over `run`, `of_test`, `run_x`, `run_y`, `run_gamma`,
            `run_phase`, `run_left_out`.

    Returns:
        Columns tested, label, x, y, phase, gamma, left_out: one row per run and test.

    Raises:
        ValueError: The dataset lacks a variable.
    """
    require(dataset, (*_RUNS, "of_test"), ("run",))
    effects = effect_table(dataset)
    runs = pd.DataFrame({name.removeprefix("run_"): dataset[name].values for name in (*_RUNS, "of_test")})
    runs = runs[runs["of_test"].isin(first_tests(dataset))]
    named = effects[["tested", "label"]].rename_axis("of_test").reset_index()
    return named.merge(runs, on="of_test")[["tested", "label", "x", "y", "phase", "gamma", "left_out"]]


def first_tests(dataset: xr.Dataset) -> list[int]:
    """Position of the first test of each hypothesis, in the order in which they were registered."""
    return list(effect_table(dataset).drop_duplicates("tested").index)


@style()
def plot_runs(dataset: xr.Dataset) -> Figure:
    """What the first test of each hypothesis compares: one panel per test, one mark per run, colored by γ.

    Crosses are runs that did not converge: they are drawn, and left out of the test.

    Args:
        dataset: As for `run_table`.

    Returns:
        The figure.
    """
    tests = first_tests(dataset)
    effects = effect_table(dataset)
    columns = min(_COLUMNS, len(tests))
    rows = math.ceil(len(tests) / columns)
    figure = canvas(rows, columns, height=0.6 + 1.95 * rows)
    runs = pd.DataFrame({name: dataset[name].values for name in (*_RUNS, "of_test")})
    gammas = np.unique(runs["run_gamma"].dropna())
    norm = mcolors.Normalize(*((gammas.min(), gammas.max()) if len(gammas) > 1 else (0, 1)))
    # The palest colors are illegible on white.
    colors = ScalarMappable(norm, mcolors.LinearSegmentedColormap.from_list("γ", sequential(12)))
    for axis, index in zip(figure.axes, tests, strict=False):
        _panel(axis, effects.iloc[index].to_dict(), runs[runs["of_test"] == index], colors)
    for axis in figure.axes[len(tests) :]:
        axis.set_visible(False)
    if len(gammas) > 1:
        figure.colorbar(
            colors, ax=figure.axes, location="top", label="initialization rate γ", aspect=60, shrink=0.5
        )
    return figure


def _panel(axis: Axes, test: Mapping[Hashable, Any], runs: pd.DataFrame, colors: ScalarMappable) -> None:
    area = test["statistic"] == "area under curve"
    runs = runs.assign(shown=_levels(runs["run_phase"]) if area else runs["run_y"])
    runs = runs[np.isfinite(runs["run_x"]) & np.isfinite(runs["shown"])]
    crosses = runs["run_phase"] == NOT_CONVERGED
    kept = runs[~crosses]
    axis.scatter(
        kept["run_x"], kept["shown"], c=_colors(kept["run_gamma"], colors), s=11, linewidth=0, alpha=0.85
    )
    axis.scatter(
        runs.loc[crosses, "run_x"], runs.loc[crosses, "shown"], c="black", marker="x", s=12, linewidth=0.8
    )
    _scale(axis, runs["run_x"].to_numpy())
    axis.set_xlabel(_words(test["x"]), fontsize=7)
    if area:
        levels = [level for level in _PHASES if level != NOT_CONVERGED or crosses.any()]
        axis.set_yticks([_PHASES.index(level) for level in levels], levels)
        axis.set_ylabel("final phase", fontsize=7)
    else:
        axis.set_ylabel(_words(test["y"]), fontsize=7)
    found = f", area {test['estimate']:.2f}" if area else f", ρ {test['estimate']:+.2f}"
    said = test["outcome"] + (found if np.isfinite(test["estimate"]) else "")
    axis.set_title(f"{test['tested']}\n{said}", fontsize=7)
    if runs.empty:
        axis.annotate("no run", (0.5, 0.5), xycoords="axes fraction", ha="center", fontsize=7, color="0.35")
        axis.set(xticks=[], yticks=[])


def _words(name: str) -> str:
    return textwrap.fill(name.replace("_", " "), _WRAP)


def _levels(phases: pd.Series) -> pd.Series:
    """Height of each phase, runs of one phase spread evenly about it, in their order."""
    place = phases.groupby(phases).cumcount()
    return phases.map(_PHASES.index).astype(float) + 0.5 * ((place * 0.618) % 1 - 0.5)


def _colors(gammas: pd.Series, colors: ScalarMappable) -> list[tuple[float, float, float, float]]:
    gray = (0.4, 0.4, 0.4, 1.0)
    return [tuple(colors.to_rgba(gamma)) if np.isfinite(gamma) else gray for gamma in gammas]


def _scale(axis: Axes, x: np.ndarray) -> None:
    """Ticks at the values of a field; a logarithmic scale, zero set apart, where they span decades."""
    values = np.unique(x)
    if not 1 < len(values) <= 6:
        return
    positive = values[values > 0]
    if values.min() >= 0 and len(positive) > 1 and positive[-1] >= 4 * positive[0]:
        axis.set_xscale("symlog", linthresh=float(positive[0])) if values[0] == 0 else axis.set_xscale("log")
    every = 1 if len(values) < 6 else 2
    axis.set_xticks(values, [f"{v:g}" if i % every == 0 else "" for i, v in enumerate(values)])
    axis.minorticks_off()
