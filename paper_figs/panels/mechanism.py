"""What representations in transformers stand for: their cosines, where they lie, and scores of runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.anchor.schema import NOT_CONVERGED
from lowcomplex.plots.page import DOUBLE, canvas, categorical, panel_letters, style
from paper_figs.panels.axes import ends, require

_RUN = ("depth", "gamma", "seed")
_GAP_IN_TICKS = 0.6
_SAME = "0.6"


def score_table(dataset: xr.Dataset, score: str) -> pd.DataFrame:
    """A score of every block of every run.

    Args:
        dataset: The score over (depth, gamma, seed, block), and `phase` over (depth, gamma, seed).
        score: The variable.

    Returns:
        Columns depth, gamma, seed, phase, block, value; blocks that a run does not have are left out.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, (score, "phase"), (*_RUN, "block"))
    there = dataset[[score, "phase"]].to_dataframe().reset_index()
    there = there[there["block"] <= there["depth"]].rename(columns={score: "value"})
    return there[["depth", "gamma", "seed", "phase", "block", "value"]].reset_index(drop=True)


def heat_map_table(dataset: xr.Dataset, variable: str) -> pd.DataFrame:
    """Cosines of the first seed at the smallest and the largest γ, of the networks with fewest blocks.

    Args:
        dataset: The variable over (depth, gamma, row, column), whatever its last two dimensions are called.
        variable: The variable.

    Returns:
        Columns depth, gamma, row, column, cosine, with the labels of rows and columns.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, (variable,), ("depth", "gamma"))
    values = dataset[variable].sel(depth=_depth(dataset), gamma=list(ends(dataset)))
    rows, columns = (str(name) for name in dataset[variable].dims[-2:])
    table = values.to_dataframe(name="cosine").reset_index()
    table = table.rename(columns={rows: "row", columns: "column"})
    return table[["depth", "gamma", "row", "column", "cosine"]]


@style()
def plot_heat_maps(
    dataset: xr.Dataset,
    variable: str,
    score: str,
    *,
    order: Sequence[object] | None = None,
    label: str,
    score_label: str,
    ticks: Sequence[tuple[float, str]] | None = None,
) -> Figure:
    """Cosines at small and at large γ for the fewest blocks, and a score of every run beside them.

    Args:
        dataset: As for `heat_map_table` and `score_table`.
        variable: The variable of the heat maps.
        score: The variable of the last panel.
        order: Labels in the order of rows and columns; the dataset's if None.
        label: Name of the heat maps' axes.
        score_label: Name of the score's axis.
        ticks: Places and names on the heat maps' axes; all labels if None.

    Returns:
        The figure.
    """
    depth = _depth(dataset)
    gammas = ends(dataset)
    figure = canvas(1, len(gammas) + 1, height=2.9, width_ratios=[1.25] * len(gammas) + [1])
    *maps, last = list(figure.axes)
    for axis, gamma in zip(maps, gammas, strict=True):
        values = dataset[variable].sel(depth=depth, gamma=gamma)
        if order is not None:
            values = values.sel({name: list(order) for name in values.dims})
        image = axis.imshow(values.values, cmap="vlag", vmin=-1, vmax=1)
        names = [str(name) for name in values[values.dims[0]].values]
        places = ticks or list(enumerate(names))
        axis.set_xticks([place for place, _ in places], [name for _, name in places], rotation=90)
        axis.set_yticks([place for place, _ in places], [name for _, name in places])
        axis.tick_params(length=0 if ticks is None else 2, pad=1)
        axis.set_xlabel(label)
        axis.set_title(_title(dataset, depth, gamma))
        axis.spines[:].set_visible(True)
        _say_if_empty(axis, values.values)
    maps[0].set_ylabel(label)
    figure.colorbar(image, ax=maps, label="cosine", location="bottom", shrink=0.5, aspect=30, pad=0.02)
    _draw_scores(last, score_table(dataset, score), score_label)
    panel_letters(figure.axes[: len(gammas) + 1])
    return figure


def coordinate_table(dataset: xr.Dataset, block: int) -> pd.DataFrame:
    """Principal components of the attention output at the last token, of the first seed.

    Args:
        dataset: `coordinate` over (depth, gamma, drawn_block, pair, background, key, component).
        block: Which block's.

    Returns:
        Columns depth, gamma, pair, background, key, component_1, component_2, at the smallest and the
        largest γ.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    places = ["pair", "background", "key"]
    require(dataset, ("coordinate",), ("depth", "gamma", "drawn_block", *places, "component"))
    chosen = dataset["coordinate"].sel(depth=_depth(dataset), gamma=list(ends(dataset)), drawn_block=block)
    both = xr.Dataset({f"component_{c}": chosen.sel(component=c, drop=True) for c in (1, 2)})
    table = both.to_dataframe().reset_index()
    return table[["depth", "gamma", *places, "component_1", "component_2"]]


