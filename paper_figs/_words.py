"""Words that captions share."""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun: "1 seed", "3 seeds"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(values: Iterable[float]) -> str:
    """Numbers in a row: "0.4, 0.6 and 0.9"."""
    words = [f"{value:g}" for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def ends_in_words(dataset: xr.Dataset) -> str:
    """The smallest and the largest γ, as in "γ = 0.4 and 0.9"."""
    gammas = sorted({float(dataset["gamma"].min()), float(dataset["gamma"].max())})
    return f"γ = {listed(gammas)}"


def unconverged(dataset: xr.Dataset) -> str:
    """A sentence on runs that did not converge, as `converged` or `phase` says; empty if all did."""
    named = "converged" in dataset
    failures = ~dataset["converged"].astype(bool) if named else dataset["phase"] == NOT_CONVERGED
    failed = int(failures.sum())
    return f" {counted(failed, 'run')} of {failures.size} did not converge (crosses)." if failed else ""
