"""Figures of final answers, made of two kinds of panel: maps and curves over run dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED, TRAINED, UNTRAINED
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point
from paper_figs._judged import converged, rise, share
from paper_figs._words import counted, unconverged
from paper_figs.panels.curves import plot_answer_curves
from paper_figs.panels.maps import plot_answer_maps
from paper_figs.panels.runs import accuracy_table, cell_table

Judge = Callable[[xr.Dataset], Finding]
MAPPED = UNTRAINED
DRAWN = (*UNTRAINED, TRAINED[0])


def map_figure(
    name: str,
    study: str,
    over: tuple[str, str],
    opening: str,
    *,
    claim: Claim,
    finding: Judge,
    groups: Sequence[str] = MAPPED,
    order: int,
) -> Figure:
    """Heat maps of the last checkpoint's answers.

    Args:
        name: Name of the figure.
        study: Whose runs are drawn.
        over: The run dimensions drawn upward and to the right.
        opening: First sentences of the caption.
        claim: A paper's claim, or what follows from it.
        finding: Judges the claim by the dataset.
        groups: Which answers, a panel each.
        order: Place in the report.
    """
    rows, columns = over
    return Figure(
        name,
        study,
        lambda dataset: f"{opening} {map_words(dataset)}",
        partial(plot_answer_maps, rows=rows, columns=columns, groups=groups),
        lambda dataset: cell_table(accuracy_table(dataset), rows, columns, groups=groups),
        claim,
        finding,
        order,
    )


def curve_figure(
    name: str,
    study: str,
    color: str,
    opening: str,
    *,
    claim: Claim,
    finding: Judge,
    groups: Sequence[str] = DRAWN,
    order: int,
) -> Figure:
    """The last checkpoint's answers against γ, colored by another run dimension; else as `map_figure`."""
    return Figure(
        name,
        study,
        lambda dataset: f"{opening} {curve_words(dataset)}",
        partial(plot_answer_curves, color=color, groups=groups),
        accuracy_table,
        claim,
        finding,
        order,
    )


def map_words(dataset: xr.Dataset) -> str:
    """How to read a map."""
    failed = int((dataset["phase"] == NOT_CONVERGED).sum())
    return (
        f"Cells: mean of {counted(dataset.sizes['seed'], 'seed')} at the last checkpoint; ×n: n of them did "
        f"not converge ({failed} of {dataset['phase'].size} runs in all); hatched: accuracy on trained pairs "
        "below 0.9 on average."
    )


def curve_words(dataset: xr.Dataset) -> str:
    """How to read curves."""
    return (
        f"Lines: mean of {counted(dataset.sizes['seed'], 'seed')} at the last checkpoint; bands: their "
        f"range; small marks: runs.{unconverged(dataset)}"
    )


def composed_runs(dataset: xr.Dataset) -> pd.DataFrame:
    """The share of composed answers of every run that converged, one row per run."""
    return converged(share(accuracy_table(dataset), "inferential"))


def points_over_gamma(dataset: xr.Dataset, *within: str, mirrored: bool = True) -> list[Point]:
    """P1's claim on γ: composed answers rise, mirrored ones fall.

    Args:
        dataset: As for `accuracy_table`.
        *within: Run dimensions in whose strata runs are compared.
        mirrored: Whether the task has a mirrored answer.
    """
    mirror = converged(share(accuracy_table(dataset), "symmetric")) if mirrored else None
    return rise(composed_runs(dataset), mirror, within=within)


def over_gamma_at_each(dataset: xr.Dataset, field: str, words: str) -> list[Point]:
    """Whether composed answers rise with γ at every value of a run dimension.

    Args:
        dataset: As for `accuracy_table`.
        field: The run dimension.
        words: Its value in words: "at learning rate {}".
    """
    composed = composed_runs(dataset)
    return [
        point
        for value in dataset[field].values
        for point in rise(composed[composed[field] == value], where=f"{words.format(_text(value))} ")
    ]


def means_at_each(dataset: xr.Dataset, field: str, words: str) -> list[str]:
    """The mean composed share at the smallest and the largest γ, for every value of a run dimension."""
    composed = composed_runs(dataset)
    told = []
    for value in dataset[field].values:
        means = composed[composed[field] == value].groupby("gamma")["accuracy"].mean()
        ends = dict.fromkeys((means.index[0], means.index[-1])) if len(means) else {}
        shares = " and ".join(f"{means[gamma]:.2f} at γ = {gamma:g}" for gamma in ends)
        told.append(
            f"{words.format(_text(value))} the composed share is {shares or 'unknown: no run converged'}"
        )
    return told


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:g}"
