"""Answers on the unseen pair by the position of the key: where the order of the anchors shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from experiments.order.findings import UNSEEN
from lowcomplex.plots.page import canvas, categorical, panel_letters, style
from paper_figs.panels.axes import require

ANSWERS = ("composed", "mirrored")
# So many rates stand side by side; of more, the last.
_PANELS = 4


def position_table(dataset: xr.Dataset) -> pd.DataFrame:
    """The last answers of every run on the pair (4, 3), by position.

    Args:
        dataset: `composed` and `mirrored` over gamma, seed, `step`, the two anchors and `position`; `phase`
            over gamma and seed.

    Returns:
        Columns gamma, seed, position, composed, mirrored, phase: one row per run and position.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, (*ANSWERS, "phase"), ("gamma", "seed", "step", "position"))
    final = dataset[[*ANSWERS]].isel(step=-1).sel(UNSEEN).reset_coords(drop=True)
    final = final.assign_coords(position=np.arange(final.sizes["position"]))
    table = final.assign(phase=dataset["phase"]).to_dataframe().reset_index()
    return table[["gamma", "seed", "position", *ANSWERS, "phase"]]


def drawn_gammas(dataset: xr.Dataset) -> list[float]:
    """The rates that are drawn."""
    gammas = [float(gamma) for gamma in dataset["gamma"].values]
    return gammas[-_PANELS:]


@style()
def plot_order(dataset: xr.Dataset) -> Figure:
    """Composed and mirrored shares over the position of the key, one panel per rate, one line per seed.

    Args:
        dataset: As for `position_table`.

    Returns:
        The figure.
    """
    table = position_table(dataset)
    gammas = drawn_gammas(dataset)
    figure = canvas(1, len(gammas), height=2.6, sharey=True)
    colors = dict(zip(ANSWERS, categorical(len(ANSWERS)), strict=True))
    last = int(table["position"].max())
    for axis, gamma in zip(figure.axes, gammas, strict=True):
        runs = table[table["gamma"] == gamma]
        axis.axvspan(last - 0.5, last + 0.5, color="0.9", zorder=0, linewidth=0)
        for answer, color in colors.items():
            for _, run in runs.groupby("seed"):
                axis.plot(run["position"], run[answer], color=color, linewidth=0.6, alpha=0.5)
            mean = runs.groupby("position")[answer].mean()
            axis.plot(mean.index, mean, color=color, marker="o", label=answer)
        axis.set_xticks(range(last + 1))
        axis.set_xlabel(f"key's position, γ = {gamma:g}")
        axis.tick_params(labelleft=True)
    figure.axes[0].set_ylim(-0.04, 1.04)
    figure.axes[0].set_ylabel("share of answers on (4, 3)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    panel_letters(figure.axes)
    return figure
