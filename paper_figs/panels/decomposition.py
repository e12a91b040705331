"""What the answers over anchor pairs consist of, in training: sums, interactions, and what a swap changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.anchor.schema import COMPONENTS
from lowcomplex.plots.page import Color, canvas, categorical, shared_legend, style
from paper_figs.panels.axes import require

_QUANTITIES = {"offset_variance": "offset", "logit_variance": "logits"}
_MOST = 6
# Below this share, a component is drawn at the panel's lower edge.
_SMALLEST = 1e-4


def decomposition_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Variance over the anchor pairs by component, in time, mean over the seeds that did not diverge.

    Args:
        dataset: `offset_variance` and `logit_variance` over (gamma, seed, step, component); the coordinate
            `fraction`.

    Returns:
        Columns gamma, fraction (of the training), quantity, component, variance, share (of the quantity's
        variance, mean of the runs'; NaN where it has none).

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, (*_QUANTITIES, "fraction"), ("gamma", "seed", "step", "component"))
    tables = []
    for quantity in _QUANTITIES:
        variance = dataset[quantity]
        total = variance.sum("component")
        means = xr.Dataset(
            {
                "variance": variance.mean("seed"),
                "share": (variance / total.where(total > 0)).mean("seed"),
            }
        )
        tables.append(means.to_dataframe().reset_index().assign(quantity=quantity))
    table = pd.concat(tables, ignore_index=True)
    return table[["gamma", "fraction", "quantity", "component", "variance", "share"]]


@style()
def plot_decomposition(
    dataset: xr.Dataset, references: Mapping[str, Mapping[str, float]] | None = None
) -> Figure:
    """Shares of the variance over anchor pairs by component, in training, at up to six γ.

    Args:
        dataset: As for `decomposition_table`.
        references: For each word, the shares by component of a table of offsets, marked at the end of
            training; up to three words.

    Returns:
        The figure.
    """
    table = decomposition_table(dataset)
    gammas = np.unique(table["gamma"])
    shown = gammas[np.unique(np.linspace(0, len(gammas) - 1, _MOST).round().astype(int))]
    figure = canvas(2, len(shown), height=3.6, sharex=True, sharey=True)
    panels = np.array(figure.axes).reshape(2, -1)
    colors = dict(zip(COMPONENTS, categorical(len(COMPONENTS)), strict=True))
    for row, (quantity, words) in zip(panels, _QUANTITIES.items(), strict=True):
        for axis, gamma in zip(row, shown, strict=True):
            _lines(axis, table[(table["quantity"] == quantity) & (table["gamma"] == gamma)], colors)
            if quantity == "offset_variance":
                _references(axis, references or {}, colors)
        row[0].set_ylabel(f"share of variance, {words}")
    for axis, gamma in zip(panels[0], shown, strict=True):
        axis.set_title(f"γ = {gamma:g}")
    for axis in panels[1]:
        axis.set_xlabel("share of training")
    shared_legend(figure, ncols=len(COMPONENTS))
    return figure


def _lines(axis: Axes, table: pd.DataFrame, colors: Mapping[str, Color]) -> None:
    for component, color in colors.items():
        line = table[table["component"] == component]
        shares = line["share"].clip(lower=_SMALLEST)
        axis.plot(line["fraction"], shares, color=color, label=component.replace("_", ", "))
    axis.set_yscale("log")
    axis.set_ylim(_SMALLEST, 1.3)
    axis.set_xlim(-0.02, 1.25)
    axis.set_xticks([0, 0.5, 1])


def _references(
    axis: Axes, references: Mapping[str, Mapping[str, float]], colors: Mapping[str, Color]
) -> None:
    for place, (word, shares), marker in zip((1.08, 1.16, 1.24), references.items(), "os^", strict=False):
        for component, color in colors.items():
            share = max(shares[component], _SMALLEST)
            axis.plot(place, share, marker, color=color, markersize=4, clip_on=False)
        axis.plot([], [], marker, color="0.4", markersize=4, label=f"an answer that {word}")
