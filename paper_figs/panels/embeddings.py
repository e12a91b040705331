"""The key tokens' embeddings: do they lie in the order of their values?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lowcomplex.plots.page import canvas, panel_letters, style
from paper_figs.panels.axes import ends, require
from paper_figs.panels.chosen_runs import Points, Run, runs_near
from paper_figs.panels.curves import draw_runs
from paper_figs.panels.runs import at_end

Array = NDArray[np.float64]

_NULL_COLOR = "0.45"


def component_table(
    dataset: xr.Dataset, points: Points | None = None, tokens: Sequence[int] | None = None
) -> pd.DataFrame:
    """The first two principal components of the token embeddings in chosen runs.

    Args:
        dataset: `token_embedding` over the points' fields, token and width, and `seed` if all are kept.
        points: Values of the swept fields; the nearest runs that did not diverge are taken. By default the
            smallest and the largest γ.
        tokens: The tokens that the components are those of; by default all.

    Returns:
        A column for each field, then seed, token, component_1, component_2, share_1, share_2 (of the
        variance) and ordinality (`lowcomplex.measures.ordinality` of both components). A component's sign is
        such that it rises with the token's value.

    Raises:
        ValueError: The dataset lacks a variable or a dimension, holds fewer than three of the tokens, or
            every run diverged.
    """
    require(dataset, ("token_embedding",), ("token", "width"))
    if points is None:
        require(dataset, ("token_embedding",), ("gamma",))
        points = [{"gamma": gamma} for gamma in ends(dataset)]
    if tokens is not None:
        dataset = dataset.sel(token=[token for token in tokens if token in dataset["token"].values])
    if dataset.sizes["token"] < 3:
        raise ValueError(f"tokens: expected at least three in the dataset, got {dataset.sizes['token']}")
    runs = runs_near(dataset, "token_embedding", points)
    return pd.concat([_run_table(run) for run in runs], ignore_index=True)


@style()
def plot_components(dataset: xr.Dataset, points: Points | None = None) -> Figure:
    """Token embeddings on their first two principal components, and their ordinality against γ.

    Args:
        dataset: As for `component_table`; `embedding_ordinality` over (gamma, seed, time) and `phase`.
        points: As for `component_table`.

    Returns:
        The figure.
    """
    table = component_table(dataset, points)
    runs = [run for _, run in table.groupby([*_fields(table), "seed"], sort=False)]
    figure = canvas(1, len(runs) + 1, height=2.6)
    *panels, last = figure.axes
    for axis, run in zip(panels, runs, strict=True):
        marks = component_panel(axis, run)
        axis.set_title(f"γ = {run['gamma'].iloc[0]:g} (R² = {run['ordinality'].iloc[0]:.2f})")
    figure.colorbar(marks, ax=panels, label="token", pad=0.01)
    _ordinality(last, ordinality_table(dataset), dataset.sizes["token"])
    panel_letters(figure.axes[: len(runs) + 1])
    return figure


def ordinality_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Ordinality of the final embeddings of every run.

    Args:
        dataset: `embedding_ordinality` over (gamma, seed, time), and `phase` over (gamma, seed).

    Returns:
        Columns gamma, seed, embedding_ordinality, phase.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("embedding_ordinality", "phase"), ("gamma", "seed"))
    columns = ["gamma", "seed", "embedding_ordinality", "phase"]
    both = at_end(dataset)[["embedding_ordinality", "phase"]]
    return both.to_dataframe().reset_index()[columns]


def component_panel(axis: Axes, run: pd.DataFrame) -> PathCollection:
    """Draw one run of a `component_table`."""
    marks = axis.scatter(
        run["component_1"], run["component_2"], c=run["token"], cmap="viridis", s=12, linewidth=0
    )
    axis.set_xlabel(f"component 1 ({run['share_1'].iloc[0]:.0%} of the variance)")
    axis.set_ylabel(f"component 2 ({run['share_2'].iloc[0]:.0%})")
    return marks


def _ordinality(axis: Axes, table: pd.DataFrame, tokens: int) -> None:
    draw_runs(axis, table, "embedding_ordinality")
    axis.axhline(2 / (tokens - 1), linestyle="--", color=_NULL_COLOR, linewidth=1, label="random")
    axis.set_ylim(-0.04, 1.04)
    axis.set_ylabel("ordinality R², two components")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _fields(table: pd.DataFrame) -> list[str]:
    return list(table.columns[: table.columns.get_loc("seed")])


def _run_table(run: Run) -> pd.DataFrame:
    tokens = np.asarray(run.values["token"].values, dtype=float)
    values = tokens - tokens.mean()
    embedding = run.values.transpose("token", "width").values
    scores, shares = _principal_components(np.asarray(embedding, dtype=float))
    lengths = np.linalg.norm(scores, axis=0)
    rises = scores.T @ values
    # A component without variance has no direction to be ordered along.
    empty = lengths <= lengths[0] * len(tokens) * np.finfo(float).eps
    ordinality = ((rises / np.where(empty, np.nan, lengths)) ** 2).sum() / (values**2).sum()
    scores = scores * np.where(rises < 0, -1.0, 1.0)
    return pd.DataFrame(
        {
            **run.selection,
            "token": run.values["token"].values,
            "component_1": scores[:, 0],
            "component_2": scores[:, 1],
            "share_1": shares[0],
            "share_2": shares[1],
            "ordinality": ordinality,
        }
    )


def _principal_components(rows: Array) -> tuple[Array, Array]:
    """Scores on the first two components, and the shares of variance that they hold."""
    centered = rows - rows.mean(0)
    left, singular, _ = np.linalg.svd(centered, full_matrices=False)
    power = singular**2
    total = power.sum()
    shares = power[:2] / total if total > 0 else np.full(2, np.nan)
    return left[:, :2] * singular[:2], shares
