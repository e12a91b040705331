"""The weights that training found: their cosines, their principal components, their ranks."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from lowcomplex.plots._style import (
    canvas,
    ends,
    gamma_ticks,
    panel_letters,
    require,
    sequential,
    shared_legend,
    style,
)

Array = NDArray[np.float64]

_BLOCK = re.compile(r"^block (\d+) (.+)$")
_NULL_COLOR = "0.45"


def cosine_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Cosines of the query matrix's neurons at the smallest and the largest γ, clustered.

    Args:
        dataset: `query_weight` over (gamma, seed, neuron, input); the first seed that did not
            diverge is taken.

    Returns:
        Columns gamma, row, column, neuron, other_neuron, cosine: `row` and `column` are places in the
        heat map, ordered by average-linkage clustering of 1 - cos with optimal leaf order. Neurons that
        are zero have no direction and are left out.

    Raises:
        ValueError: The dataset lacks a variable or a dimension, or every seed diverged at one of these γ.
    """
    require(dataset, ("query_weight",), ("gamma", "seed", "neuron", "input"))
    tables = []
    for gamma in ends(dataset):
        weight = _first_run(dataset["query_weight"].sel(gamma=gamma)).transpose("neuron", "input")
        cosines, order = _ordered_cosines(np.asarray(weight.values, dtype=float))
        row, column = np.indices(cosines.shape).reshape(2, -1)
        tables.append(
            pd.DataFrame(
                {
                    "gamma": gamma,
                    "row": row,
                    "column": column,
                    "neuron": order[row],
                    "other_neuron": order[column],
                    "cosine": cosines.ravel(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@style()
def plot_cosines(dataset: xr.Dataset) -> Figure:
    """Heat maps of the cosines between the query matrix's neurons, at small and at large γ.

    Args:
        dataset: As for `cosine_table`.

    Returns:
        The figure.
    """
    table = cosine_table(dataset)
    gammas = ends(dataset)
    figure = canvas(1, len(gammas), height=3.0)
    for axis, gamma in zip(list(figure.axes), gammas, strict=True):
        grid = table[table["gamma"] == gamma].pivot(index="row", columns="column", values="cosine")
        image = axis.imshow(grid.to_numpy(), cmap="vlag", vmin=-1, vmax=1)
        axis.set_xlabel("neuron, clustered")
        axis.set_ylabel("neuron, clustered")
        axis.set_title(f"γ = {gamma:g}")
        axis.spines[:].set_visible(True)
    figure.colorbar(image, ax=figure.axes, label="cosine of input weights", shrink=0.85, pad=0.01)
    return figure


def component_table(dataset: xr.Dataset) -> pd.DataFrame:
    """The first two principal components of the token embeddings at the smallest and the largest γ.

    Args:
        dataset: `token_embedding` over (gamma, seed, token, width); the first seed that did not
            diverge is taken.

    Returns:
        Columns gamma, token, component_1, component_2, share_1, share_2 (of the variance). A component's
        sign is such that it rises with the token's value.

    Raises:
        ValueError: The dataset lacks a variable or a dimension, holds fewer than two tokens, or every seed
            diverged at one of these γ.
    """
    require(dataset, ("token_embedding",), ("gamma", "seed", "token", "width"))
    if dataset.sizes["token"] < 2:
        raise ValueError(f"dataset: expected at least two tokens, got {dataset.sizes['token']}")
    tokens = np.asarray(dataset["token"].values)
    tables = []
    for gamma in ends(dataset):
        embedding = _first_run(dataset["token_embedding"].sel(gamma=gamma)).transpose("token", "width")
        scores, shares = _principal_components(np.asarray(embedding.values, dtype=float))
        rises = np.sign((scores * (tokens - tokens.mean())[:, None]).sum(0))
        scores = scores * np.where(rises == 0, 1, rises)
        tables.append(
            pd.DataFrame(
                {
                    "gamma": gamma,
                    "token": tokens,
                    "component_1": scores[:, 0],
                    "component_2": scores[:, 1],
                    "share_1": shares[0],
                    "share_2": shares[1],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@style()
def plot_components(dataset: xr.Dataset) -> Figure:
    """Token embeddings on their first two principal components, at small and at large γ.

    Args:
        dataset: As for `component_table`.

    Returns:
        The figure.
    """
    table = component_table(dataset)
    gammas = ends(dataset)
    figure = canvas(1, len(gammas), height=2.9)
    for axis, gamma in zip(list(figure.axes), gammas, strict=True):
        runs = table[table["gamma"] == gamma]
        marks = axis.scatter(
            runs["component_1"], runs["component_2"], c=runs["token"], cmap="viridis", s=14, linewidth=0
        )
        axis.set_xlabel(f"component 1 ({runs['share_1'].iloc[0]:.0%} of the variance)")
        axis.set_ylabel(f"component 2 ({runs['share_2'].iloc[0]:.0%})")
        axis.set_title(f"γ = {gamma:g}")
    figure.colorbar(marks, ax=figure.axes, label="token", pad=0.01)
    panel_letters(figure.axes[: len(gammas)])
    return figure


def rank_table(dataset: xr.Dataset, measure: str) -> pd.DataFrame:
    """Final rank of every matrix of every run, beside a random matrix of its shape.

    Args:
        dataset: `measure` over (gamma, seed, step, matrix) and "null_" + `measure` over matrix (and any
            of gamma, seed).
        measure: "stable_rank" or "effective_rank".

    Returns:
        Columns gamma, seed, matrix, part, block, the measure, and its null; block is 0 outside the blocks.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    null = f"null_{measure}"
    require(dataset, (measure, null), ("gamma", "seed", "step", "matrix"))
    both = dataset[[measure, null]].isel(step=-1)
    table = both.to_dataframe().reset_index()[["gamma", "seed", "matrix", measure, null]]
    parts = [_part(name) for name in table["matrix"]]
    return table.assign(part=[part for part, _ in parts], block=[block for _, block in parts])


@style()
def plot_ranks(dataset: xr.Dataset, measure: str) -> Figure:
    """The rank of every matrix against γ; one panel a kind of matrix, one line a block.

    Args:
        dataset: As for `rank_table`.
        measure: "stable_rank" or "effective_rank".

    Returns:
        The figure.
    """
    table = rank_table(dataset, measure)
    parts = list(dict.fromkeys(table["part"]))
    columns = min(3, len(parts))
    rows = -(-len(parts) // columns)
    figure = canvas(rows, columns, height=0.5 + 1.45 * rows, sharex=True)
    blocks = [block for block in np.unique(table["block"]) if block > 0]
    colors = {0: (0.0, 0.0, 0.0), **dict(zip(blocks, sequential(len(blocks)), strict=True))}
    panels = list(figure.axes)
    for axis, part in zip(panels, parts, strict=False):
        _ranks_of_part(axis, table[table["part"] == part], measure, colors)
        axis.set_title(part, loc="left")
        gamma_ticks(axis, np.unique(table["gamma"]), most=6)
    for axis in panels[len(parts) :]:
        axis.remove()
    for axis in panels[: len(parts) - columns]:
        axis.set_xlabel("")
    figure.supylabel(measure.replace("_", " "), fontsize=8)
    shared_legend(figure)
    return figure


def _ranks_of_part(
    axis: Axes, table: pd.DataFrame, measure: str, colors: dict[int, tuple[float, float, float]]
) -> None:
    null = table.groupby("gamma")[f"null_{measure}"].mean()
    axis.plot(null.index, null, "--", color=_NULL_COLOR, linewidth=1, label="random matrix of its shape")
    for block in np.unique(table["block"]).tolist():
        runs = table[table["block"] == block]
        over = runs.groupby("gamma")[measure]
        color = colors[block]
        label = f"block {block}" if block else "outside the blocks"
        axis.fill_between(over.mean().index, over.min(), over.max(), color=color, alpha=0.2, linewidth=0)
        axis.plot(over.mean().index, over.mean(), marker="o", color=color, label=label)
    axis.set_ylim(0, 1.06 * float(max(table[measure].max(), null.max())))


def _first_run(weights: xr.DataArray) -> xr.DataArray:
    by_seed = weights.transpose("seed", ...).values
    finite = np.isfinite(by_seed).reshape(len(by_seed), -1).all(1)
    if not finite.any():
        raise ValueError(f"{weights.name}: every run diverged at γ = {float(weights['gamma']):g}")
    return weights.isel(seed=int(finite.argmax()))


def _ordered_cosines(weight: Array) -> tuple[Array, NDArray[np.int_]]:
    norms = np.linalg.norm(weight, axis=1)
    alive = np.flatnonzero(norms > 0)
    unit = weight[alive] / norms[alive, None]
    cosines = np.clip(unit @ unit.T, -1, 1)
    if len(alive) < 3:
        return cosines, alive
    distance = 1 - (cosines + cosines.T) / 2
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    leaves = leaves_list(tree)
    return cosines[np.ix_(leaves, leaves)], alive[leaves]


def _principal_components(rows: Array) -> tuple[Array, Array]:
    """Scores on the first two components, and the shares of variance that they hold."""
    centered = rows - rows.mean(0)
    left, singular, _ = np.linalg.svd(centered, full_matrices=False)
    power = singular**2
    total = power.sum()
    shares = power[:2] / total if total > 0 else np.full(2, np.nan)
    return left[:, :2] * singular[:2], shares


def _part(matrix: str) -> tuple[str, int]:
    found = _BLOCK.match(matrix)
    return (found[2], int(found[1])) if found else (matrix, 0)
