"""Cosines between the query matrix's neurons: do they condense?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from experiments._layers import QUERY
from lowcomplex.nulls import pair_probability
from lowcomplex.plots.page import canvas, panel_letters, style
from paper_figs.panels.axes import ends, require
from paper_figs.panels.chosen_runs import Points, Run, runs_near
from paper_figs.panels.runs import at_end

Array = NDArray[np.float64]

_PARALLEL = 0.7


def cosine_table(dataset: xr.Dataset, points: Points | None = None) -> pd.DataFrame:
    """Cosines of the query matrix's neurons in chosen runs, clustered.

    Args:
        dataset: `query_weight` over the points' fields, neuron and input, and `seed` if all are kept.
        points: Values of the swept fields; the nearest runs that did not diverge are taken. By default the
            smallest and the largest γ.

    Returns:
        A column for each field, then seed, row, column, neuron, other_neuron, cosine: `row` and `column`
        are places in the heat map, ordered by average-linkage clustering of 1 - cos with optimal leaf order.
        Neurons that are zero have no direction and are left out.

    Raises:
        ValueError: The dataset lacks a variable or a dimension, or every run diverged.
    """
    return pd.concat([_run_table(run) for run in _runs(dataset, points)], ignore_index=True)


def cosine_summary_table(dataset: xr.Dataset, points: Points | None = None) -> pd.DataFrame:
    """How parallel the query matrix's neurons are in chosen runs, beside random directions.

    Args:
        dataset: As for `cosine_table`, and `condensed_directions` over the points' fields, step and layer.
        points: As for `cosine_table`.

    Returns:
        A column for each field, then seed, parallel_share (pairs of neurons with |cos| > 0.7),
        null_parallel_share, mean_absolute_cosine, and condensed_directions.

    Raises:
        ValueError: The dataset lacks a variable or a dimension, or every run diverged.
    """
    require(dataset, ("condensed_directions",), ("layer",))
    counts = at_end(dataset)["condensed_directions"].sel(layer=QUERY)
    rows = []
    for run in _runs(dataset, points):
        table = _run_table(run)
        cosines = table.loc[table["row"] < table["column"], "cosine"].abs()
        rows.append(
            {
                **run.selection,
                "parallel_share": (cosines > _PARALLEL).mean(),
                "null_parallel_share": pair_probability(run.values.sizes["input"], _PARALLEL),
                "mean_absolute_cosine": cosines.mean(),
                "condensed_directions": int(counts.sel(run.selection)),
            }
        )
    return pd.DataFrame(rows)


@style()
def plot_cosines(dataset: xr.Dataset, points: Points | None = None) -> Figure:
    """Heat maps of the cosines between the query matrix's neurons, one map per run.

    Args:
        dataset: As for `cosine_summary_table`.
        points: As for `cosine_table`.

    Returns:
        The figure.
    """
    runs = _runs(dataset, points)
    summary = cosine_summary_table(dataset, points)
    figure = canvas(1, len(runs), height=3.7)
    panels = list(figure.axes)
    for axis, run, found in zip(panels, runs, summary.to_dict("records"), strict=True):
        image = cosine_panel(axis, _run_table(run))
        count = found["condensed_directions"]
        axis.set_title(
            f"{run.label}: {count} condensed direction{'' if count == 1 else 's'}\n"
            f"|cos| > {_PARALLEL}: {found['parallel_share']:.1%} of pairs "
            f"(random: {found['null_parallel_share']:.1g})"
        )
    figure.colorbar(image, ax=panels, label="cosine of input weights", shrink=0.85, pad=0.01)
    panel_letters(panels)
    return figure


def cosine_panel(axis: Axes, table: pd.DataFrame) -> AxesImage:
    """Draw one run of a `cosine_table`."""
    grid = table.pivot(index="row", columns="column", values="cosine")
    image = axis.imshow(grid.to_numpy(), cmap="vlag", vmin=-1, vmax=1)
    axis.set_xlabel("neuron, clustered")
    axis.set_ylabel("neuron, clustered")
    axis.spines[:].set_visible(True)
    return image


def _runs(dataset: xr.Dataset, points: Points | None) -> list[Run]:
    require(dataset, ("query_weight",), ("neuron", "input"))
    if points is None:
        require(dataset, ("query_weight",), ("gamma",))
        points = [{"gamma": gamma} for gamma in ends(dataset)]
    return runs_near(dataset, "query_weight", points)


def _run_table(run: Run) -> pd.DataFrame:
    weight = run.values.transpose("neuron", "input").values
    cosines, order = _ordered_cosines(np.asarray(weight, dtype=float))
    row, column = np.indices(cosines.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            **run.selection,
            "row": row,
            "column": column,
            "neuron": order[row],
            "other_neuron": order[column],
            "cosine": cosines.ravel(),
        }
    )


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
