"""Condensation over γ and weight decay in one page: cosines, embeddings, and the rank of every matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure, SubFigure

from experiments._layers import part_and_block
from lowcomplex.plots.page import DOUBLE, style
from paper_figs.panels.chosen_runs import Points
from paper_figs.panels.cosines import cosine_panel, cosine_table
from paper_figs.panels.embeddings import component_panel, component_table
from paper_figs.panels.quantity_maps import quantity_panel, quantity_table
from paper_figs.panels.runs import at_end

_FIELDS = ("weight_decay", "gamma")


def matrix_rank_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Stable rank of every matrix over γ and weight decay.

    Args:
        dataset: `stable_rank` over (weight_decay, gamma, seed, step, layer), `null_stable_rank` over layer
            (and any run dimension), and what `quantity_table` needs.

    Returns:
        `quantity_table` of the rank for each matrix, with columns layer, part, block, and null.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    last = at_end(dataset)["stable_rank"]
    null = dataset["null_stable_rank"]
    null = null.mean([name for name in null.dims if name != "layer"])
    names = [str(name) for name in dataset["layer"].values]
    columns = {name: last.sel(layer=name, drop=True) for name in names}
    wide = quantity_table(dataset.drop_vars("stable_rank").assign(columns), names, *_FIELDS)
    table = wide.melt(
        [*_FIELDS, "runs", "not_converged", "seen"], names, var_name="layer", value_name="stable_rank"
    )
    parts = [part_and_block(name) for name in table["layer"]]
    return table.assign(
        part=[part for part, _ in parts],
        block=[block for _, block in parts],
        null=table["layer"].map(null.to_series()),
    )


@style()
def plot_complexity_control(dataset: xr.Dataset, points: Points, tokens: Sequence[int]) -> Figure:
    """Query cosines and embeddings at chosen points, and every matrix's stable rank over γ and weight decay.

    Args:
        dataset: As for `cosine_table`, `component_table` and `matrix_rank_table`.
        points: Values of weight_decay and gamma.
        tokens: Whose embeddings are drawn.

    Returns:
        The figure.
    """
    ranks = matrix_rank_table(dataset)
    blocks = [block for block in np.unique(ranks["block"]) if block]
    figure = Figure(figsize=(DOUBLE, 3.0 + 1.35 * (len(blocks) + 1)), layout="constrained")
    heights = [2.7, 1.35 * (len(blocks) + 1)]
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=heights).ravel()
    _chosen(top, dataset, points, tokens)
    _ranks(bottom, ranks)
    return figure


def _chosen(part: SubFigure, dataset: xr.Dataset, points: Points, tokens: Sequence[int]) -> None:
    cosines = cosine_table(dataset, points)
    embeddings = component_table(dataset, points, tokens)
    runs = list(cosines.groupby([*_FIELDS, "seed"], sort=False))
    panels = list(part.subplots(1, 2 * len(runs)).ravel())
    for axis, (place, run) in zip(panels, runs, strict=False):
        image = cosine_panel(axis, run)
        axis.set_title(f"γ = {place[1]:g}\nweight decay {place[0]:g}")
    for axis, (place, run) in zip(
        panels[len(runs) :], embeddings.groupby([*_FIELDS, "seed"], sort=False), strict=False
    ):
        marks = component_panel(axis, run)
        axis.set_box_aspect(1)
        axis.set_xlabel(f"component 1 ({run['share_1'].iloc[0]:.0%})")
        axis.set_title(f"γ = {place[1]:g}\nweight decay {place[0]:g}")
    part.colorbar(image, ax=panels[: len(runs)], label="cosine", location="bottom", shrink=0.6)
    part.colorbar(marks, ax=panels[len(runs) :], label="token", location="bottom", shrink=0.6)


def _ranks(part: SubFigure, table: pd.DataFrame) -> None:
    """A row for each block, a column for each kind of matrix; below, the matrices outside the blocks."""
    inside, outside = (table[table["block"].gt(0) == inside] for inside in (True, False))
    kinds, others = list(dict.fromkeys(inside["part"])), list(dict.fromkeys(outside["part"]))
    blocks = list(np.unique(inside["block"]))
    columns = max(len(kinds), len(others))
    grid = part.subplots(len(blocks) + 1, columns, squeeze=False)
    high = float(table["stable_rank"].max())
    below = [(len(blocks), column, 0, kind) for column, kind in enumerate(others)]
    places = [(r, c, block, kind) for r, block in enumerate(blocks) for c, kind in enumerate(kinds)] + below
    used = {}
    for row, column, block, kind in places:
        axis = grid[row, column]
        cells = table[(table["block"] == block) & (table["part"] == kind)]
        mesh = quantity_panel(axis, cells, "stable_rank", *_FIELDS, low=1, high=high)
        axis.set_title(kind if row in (0, len(blocks)) else "")
        axis.tick_params(labelbottom=row >= len(blocks) - 1, labelleft=column == 0)
        if column == 0:
            axis.set_ylabel(f"block {block}" if block else "outside")
        used[row, column] = axis
    for row, column in np.ndindex(*grid.shape):
        if (row, column) not in used:
            grid[row, column].remove()
    part.supxlabel("initialization rate γ", fontsize=8)
    part.supylabel("weight decay", fontsize=8)
    part.colorbar(mesh, ax=list(used.values()), label="stable rank", pad=0.01, shrink=0.6)
