"""P1, figure 5a,b: cosines between the neurons of the first block's W_Q, at a small and a large γ."""

from __future__ import annotations

from functools import partial

import pandas as pd
import xarray as xr

from lowcomplex.nulls import random_effective_directions
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._judged import trend
from paper_figs._weights import LARGE, SMALL, final_runs, of_query
from paper_figs.panels.cosines import cosine_summary_table, cosine_table, plot_cosines

POINTS = (SMALL, LARGE)


def caption(dataset: xr.Dataset) -> str:
    """Cosines between W_Q's neurons in clustered order at two γ, beside those of random directions."""
    summary = cosine_summary_table(dataset, POINTS)
    runs = ", ".join(
        f"{row.parallel_share:.1%} at γ = {row.gamma:g} (seed {row.seed})"
        for row in summary.itertuples(index=False)
    )
    return (
        "Cosines between the neurons of the first block's query matrix after training, neurons in clustered "
        f"order. Pairs with |cos| > 0.7: {runs}; random directions: "
        f"{summary['null_parallel_share'].iloc[0]:.1g}. A condensed direction is one that more neurons share "
        "(|cos| > 0.95) than of random ones."
    )


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The cosines, then what sums them up."""
    tables = {
        "cosines": cosine_table(dataset, POINTS),
        "summary": cosine_summary_table(dataset, POINTS),
    }
    return pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)


def finding(dataset: xr.Dataset) -> Finding:
    """The trends of W_Q's effective and condensed directions over γ."""
    values = {name: of_query(dataset, name) for name in ("condensed_directions", "effective_directions")}
    runs = final_runs(dataset, values)
    few = trend(
        runs,
        "gamma",
        "the effective number of W_Q's directions",
        "γ",
        expected=-1,
        value="effective_directions",
    )
    null = random_effective_directions(dataset.sizes["neuron"], dataset.sizes["input"]).value
    means = runs.groupby("gamma")["effective_directions"].mean()
    note = "on average " + ", ".join(f"{mean:.1f} at γ = {gamma:g}" for gamma, mean in means.items())
    return conclude([few, *_condensed(runs)], f"{note} (random: {null:.1f})")


def _condensed(runs: pd.DataFrame) -> list[Point]:
    """Does a direction hold more neurons than chance, where the claim says so and where it says not?"""
    points = []
    for asked, expected in ((SMALL["gamma"], False), (LARGE["gamma"], True)):
        if runs.empty:
            continue
        gamma = min(runs["gamma"].unique(), key=lambda own: abs(own - asked))
        counts = runs.loc[runs["gamma"] == gamma, "condensed_directions"]
        found = int((counts > 0).sum())
        holds = (found > len(counts) / 2) == expected
        words = f"{found} of {len(counts)} runs have a condensed direction at γ = {gamma:g}"
        points.append(Point("yes" if holds else "no", words))
    return points


FIGURE = Figure(
    "p1_fig5ab_query_cosines",
    "anchor_gamma",
    caption,
    partial(plot_cosines, points=POINTS),
    numbers,
    claim=Claim(
        "P1, figure 5a,b: the neurons of the first block's W_Q condense onto few directions at large γ, "
        "and do not at small γ.",
        row="P1 5a,b; 10; 15",
    ),
    finding=finding,
    order=90,
)