@style()
def plot_clusters(dataset: xr.Dataset, block: int, score: str, *, score_label: str) -> Figure:
    """The attention output at the last token in the plane, colored by its anchors, and a score beside it.

    A pair and its mirror image have one color and two marks; pairs of equal anchors are gray.

    Args:
        dataset: As for `coordinate_table` and `score_table`.
        block: Whose output is drawn.
        score: The variable of the last panel.
        score_label: Name of the score's axis.

    Returns:
        The figure.
    """
    depth = _depth(dataset)
    table, gammas = coordinate_table(dataset, block), ends(dataset)
    figure = canvas(1, len(gammas) + 1, height=2.9, width_ratios=[1.25] * len(gammas) + [1])
    *planes, last = list(figure.axes)
    pairs = sorted(table["pair"].unique())
    mixed = sorted({"".join(sorted(pair)) for pair in pairs if pair[0] != pair[1]})
    colors = dict(zip(mixed, categorical(len(mixed)), strict=True))
    for axis, gamma in zip(planes, gammas, strict=True):
        at = table[table["gamma"] == gamma]
        for pair in pairs:
            points = at[at["pair"] == pair]
            color = colors.get("".join(sorted(pair)), _SAME)
            marker = "o" if pair[0] < pair[1] else "^" if pair[0] > pair[1] else "."
            axis.plot(
                points["component_1"],
                points["component_2"],
                linestyle="none",
                marker=marker,
                markersize=2.6,
                markerfacecolor="none" if marker == "^" else color,
                markeredgecolor=color,
                markeredgewidth=0.6,
            )
        _name_plane(axis, dataset, depth, gamma, block)
        _say_if_empty(axis, at["component_1"].to_numpy())
    for name, color in colors.items():
        planes[0].plot([], [], "o", color=color, markersize=3.5, label=f"{name}, △ {name[::-1]}")
    planes[0].plot([], [], ".", color=_SAME, label="equal")
    handles, labels = planes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), columnspacing=0.9)
    _draw_scores(last, score_table(dataset, score), score_label)
    panel_letters(figure.axes)
    return figure


