"""Do value vectors at the first anchor stand for the intermediate result?"""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure as drawing

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._mechanism import SCORES, compared, drawn, seeds, solutions
from paper_figs.panels.mechanism import heat_map_table, plot_heat_maps, score_table


def _with_gap(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.assign(value_gap=dataset["intermediate_gap"].sel(site="value"))


def draw(dataset: xr.Dataset) -> drawing.Figure:
    """The picture."""
    anchors = [str(state).split(";")[1] for state in dataset["state"].values]
    each = len(anchors) // len(set(anchors))
    ticks = [(each * index + (each - 1) / 2, f"a1 = {anchors[each * index]}") for index in range(4)]
    return plot_heat_maps(
        _with_gap(dataset),
        "value_cosine",
        "value_gap",
        label="first anchor, key 30-40",
        score_label="cosine gap, equal - other result",
        ticks=ticks,
    )


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The heat maps, and the scores of all runs."""
    scores = score_table(_with_gap(dataset), "value_gap").assign(panel="value_gap")
    return pd.concat([heat_map_table(dataset, "value_cosine").assign(panel="value_cosine"), scores])


def caption(dataset: xr.Dataset) -> str:
    """Cosines between value vectors at the first anchor, and their gap by intermediate result, by block."""
    return (
        "Cosines between the second block's value vectors at the first anchor, for each first anchor and "
        f"keys 30-40 in order, mean over six backgrounds, {drawn(dataset)}: lines beside the diagonal are "
        "equal intermediate results g(x; a1). Right: mean cosine between different anchors on keys that give "
        "one intermediate result minus that on keys that give two, by block (0: it does not make them alike; "
        f"in the first block an anchor has not seen the key); {SCORES}. {solutions(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether values stand for the intermediate result at small initialization."""
    gap = _with_gap(dataset)["value_gap"].sel(block=2)
    return conclude(compared(dataset, gap, "the second block's gap is"), seeds(dataset))


FIGURE = Figure(
    "p1_fig4c_value_cosines",
    "anchor_mechanism",
    caption,
    draw,
    numbers,
    claim=Claim(
        "P1, figure 4c: at γ = .8 value vectors at the first anchor are alike where the intermediate "
        "results g(x; a1) are equal (asked here: more than at γ = .5?).",
        row="P1 4c",
    ),
    finding=finding,
    order=500,
)
