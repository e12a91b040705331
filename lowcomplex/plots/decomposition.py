"""What the answers over anchor pairs consist of, in training: sums, interactions, and what a swap changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lowcomplex.plots._style import canvas, categorical, require, style
from lowcomplex.plots.runs import time_dimension

COMPONENTS = (
    "additive_symmetric",
    "additive_antisymmetric",
    "interaction_symmetric",
    "interaction_antisymmetric",
)
_QUANTITIES = {"offset_variance": "mean offset", "logit_variance": "logits"}
_MOST = 6


def decomposition_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Variance over the anchor pairs by component, in time, mean over the seeds that did not diverge.

    Args:
        dataset: `offset_variance` and `logit_variance` over (gamma, seed, time, component).

    Returns:
        Columns gamma, fraction (of the training), quantity, component, variance, share (of the quantity's
        variance, mean of the runs'; NaN where it has none).

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, tuple(_QUANTITIES), ("gamma", "seed", "component"))
    time = time_dimension(dataset)
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
    if time == "step" and "fraction" not in table:
        table["fraction"] = table["step"] / table["step"].max()
    return table[["gamma", "fraction", "quantity", "component", "variance", "share"]]


@style()
def plot_decomposition(
    dataset: xr.Dataset, references: Mapping[str, Mapping[str, float]] | None = None
) -> Figure:
    """Shares of the variance over anchor pairs by component, in training, at up to six γ.

    Args:
        dataset: As for `decomposition_table`.
        references: For each word, the shares by component of a table of offsets to compare with.

    Returns:
        The figure.
    """
    table = decomposition_table(dataset)
    gammas = np.unique(table["gamma"])
    shown = gammas[np.unique(np.linspace(0, len(gammas) - 1, _MOST).round().astype(int))]
    widths = [1.0] * len(shown) + [0.9]
    figure = canvas(2, len(widths), height=3.0, sharey=True, width_ratios=widths)
    panels = np.array(figure.axes).reshape(2, -1)
    colors = dict(zip(COMPONENTS, categorical(len(COMPONENTS)), strict=True))
    for row, (quantity, words) in zip(panels, _QUANTITIES.items(), strict=True):
        for axis, gamma in zip(row, shown, strict=False):
            _stack(axis, table[(table["quantity"] == quantity) & (table["gamma"] == gamma)], colors)
        row[0].set_ylabel(f"share of variance, {words}")
    for axis, gamma in zip(panels[0], shown, strict=False):
        axis.set_title(f"γ = {gamma:g}")
        axis.tick_params(labelbottom=False)
    for axis in panels[1][:-1]:
        axis.set_xlabel("share of training")
    _references(panels[0, -1], references or {}, colors)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    panels[1, -1].axis("off")
    panels[1, -1].legend(handles, labels, loc="center")
    if not references:
        panels[0, -1].axis("off")
    return figure


def _stack(axis: Axes, table: pd.DataFrame, colors: Mapping[str, object]) -> None:
    grid = table.pivot(index="fraction", columns="component", values="share")[list(COMPONENTS)]
    grid = grid.dropna()
    labels = [name.replace("_", "\n") for name in COMPONENTS]
    axis.stackplot(grid.index, grid.to_numpy().T, colors=list(colors.values()), labels=labels, linewidth=0)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    axis.set_xticks([0, 1])


def _references(
    axis: Axes, references: Mapping[str, Mapping[str, float]], colors: Mapping[str, object]
) -> None:
    for place, shares in enumerate(references.values()):
        bottom = 0.0
        for name in COMPONENTS:
            axis.bar(place, shares[name], bottom=bottom, color=colors[name], width=0.7)
            bottom += shares[name]
    axis.set_xticks(range(len(references)), list(references), rotation=90)
    axis.tick_params(axis="x", length=0)
    axis.set_title("answer that")
