"""The rank of every matrix against γ, beside random matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments._layers import part_and_block
from lowcomplex.plots.page import canvas, sequential, shared_legend, style
from paper_figs.panels.axes import gamma_ticks, require
from paper_figs.panels.runs import at_end

_NULL_COLOR = "0.45"


def rank_table(dataset: xr.Dataset, measure: str) -> pd.DataFrame:
    """Final rank, or another measure, of every matrix of every run, beside a random matrix of its shape.

    Args:
        dataset: `measure` over (gamma, seed, step, layer) and "null_" + `measure` over layer (and any
            of gamma, seed).
        measure: Such as "stable_rank" or "effective_rank".

    Returns:
        Columns gamma, seed, layer, part, block, the measure, and its null; block is 0 outside the blocks.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    null = f"null_{measure}"
    require(dataset, (measure, null), ("gamma", "seed", "layer"))
    both = at_end(dataset)[[measure, null]]
    table = both.to_dataframe().reset_index()[["gamma", "seed", "layer", measure, null]]
    parts = [part_and_block(name) for name in table["layer"]]
    return table.assign(part=[part for part, _ in parts], block=[block for _, block in parts])


@style()
def plot_ranks(dataset: xr.Dataset, measure: str) -> Figure:
    """The rank of every matrix against γ; one panel per kind of matrix, one line per block.

    Args:
        dataset: As for `rank_table`.
        measure: Such as "stable_rank" or "effective_rank".

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
