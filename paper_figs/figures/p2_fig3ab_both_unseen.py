"""P2, figure 3: in and out of distribution against γ, and over γ and weight decay, both pairs unseen."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure

from paper_figs._answers import curve_words, map_words, points_over_gamma
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._judged import converged, share, trend
from paper_figs.panels.curves import plot_curves_and_map
from paper_figs.panels.runs import accuracy_table, cell_table

_CURVES = ("inferential", "seen_test_keys")


def _weakest(dataset: xr.Dataset) -> float:
    return float(dataset["weight_decay"].min())


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Curves at the weakest decay beside the map."""
    return plot_curves_and_map(dataset.sel(weight_decay=_weakest(dataset)), dataset, "weight_decay", _CURVES)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The runs of the curves, and the map's cells."""
    table = accuracy_table(dataset)
    curves = table[(table["weight_decay"] == _weakest(dataset)) & table["group"].isin(_CURVES)]
    cells = cell_table(table, "weight_decay", "gamma", groups=("inferential",))
    return pd.concat([curves.assign(panel="curves"), cells.assign(panel="map")], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """Accuracy in and out of distribution over γ, and its map over γ and weight decay."""
    return (
        "Both (3, 4) and (4, 3) unseen, every trained pair composite. (a) Accuracy out of distribution (on "
        "the unseen pairs) and in distribution (on trained pairs, held-out keys) against γ at weight decay "
        f"{_weakest(dataset):g}. (b) Out of distribution over γ and weight decay. {map_words(dataset)} "
        f"{curve_words(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Accuracy in distribution, and trends of composition over γ and weight decay."""
    table = converged(accuracy_table(dataset))
    seen = share(table, "seen_test_keys").groupby("gamma")["accuracy"].mean()
    inside = (
        Point(
            "yes" if seen.min() >= 0.9 else "no",
            f"in distribution the mean over converged runs is at least {seen.min():.2f} at every γ",
        )
        if len(seen)
        else Point("open", "no run converged")
    )
    decay = trend(
        share(table, "inferential"),
        "weight_decay",
        "the composed share",
        "weight decay",
        expected=1,
        within=("gamma",),
    )
    return conclude([inside, *points_over_gamma(dataset, "weight_decay", mirrored=False), decay])


FIGURE = Figure(
    "p2_fig3ab_both_unseen",
    "anchor_both_unseen",
    caption,
    draw,
    numbers,
    Claim(
        "P2, figure 3A,B: in distribution every initialization does well; out of distribution accuracy rises "
        "with γ and with weight decay.",
        row="P2 3A,B",
    ),
    finding,
    order=200,
)
