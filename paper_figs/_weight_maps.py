"""Figures of the first block's W_Q and of the embeddings over two run dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import xarray as xr
from matplotlib import figure

from lowcomplex.nulls import random_effective_directions
from paper_figs._answers import map_words
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._judged import trend
from paper_figs._weights import final_runs, of_query
from paper_figs.panels.quantity_maps import plot_quantity_maps, quantity_table
from paper_figs.panels.runs import at_end

_ALONG = {
    "gamma": "γ",
    "depth": "depth",
    "learning_rate": "the learning rate",
    "weight_decay": "weight decay",
}


@dataclass(frozen=True)
class Subject:
    """What is mapped.

    Attributes:
        labels: For each quantity, its words on the figure.
        values: The quantities over the run dimensions, from a dataset.
        simpler: Of some quantities, their words in a sentence, and whether simpler weights have more of it.
        words: How the quantities are defined, and what random weights have of them.
        digits: After the point.
    """

    labels: Mapping[str, str]
    values: Callable[[xr.Dataset], dict[str, xr.DataArray]]
    simpler: Mapping[str, tuple[str, Literal[1, -1]]]
    words: Callable[[xr.Dataset], str]
    digits: int


def _query_words(dataset: xr.Dataset) -> str:
    neurons, width = dataset.sizes["neuron"], dataset.sizes["input"]
    null = random_effective_directions(neurons, width).value
    return (
        f"(a) Directions that more of the {neurons} neurons share (|cos| > 0.95) than of random ones "
        "(random: 0). (b) Effective number of directions: the number of neurons squared over the sum of the "
        f"squared cosines of all pairs (random: {null:.1f})."
    )


def _embedding_words(dataset: xr.Dataset) -> str:
    tokens = dataset.sizes["token"]
    return (
        f"(a) Ordinality: R² of the values of {tokens} key tokens on the two leading principal components of "
        f"their embeddings (random: {2 / (tokens - 1):.2f}). (b) Participation ratio of the eigenvalues of "
        "the embeddings' covariance."
    )


CONDENSATION = Subject(
    {"condensed_directions": "condensed directions", "effective_directions": "effective directions"},
    lambda dataset: {
        name: of_query(dataset, name) for name in ("condensed_directions", "effective_directions")
    },
    {"effective_directions": ("the effective number of W_Q's directions", -1)},
    _query_words,
    1,
)
EMBEDDINGS = Subject(
    {"embedding_ordinality": "ordinality R²", "embedding_dimension": "dimension"},
    lambda dataset: {name: at_end(dataset)[name] for name in ("embedding_ordinality", "embedding_dimension")},
    {
        "embedding_ordinality": ("the embeddings' ordinality", 1),
        "embedding_dimension": ("the embeddings' dimension", -1),
    },
    _embedding_words,
    2,
)


def weight_maps(
    name: str,
    study: str,
    subject: Subject,
    over: tuple[str, str],
    simpler_along: Sequence[str],
    *,
    opening: str,
    claim: Claim,
    order: int,
) -> Figure:
    """Heat maps of weights at the last checkpoint.

    Args:
        name: Name of the figure.
        study: Whose runs are drawn.
        subject: The mapped quantity, in words.
        over: The run dimensions drawn upward and to the right.
        simpler_along: Those of them along which the claim says that weights become simpler.
        opening: First sentence of the caption.
        claim: A paper's claim.
        order: Place in the report.
    """
    rows, columns = over

    def mapped(dataset: xr.Dataset) -> xr.Dataset:
        values = subject.values(dataset)
        return dataset.drop_vars(list(values)).assign(values)

    def draw(dataset: xr.Dataset) -> figure.Figure:
        return plot_quantity_maps(mapped(dataset), subject.labels, rows, columns, digits=subject.digits)

    def numbers(dataset: xr.Dataset) -> pd.DataFrame:
        return quantity_table(mapped(dataset), list(subject.labels), rows, columns)

    def finding(dataset: xr.Dataset) -> Finding:
        return conclude([point for x in simpler_along for point in trends(dataset, subject, over, x)])

    return Figure(
        name,
        study,
        lambda dataset: f"{opening} {subject.words(dataset)} {map_words(dataset)}",
        draw,
        numbers,
        claim,
        finding,
        order,
    )


def trends(dataset: xr.Dataset, subject: Subject, over: Sequence[str], x: str) -> list[Point]:
    """Whether weights become simpler along a run dimension, within the runs that are equal in the others."""
    runs = final_runs(dataset, subject.values(dataset))
    within = [name for name in over if name != x]
    return [
        trend(runs, x, words, _ALONG[x], expected=sign, within=within, value=name)
        for name, (words, sign) in subject.simpler.items()
    ]
