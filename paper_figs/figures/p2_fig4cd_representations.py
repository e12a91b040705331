"""Do representations gather by the intermediate result?"""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure as drawing

from lowcomplex.tasks.anchor_functions import FUNCTION_SETS
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._mechanism import compared, drawn, seeds, solutions
from paper_figs.panels.mechanism import coordinate_table, heat_map_table, plot_results, score_table

_BLOCK = 2


def _results(dataset: xr.Dataset) -> xr.DataArray:
    """Intermediate results of the twelve pairs of different anchors."""
    effects = FUNCTION_SETS["translations"]
    pairs = [str(pair) for pair in dataset["pair"].values if str(pair)[0] != str(pair)[1]]
    first = xr.DataArray([effects[int(pair[0])].shift for pair in pairs], {"pair": pairs}, "pair")
    return first + dataset["key"]


def draw(dataset: xr.Dataset) -> drawing.Figure:
    """The picture."""
    return plot_results(dataset, _results(dataset), _BLOCK)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates, cosines, and the scores of all runs."""
    points = coordinate_table(dataset, _BLOCK)
    results = _results(dataset).to_dataframe(name="result").reset_index()
    scores = [
        score_table(dataset.assign(gap=dataset["intermediate_gap"].sel(site=site)), "gap").assign(
            panel=f"gap, {site}"
        )
        for site in ("value", "residual")
    ]
    return pd.concat(
        [
            points.merge(results, on=["pair", "key"]).assign(panel="plane"),
            heat_map_table(dataset, "result_cosine").assign(panel="result_cosine"),
            *scores,
        ]
    )


def caption(dataset: xr.Dataset) -> str:
    """Outputs on two components, colored by intermediate result, and cosines of value vectors."""
    return (
        "Left: output of the second block's attention at the last token for the twelve pairs of different "
        "anchors, eight keys and six backgrounds, on its first two principal components, colored by the "
        f"intermediate result g(x; a1), {drawn(dataset)}. Right: cosines of the second block's value vectors "
        "at the first anchor, mean over different first anchors that give the two intermediate results. "
        f"{solutions(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether the first anchor's representations stand for the intermediate result."""
    gaps = dataset["intermediate_gap"]
    stream, values = gaps.sel(block=1, site="residual"), gaps.sel(block=2, site="value")
    points = [
        *compared(dataset, stream, "the gap of the stream after the first block is"),
        *compared(dataset, values, "that of the second block's values"),
    ]
    return conclude(points, f"cosine gap by intermediate result at the first anchor, {seeds(dataset)}")


FIGURE = Figure(
    "p2_fig4cd_representations",
    "anchor_mechanism",
    caption,
    draw,
    numbers,
    claim=Claim(
        "P2, figure 4C,D: at small initialization representations are arranged by the intermediate result "
        "g(x; a1), at usual initialization they are not.",
        row="P2 4C,D",
    ),
    finding=finding,
    order=510,
)
