"""Spectra of weights: the embeddings' covariance and singular values beside random ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments._layers import part_and_block
from lowcomplex.nulls import random_singular_values
from lowcomplex.plots.page import canvas, categorical, panel_letters, sequential, shared_legend, style
from paper_figs.panels.axes import require
from paper_figs.panels.chosen_runs import Points, Run, runs_near

_NULL_COLOR = "0.45"
# Below this share of the variance, an eigenvalue is drawn at the panel's lower edge.
_SMALLEST = 1e-5


def covariance_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Eigenvalues of the embeddings' covariance, mean over the seeds that did not diverge.

    Args:
        dataset: `embedding_covariance` over (gamma, seed, step, index), descending in `index`; the
            coordinate `fraction`.

    Returns:
        Columns gamma, fraction (of the training), index (from 1), eigenvalue, share (of the variance, mean
        of the runs'), and runs.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("embedding_covariance", "fraction"), ("gamma", "seed", "step", "index"))
    eigenvalues = dataset["embedding_covariance"]
    whole = xr.DataArray(np.isfinite(eigenvalues)).all("index")
    total = eigenvalues.sum("index")
    means = xr.Dataset(
        {
            "eigenvalue": eigenvalues.mean("seed"),
            "share": (eigenvalues / total.where(total > 0)).mean("seed"),
            "runs": whole.sum("seed"),
        }
    )
    table = means.to_dataframe().reset_index()
    table["index"] = 1 + table.groupby(["gamma", "fraction"]).cumcount()
    return table[["gamma", "fraction", "index", "eigenvalue", "share", "runs"]]


@style()
def plot_covariance(dataset: xr.Dataset, gamma: float) -> Figure:
    """Spectrum of the embeddings' covariance: final at each γ, and in time at one.

    Args:
        dataset: As for `covariance_table`.
        gamma: The nearest one trained is drawn in time.

    Returns:
        The figure.
    """
    table = covariance_table(dataset)
    gammas, fractions = np.unique(table["gamma"]), np.unique(table["fraction"])
    near = float(gammas[np.abs(gammas - gamma).argmin()])
    figure = canvas(1, 2, height=2.7, sharey=True)
    end = table[table["fraction"] == fractions[-1]]
    start = table[table["fraction"] == fractions[0]]
    _spectra(figure.axes[0], end, "gamma", gammas)
    first = start.groupby("index")["share"].mean()
    figure.axes[0].plot(first.index, first, "--", color=_NULL_COLOR, label="initial")
    # A handful of times is what a panel can show.
    shown = fractions[np.unique(np.linspace(0, len(fractions) - 1, 7).round().astype(int))]
    times = table[(table["gamma"] == near) & table["fraction"].isin(shown)]
    _spectra(figure.axes[1], times, "fraction", shown)
    figure.axes[0].set_ylabel("share of the embeddings' variance")
    figure.axes[0].legend(title="γ, final", ncols=2)
    figure.axes[1].legend(title=f"share of the training, γ = {near:g}", ncols=2)
    panel_letters(figure.axes)
    return figure


def _spectra(axis: Axes, table: pd.DataFrame, by: str, values: np.ndarray) -> None:
    for value, color in zip(values, sequential(len(values)), strict=True):
        line = table[table[by] == value]
        axis.plot(line["index"], line["share"].clip(lower=_SMALLEST), color=color, label=f"{value:g}")
    axis.set_yscale("log")
    axis.set_xlabel("principal component")


def singular_value_table(
    dataset: xr.Dataset, shapes: Mapping[str, tuple[int, int]], points: Points
) -> pd.DataFrame:
    """Singular values of every matrix in chosen runs, over their root mean square, beside random ones.

    Args:
        dataset: `singular_values` over the points' fields, layer and index, NaN beyond a matrix's own, and
            `seed` if all are kept.
        shapes: Shape of each matrix; one without a shape, or with another number of singular values than its
            shape has, has the null NaN.
        points: Values of the swept fields; the nearest runs that did not diverge are taken.

    Returns:
        A column for each field, then seed, layer, part, block, index (from 0), quantile ((index + 1/2) over
        the number of values), value, and null (`lowcomplex.nulls.random_singular_values`).

    Raises:
        ValueError: The dataset lacks a variable or a dimension, or every run diverged.
    """
    require(dataset, ("singular_values",), ("layer", "index"))
    # A matrix has fewer values than the longest; what must be finite is its first.
    firsts = dataset.assign(singular_values=dataset["singular_values"].isel(index=0, layer=0))
    runs = runs_near(firsts, "singular_values", points)
    return pd.concat([_singular_values(dataset, run, shapes) for run in runs], ignore_index=True)


@style()
def plot_singular_values(
    dataset: xr.Dataset, shapes: Mapping[str, tuple[int, int]], points: Points
) -> Figure:
    """Singular values of every matrix; one panel per kind, one color per run, one line per block.

    Args:
        dataset: As for `singular_value_table`.
        shapes: As for `singular_value_table`.
        points: As for `singular_value_table`.

    Returns:
        The figure.
    """
    table = singular_value_table(dataset, shapes, points)
    parts = list(dict.fromkeys(table["part"]))
    columns = min(3, len(parts))
    rows = -(-len(parts) // columns)
    figure = canvas(rows, columns, height=0.5 + 1.5 * rows, sharex=True)
    panels = list(figure.axes)
    gammas = list(dict.fromkeys(table["gamma"]))
    for axis, part in zip(panels, parts, strict=False):
        of_part = table[table["part"] == part]
        for gamma, color in zip(gammas, categorical(len(gammas)), strict=True):
            for _, line in of_part[of_part["gamma"] == gamma].groupby("block"):
                axis.plot(line["quantile"], line["value"], color=color, linewidth=1, label=f"γ = {gamma:g}")
        null = of_part[of_part["layer"] == of_part["layer"].iloc[0]]
        null = null[null["gamma"] == gammas[0]]
        axis.plot(null["quantile"], null["null"], "--", color=_NULL_COLOR, linewidth=1, label="random matrix")
        axis.set_title(part, loc="left")
        axis.set_ylim(bottom=0)
    for axis in panels[len(parts) :]:
        axis.remove()
    for axis in panels[max(0, len(parts) - columns) : len(parts)]:
        axis.set_xlabel("place over number of values")
    figure.supylabel("singular value over root mean square", fontsize=8)
    shared_legend(figure)
    return figure


def _singular_values(dataset: xr.Dataset, run: Run, shapes: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    values = dataset["singular_values"]
    values = values.sel(run.selection if "seed" in values.dims else run.point)
    tables = []
    for layer in values["layer"].values:
        found = values.sel(layer=layer).values.astype(float)
        found = found[np.isfinite(found)]
        if not len(found):
            continue
        shape = shapes.get(str(layer), (0, 0))
        fits = min(shape) == len(found)
        null = random_singular_values(*shape) if fits else np.full(len(found), np.nan)
        part, block = part_and_block(layer)
        tables.append(
            pd.DataFrame(
                {
                    **run.selection,
                    "layer": layer,
                    "part": part,
                    "block": block,
                    "index": np.arange(len(found)),
                    "quantile": (np.arange(len(found)) + 0.5) / len(found),
                    "value": found / np.sqrt((found**2).mean()),
                    "null": null,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
