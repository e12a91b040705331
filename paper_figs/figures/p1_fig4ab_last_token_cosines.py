"""Do last-token vectors of pairs with one target point one way?"""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib import figure as drawing

from lowcomplex.tasks import AnchorTask
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, conclude
from paper_figs._mechanism import SCORES, compared, drawn, seeds, solutions
from paper_figs.panels.mechanism import heat_map_table, plot_heat_maps, score_table


def _with_gap(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.assign(target_gap=dataset["same_target_cosine"] - dataset["other_target_cosine"])


def _order(dataset: xr.Dataset) -> list[str]:
    """Pairs by what they add to the key, mirrored ones side by side."""
    task = AnchorTask()
    pairs = [str(pair) for pair in dataset["pair"].values]
    return sorted(pairs, key=lambda pair: (task.inferential((int(pair[0]), int(pair[1]))).shift, pair))


def draw(dataset: xr.Dataset) -> drawing.Figure:
    """The picture."""
    return plot_heat_maps(
        _with_gap(dataset),
        "pair_cosine",
        "target_gap",
        order=_order(dataset),
        label="anchor pair, by what it adds",
        score_label="cosine gap, equal - other target",
    )


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The heat maps, and the scores of all runs."""
    named = ("same_target_cosine", "other_target_cosine", "target_gap")
    scores = [score_table(_with_gap(dataset), name).assign(panel=name) for name in named]
    return pd.concat([heat_map_table(dataset, "pair_cosine").assign(panel="pair_cosine"), *scores])


def caption(dataset: xr.Dataset) -> str:
    """Cosines between last-token vectors of anchor pairs, and their gap by target, by block."""
    return (
        "Cosines between the second block's attention output at the last token for two anchor pairs and one "
        f"key, mean over keys 30-40 and six backgrounds, {drawn(dataset)}. Right: mean cosine between "
        "different pairs on keys that give one target minus that on keys that give two (0: the target is not "
        f"what makes them alike), by block; {SCORES}. {solutions(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether vectors of equal targets are alike at small initialization alone."""
    gap = _with_gap(dataset)["target_gap"].sel(block=2)
    return conclude(compared(dataset, gap, "the second block's gap is"), seeds(dataset))


FIGURE = Figure(
    "p1_fig4ab_last_token_cosines",
    "anchor_mechanism",
    caption,
    draw,
    numbers,
    claim=Claim(
        "P1, figure 4a,b: the second block's vectors at the last token are alike for pairs with one target "
        "at γ = .8, and not at γ = .5.",
        row="P1 4a,b",
    ),
    finding=finding,
    order=490,
)
