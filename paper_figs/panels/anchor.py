"""What transformers answer on the anchor task, over the initialization rate."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from experiments._layers import QUERY
from experiments.anchor.schema import NOT_CONVERGED, PHASES, TRAINED
from lowcomplex.plots.page import MARKERS, canvas, categorical, panel_letters, sequential, style
from paper_figs.panels.axes import require
from paper_figs.panels.curves import draw_curves
from paper_figs.panels.runs import (
    DIMENSION_LABELS,
    GROUP_LABELS,
    accuracy_table,
    at_end,
    tick_label,
)

_RANKS = ("stable_rank", "effective_rank")
_LEAST_SHARE = 0.01
# Names of offsets on the unseen pair (4, 3).
_ANSWERS = {-10.0: "\ncomposes", -6.0: "\nmirrors"}


@style()
def plot_accuracies(dataset: xr.Dataset) -> Figure:
    """Answers on the unseen pair, and accuracy on the trained ones, against γ.

    Lines are means over seeds, bands their range, marks the runs; a cross marks a run that did not
    converge.

    Args:
        dataset: As for `accuracy_table`.

    Returns:
        The figure.
    """
    table = accuracy_table(dataset)
    figure = canvas(1, 2, height=2.9, sharey=True)
    unseen, seen = figure.axes
    colors = dict(zip((*PHASES, *TRAINED), categorical(5), strict=True))
    for axis, groups in ((unseen, PHASES), (seen, TRAINED)):
        runs = table[table["group"].isin(groups)]
        draw_curves(axis, runs, "group", {group: colors[group] for group in groups}, labels=GROUP_LABELS)
        axis.set_ylim(-0.04, 1.04)
    unseen.set_ylabel("share of answers, unseen pair (4, 3)")
    seen.set_ylabel("accuracy, trained pairs")
    seen.tick_params(labelleft=True)
    for axis in (unseen, seen):
        if (table["phase"] == NOT_CONVERGED).any():
            axis.plot([], [], "x", color="black", markersize=4, label=NOT_CONVERGED)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    panel_letters(figure.axes)
    return figure


def offset_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Which offset from the key the answers on the unseen pair have, averaged over seeds.

    Args:
        dataset: `deviation_share` over (gamma, seed, offset).

    Returns:
        Columns gamma, offset, share; offsets below 1 % at every γ are one row per γ, with the offset NaN.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("deviation_share",), ("gamma", "seed", "offset"))
    share = dataset["deviation_share"].mean("seed")
    kept = share.isel(offset=(share >= _LEAST_SHARE).any("gamma").values)
    rest = (1 - kept.sum("offset")).clip(min=0)
    table = kept.to_dataframe(name="share").reset_index()[["gamma", "offset", "share"]]
    other = rest.to_dataframe(name="share").reset_index().assign(offset=np.nan)
    joined = pd.concat([table.astype({"offset": float}), other[["gamma", "offset", "share"]]])
    return joined.sort_values(["gamma", "offset"], ignore_index=True)


@style()
def plot_offsets(dataset: xr.Dataset) -> Figure:
    """Heat map of the answers' offsets on the unseen pair against γ.

    Args:
        dataset: As for `offset_table`.

    Returns:
        The figure.
    """
    table = offset_table(dataset).assign(offset=lambda t: t["offset"].fillna(np.inf))
    grid = table.pivot(index="gamma", columns="offset", values="share")
    figure = canvas(1, 1, height=0.9 + 0.27 * len(grid))
    axis = figure.axes[0]
    image = axis.pcolormesh(
        grid.to_numpy(), cmap="cividis", vmin=0, vmax=1, edgecolors="white", linewidth=0.3
    )
    labels = ["other" if np.isinf(o) else f"{o:+.0f}{_ANSWERS.get(float(o), '')}" for o in grid.columns]
    axis.set_xticks(np.arange(len(labels)) + 0.5, labels)
    axis.set_yticks(np.arange(len(grid)) + 0.5, [f"{gamma:g}" for gamma in grid.index])
    axis.tick_params(length=0)
    axis.set_xlabel("answer minus key on the unseen pair (4, 3), tokens")
    axis.set_ylabel("γ")
    axis.spines[:].set_visible(False)
    figure.colorbar(image, ax=axis, label="share of answers", pad=0.01)
    return figure


def complexity_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Final rank of the first query matrix beside the composed share of the same run's answers.

    Args:
        dataset: `stable_rank` and `effective_rank` over the run dimensions, `step` and `layer`, and what
            `accuracy_table` needs.

    Returns:
        Columns: the run dimensions, stable_rank, effective_rank, inferential, phase.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, _RANKS, ("gamma", "seed", "layer"))
    answers = accuracy_table(dataset)
    answers = answers[answers["group"] == "inferential"].rename(columns={"accuracy": "inferential"})
    fields = [str(name) for name in dataset["phase"].dims]
    ranks = at_end(dataset[list(_RANKS)]).sel(layer=QUERY).reset_coords(drop=True)
    table = ranks.to_dataframe().reset_index()[[*fields, *_RANKS]]
    return table.merge(answers[[*fields, "inferential", "phase"]], on=fields)


@style()
def plot_complexity(dataset: xr.Dataset, *, shape: str | None = None) -> Figure:
    """Composed share against the rank of the first query matrix, one mark per run.

    Args:
        dataset: As for `complexity_table`.
        shape: A run dimension that marks tell apart, besides γ, which colors do.

    Returns:
        The figure.
    """
    table = complexity_table(dataset)
    figure = canvas(1, 2, height=2.5, sharey=True)
    gammas = np.unique(table["gamma"])
    colors = dict(zip(gammas, sequential(len(gammas)), strict=True))
    told = pd.Series("", table.index) if shape is None else table[shape].map(tick_label)
    shapes = dict(zip(dict.fromkeys(told), itertools.cycle(MARKERS), strict=False))
    failed = table[table["phase"] == NOT_CONVERGED]
    for axis, measure in zip(figure.axes, _RANKS, strict=True):
        for gamma, color in colors.items():
            axis.scatter([], [], color=color, s=22, linewidth=0, label=f"γ = {gamma:g}")
        if shape is not None:
            for value, marker in shapes.items():
                label = f"{DIMENSION_LABELS.get(shape, shape)} {value}"
                axis.scatter([], [], color="0.5", s=22, linewidth=0, marker=marker, label=label)
        for (gamma, color), (value, marker) in itertools.product(colors.items(), shapes.items()):
            runs = table[(table["gamma"] == gamma) & (told == value)]
            axis.scatter(runs[measure], runs["inferential"], color=color, s=22, linewidth=0, marker=marker)
        axis.scatter(failed[measure], failed["inferential"], color="black", marker="x", s=22, linewidth=0.9)
        axis.set_xlabel(f"{measure.replace('_', ' ')}, {QUERY} matrix")
        axis.set_ylim(-0.04, 1.04)
    figure.axes[0].set_ylabel("inferential share, pair (4, 3)")
    if len(failed):
        figure.axes[0].plot([], [], "x", color="black", markersize=4, label="not\nconverged")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center")
    panel_letters(figure.axes)
    return figure
