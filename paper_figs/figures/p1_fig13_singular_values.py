"""P1, figure 13: singular values of every matrix at a small and a large γ."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd
import xarray as xr
from matplotlib import figure

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, Status, conclude
from paper_figs._judged import contrast
from paper_figs._weights import LARGE, SMALL, matrix_shapes
from paper_figs._words import counted
from paper_figs.panels.ranks import rank_table
from paper_figs.panels.spectra import plot_singular_values, singular_value_table

POINTS = (SMALL, LARGE)
_SAID: dict[Status, str] = {"yes": "have a lower", "no": "have a higher", "open": "have no clearly different"}


def draw(dataset: xr.Dataset) -> figure.Figure:
    """One panel a kind of matrix."""
    return plot_singular_values(dataset, matrix_shapes(dataset), POINTS)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The singular values, and random ones."""
    return singular_value_table(dataset, matrix_shapes(dataset), POINTS)


def caption(dataset: xr.Dataset) -> str:
    """Singular values of every matrix at a small and a large γ, one line per block, random ones dashed."""
    runs = numbers(dataset).drop_duplicates(["gamma", "seed"])
    drawn = " and ".join(f"γ = {run.gamma:g} (seed {run.seed})" for run in runs.itertuples())
    return (
        f"Singular values of every matrix after training at {drawn}, one line per block, over their root "
        "mean square. Dashed: Gaussian random matrix of the same shape (Marchenko, Pastur). The embedding's "
        "rows of tokens that never occur stay random and count too."
    )


def finding(dataset: xr.Dataset) -> Finding:
    """What the runs say, with the effective rank as the number of large singular values."""
    learned = dataset["phase"] != NOT_CONVERGED
    ranks = dataset.assign(effective_rank=dataset["effective_rank"].where(learned))
    table = rank_table(ranks, "effective_rank")
    gammas = table["gamma"].unique()
    small, large = (min(gammas, key=lambda own: abs(own - point["gamma"])) for point in POINTS)
    kinds: dict[Status, list[Hashable]] = {}
    for part, own in table.groupby("part", sort=False):
        of_runs = own.groupby(["gamma", "seed"])["effective_rank"].mean()
        found = contrast(of_runs.loc[small], of_runs.loc[large], ("", ""), least=1.0)
        kinds.setdefault(found.status, []).append(part)
    points = [
        Point(
            status,
            f"{', '.join(map(str, kinds[status]))} {words} effective rank at γ = {large:g} than at γ = "
            f"{small:g}",
        )
        for status, words in _SAID.items()
        if status in kinds
    ]
    return conclude(points, f"{counted(dataset.sizes['seed'], 'seed')} each")


FIGURE = Figure(
    "p1_fig13_singular_values",
    "anchor_gamma",
    caption,
    draw,
    numbers,
    claim=Claim(
        "P1, figure 13: at large γ few singular values of each matrix are large, at small γ many are.",
        row="P1 13",
    ),
    finding=finding,
    order=400,
)
