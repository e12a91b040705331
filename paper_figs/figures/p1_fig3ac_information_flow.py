"""Where attention goes at usual and at small initialization, and what each kind of edge carries."""

from __future__ import annotations

import xarray as xr

from experiments.anchor.schema import ANCHORS
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._mechanism import above, depths, of_converged, ranged, seeds, solutions
from paper_figs._words import ends_in_words
from paper_figs.panels.information_flow import flow_table, plot_information_flow


def caption(dataset: xr.Dataset) -> str:
    """Attention between tokens, one panel per γ, and the accuracy that cutting each kind of edge costs."""
    return (
        f"Attention of transformers with {depths(dataset)[0]} blocks at {ends_in_words(dataset)}, mean of "
        f"{seeds(dataset)}. Left: an edge is as wide as its share of its target's attention (at least 5 %); "
        "blue: from the key to the anchors, orange: from the anchors to the last token; x is the key, a1 and "
        "a2 are the anchors. Right: share of correct answers on trained pairs, and of composed answers on "
        "the unseen pair, that are lost when the edges of a kind are cut in one block (negative: gained; –: "
        f"no such edge). {solutions(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether the first block moves anchors to the end at large, and keys to anchors at small scale."""
    mass = dataset["attention_mass"].sel(block=1)
    lost = dataset["edge_importance"].sel(block=1, group="seen_train_keys")
    ways = {
        "attention": (
            mass.sel(asking="last", asked=list(ANCHORS)).sum("asked", skipna=False),
            mass.sel(asking=list(ANCHORS), asked="key").mean("asking", skipna=False),
        ),
        "accuracy carried": (
            lost.sel(target="last", source=list(ANCHORS)).max("source"),
            lost.sel(target=list(ANCHORS), source="key").max("target"),
        ),
    }
    small, large = float(dataset["gamma"].min()), float(dataset["gamma"].max())
    points = []
    for depth in depths(dataset):
        for name, both in ways.items():
            for gamma, first in ((small, 0), (large, 1)):
                runs = [of_converged(dataset, value, depth, gamma) for value in both]
                words = f"{depth} blocks, γ = {gamma:g}, {name}: {ranged(runs[0])} and {ranged(runs[1])}"
                points.append(Point(above(runs[first], runs[1 - first]), words))
    return conclude(
        points,
        "each time from anchors to the last token, and from the key to an anchor, in the first block",
        seeds(dataset),
    )


FIGURE = Figure(
    "p1_fig3ac_information_flow",
    "anchor_mechanism",
    caption,
    plot_information_flow,
    flow_table,
    claim=Claim(
        "P1, figure 3a,c: at γ = .5 the first block carries both anchors to the last token, at γ = .8 it "
        "carries the key to the anchors.",
        row="P1 3a,c",
    ),
    finding=finding,
    order=470,
)
