"""P1, figure 5c,d: token embeddings in the plane, at a small and a large γ."""

from __future__ import annotations

from functools import partial

import pandas as pd
import xarray as xr

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._weight_maps import EMBEDDINGS, trends
from paper_figs._weights import LARGE, SMALL
from paper_figs._words import counted, unconverged
from paper_figs.panels.embeddings import component_table, ordinality_table, plot_components

POINTS = (SMALL, LARGE)


def caption(dataset: xr.Dataset) -> str:
    """Key embeddings on two components, colored by value, and their ordinality over γ."""
    table = component_table(dataset, POINTS)
    runs = table.drop_duplicates(["gamma", "seed"])
    drawn = ", ".join(
        f"γ = {run.gamma:g} (seed {run.seed}, R² = {run.ordinality:.2f})" for run in runs.itertuples()
    )
    tokens = dataset.sizes["token"]
    return (
        f"Embeddings of the {tokens} key tokens after training on their first two principal components, "
        f"colored by value: {drawn}. Last, their ordinality against γ, R² of the value on the two "
        f"components, of {counted(dataset.sizes['seed'], 'seed')}; dashed: {2 / (tokens - 1):.2f}, expected "
        f"of random directions.{unconverged(dataset)}"
    )


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The drawn embeddings, then the ordinality of every run."""
    tables = {
        "components": component_table(dataset, POINTS),
        "ordinality": ordinality_table(dataset),
    }
    return pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of the embeddings' ordinality over γ, and its means."""
    means = ordinality_table(dataset).groupby("gamma")["embedding_ordinality"].mean().dropna()
    note = "mean ordinality " + ", ".join(f"{mean:.2f} at γ = {gamma:g}" for gamma, mean in means.items())
    return conclude(trends(dataset, EMBEDDINGS, (), "gamma"), note)


FIGURE = Figure(
    "p1_fig5cd_embeddings",
    "anchor_gamma",
    caption,
    partial(plot_components, points=POINTS),
    numbers,
    claim=Claim(
        "P1, figure 5c,d: at large γ the token embeddings lie in few dimensions, in the order of their "
        "values; at small γ they do not.",
        row="P1 5c,d; 11; 16",
    ),
    finding=finding,
    order=100,
)
