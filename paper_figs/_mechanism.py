"""What the figures of the mechanism have in common: orders, words, and points of a paper's claim."""

from __future__ import annotations

import numpy as np
import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._finding import Point, Status
from paper_figs._words import counted, ends_in_words

SCORES = "marks are runs, crosses such that did not converge, lines means of the others"
# So many runs on both sides, or a difference says nothing.
_FEWEST = 2


def depths(dataset: xr.Dataset) -> list[int]:
    """Numbers of blocks."""
    return [int(depth) for depth in dataset["depth"].values]


def of_converged(dataset: xr.Dataset, variable: xr.DataArray, depth: int, gamma: float) -> np.ndarray:
    """One number of each run of a cell that converged."""
    kept = (dataset["phase"].sel(depth=depth, gamma=gamma) != NOT_CONVERGED).values
    values: np.ndarray = np.asarray(variable.sel(depth=depth, gamma=gamma).values, dtype=float)[kept]
    return values


def above(first: np.ndarray, second: np.ndarray) -> Status:
    """Whether every one of some runs lies above every one of others; open if they overlap or are too few."""
    if len(first) < _FEWEST or len(second) < _FEWEST:
        return "open"
    if first.min() > second.max():
        return "yes"
    return "no" if first.max() < second.min() else "open"


def compared(dataset: xr.Dataset, score: xr.DataArray, what: str) -> list[Point]:
    """Whether a score is higher at the largest γ than at the smallest, for every depth."""
    small, large = float(dataset["gamma"].min()), float(dataset["gamma"].max())
    points = []
    for depth in depths(dataset):
        usual, other = (of_converged(dataset, score, depth, gamma) for gamma in (small, large))
        at = f"{ranged(usual)} at γ = {small:g} and {ranged(other)} at γ = {large:g}"
        points.append(Point(above(other, usual), f"with {depth} blocks {what} {at}"))
    return points


def ranged(values: np.ndarray) -> str:
    """Mean and range over runs."""
    if not len(values):
        return "unknown"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def seeds(dataset: xr.Dataset) -> str:
    """The number of seeds per cell, and of runs that did not converge."""
    failed = int((dataset["phase"] == NOT_CONVERGED).sum())
    note = f"; {failed} of {dataset['phase'].size} runs did not converge, and are left out" if failed else ""
    return counted(dataset.sizes["seed"], "seed") + note


def drawn(dataset: xr.Dataset) -> str:
    """Which networks a picture is of."""
    return f"at {ends_in_words(dataset)} ({depths(dataset)[0]} blocks, seed {dataset['seed'].values[0]})"


def solutions(dataset: xr.Dataset) -> str:
    """Which kind of solution the drawn runs are."""
    depth = depths(dataset)[0]
    phases = dataset["phase"].sel(depth=depth)
    said = []
    for gamma in dataset["gamma"].values:
        kinds, counts = np.unique(phases.sel(gamma=gamma).values.astype(str), return_counts=True)
        found = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
        said.append(f"{found} at γ = {gamma:g}")
    return f"Solutions with {depth} blocks: {'; '.join(said)}."