@style()
def plot_results(dataset: xr.Dataset, results: xr.DataArray, block: int) -> Figure:
    """What representations gather by: points colored by intermediate result, cosines between results.

    Args:
        dataset: As for `coordinate_table`, and `result_cosine` over (depth, gamma, result, other_result).
        results: (pair, key) the intermediate result, for the pairs that are drawn.
        block: Whose output is drawn.

    Returns:
        The figure.
    """
    depth = _depth(dataset)
    gammas = ends(dataset)
    figure = canvas(len(gammas), 2, width=DOUBLE, height=0.7 + 2.5 * len(gammas), width_ratios=[1.3, 1])
    axes = list(figure.axes)
    for plane, map_, gamma in zip(axes[::2], axes[1::2], gammas, strict=True):
        points = dataset["coordinate"].sel(depth=depth, gamma=gamma, drawn_block=block)
        points = points.sel(pair=results["pair"], key=results["key"]).transpose(..., "component")
        flat = points.values.reshape(-1, 2)
        colors = results.broadcast_like(points.isel(component=0)).values.ravel()
        shown = plane.scatter(flat[:, 0], flat[:, 1], c=colors, cmap="viridis", s=4, linewidth=0)
        _name_plane(plane, dataset, depth, gamma, block)
        _say_if_empty(plane, flat)
        figure.colorbar(shown, ax=plane, label="intermediate result", pad=0.01)
        cosines = dataset["result_cosine"].sel(depth=depth, gamma=gamma)
        low, high = (float(cosines["result"].values[end]) for end in (0, -1))
        extent = (low - 0.5, high + 0.5, high + 0.5, low - 0.5)
        image = map_.imshow(cosines.values, cmap="vlag", vmin=-1, vmax=1, extent=extent)
        map_.set_xticks(cosines["result"].values[::5])
        map_.set_yticks(cosines["result"].values[::5])
        map_.set_xlabel("intermediate result")
        map_.set_ylabel("intermediate result")
        map_.spines[:].set_visible(True)
        _say_if_empty(map_, cosines.values)
        figure.colorbar(image, ax=map_, label="cosine", pad=0.01)
    panel_letters(figure.axes[: 2 * len(gammas)])
    return figure


def _draw_scores(axis: Axes, table: pd.DataFrame, label: str) -> None:
    """Scores against blocks, the depths side by side; lines are means of the runs that converged."""
    slots = sorted(set(zip(table["depth"], table["block"], strict=True)))
    depths = sorted(set(table["depth"]))
    place = {slot: i + _GAP_IN_TICKS * depths.index(slot[0]) for i, slot in enumerate(slots)}
    gammas = sorted(set(table["gamma"]))
    table = table.assign(x=[place[slot] for slot in zip(table["depth"], table["block"], strict=True)])
    failed = table["phase"] == NOT_CONVERGED
    for (index, gamma), depth in product(enumerate(gammas), depths):
        of = (table["gamma"] == gamma) & (table["depth"] == depth)
        color, shift = categorical(len(gammas))[index], 0.12 * (index - (len(gammas) - 1) / 2)
        mean = table[of & ~failed].groupby("x")["value"].mean()
        name = f"γ = {gamma:g}" if depth == depths[0] else None
        axis.plot(mean.index + shift, mean, color=color, label=name)
        for runs, marker in ((of & ~failed, "o"), (of & failed, "x")):
            axis.plot(table["x"][runs] + shift, table["value"][runs], marker, color=color, markersize=3)
    axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
    first = {depth: min(block for d, block in slots if d == depth) for depth in depths}
    names = [f"{block}\n{depth} deep" if block == first[depth] else str(block) for depth, block in slots]
    axis.set_xticks([place[slot] for slot in slots], names)
    axis.set_xlabel("block")
    axis.set_ylabel(label)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(gammas), handlelength=1)


def _name_plane(axis: Axes, dataset: xr.Dataset, depth: int, gamma: float, block: int) -> None:
    shares = dataset["component_share"].sel(depth=depth, gamma=gamma, drawn_block=block).values
    said = [f" ({share:.0%})" if np.isfinite(share) else "" for share in shares]
    axis.set_xlabel(f"component 1{said[0]}")
    axis.set_ylabel(f"component 2{said[1]}")
    axis.set_title(_title(dataset, depth, gamma))


def _title(dataset: xr.Dataset, depth: int, gamma: float) -> str:
    phase = str(dataset["phase"].sel(depth=depth, gamma=gamma).isel(seed=0).values)
    return f"γ = {gamma:g}: {phase}"


def _say_if_empty(axis: Axes, values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).any():
        axis.set_facecolor("0.9")
        axis.text(0.5, 0.5, "diverged", transform=axis.transAxes, ha="center", va="center")


def _depth(dataset: xr.Dataset) -> int:
    """The smallest number of blocks, which the panels are drawn for."""
    return int(dataset["depth"].values.min())
