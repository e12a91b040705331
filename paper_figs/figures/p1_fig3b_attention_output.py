"""Does the first block's output at the last token tell (a, b) from (b, a)?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import figure as drawing

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._mechanism import SCORES, above, depths, drawn, of_converged, ranged, seeds, solutions
from paper_figs.panels.mechanism import coordinate_table, plot_clusters, score_table

_COINCIDE = 0.5


def draw(dataset: xr.Dataset) -> drawing.Figure:
    """The picture."""
    return plot_clusters(dataset, 1, "mirror_coincidence", score_label="coincidence of (a, b), (b, a)")


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates, and the scores of all runs."""
    scores = score_table(dataset, "mirror_coincidence").assign(panel="coincidence")
    return pd.concat([coordinate_table(dataset, 1).assign(panel="plane"), scores])


def caption(dataset: xr.Dataset) -> str:
    """Outputs at the last token on two components, and how far mirrored pairs coincide, by block."""
    return (
        "Output of the first block's attention at the last token, all anchor pairs on eight keys and six "
        f"backgrounds, on its first two principal components, {drawn(dataset)}. Right: how far the "
        "clusters of mirrored pairs coincide, by block: 1 wholly, 0 as much as any two pairs; "
        f"{SCORES}. {solutions(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether mirrored pairs coincide at large scale."""
    score = dataset["mirror_coincidence"].sel(block=1)
    small, large = float(dataset["gamma"].min()), float(dataset["gamma"].max())
    points = []
    for depth in depths(dataset):
        usual, other = (of_converged(dataset, score, depth, gamma) for gamma in (small, large))
        words = f"with {depth} blocks {ranged(usual)} at γ = {small:g} ({ranged(other)} at γ = {large:g})"
        points.append(Point(above(usual, np.full(2, _COINCIDE)), words))
    note = f"coincidence of mirrored pairs, one cluster where every run is above {_COINCIDE:g}"
    return conclude(points, note, seeds(dataset))


FIGURE = Figure(
    "p1_fig3b_attention_output",
    "anchor_mechanism",
    caption,
    draw,
    numbers,
    claim=Claim(
        "P1, figure 3b: at γ = .5 the first block's attention output at the last token gathers by anchor "
        "pair, a pair and its mirror image in one cluster.",
        row="P1 3b",
    ),
    finding=finding,
    order=480,
)
