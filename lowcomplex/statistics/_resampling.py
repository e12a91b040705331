"""Runs in strata and blocks: how samples are drawn from them, and how their values may be exchanged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.statistics._arguments import Floats, values_of_runs

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Stratum:
    """The runs of one stratum.

    `x_below[i, j]` is 1 if x_j < x_i and 1/2 if they are equal, so that ranks in a weighted sample are a
    product with the weights.
    """

    y: Floats
    x_below: Floats
    y_below: Floats
    block: Indices


@dataclass(frozen=True)
class Data:
    strata: tuple[Stratum, ...]
    runs: int
    blocks: int | None


def data_of_runs(x: ArrayLike, y: ArrayLike, strata: ArrayLike | None, blocks: ArrayLike | None) -> Data:
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    labels = np.zeros(a.shape, dtype=int) if strata is None else np.asarray(strata)
    units = np.arange(a.size) if blocks is None else np.asarray(blocks)
    if a.ndim != 1 or not a.shape == b.shape == labels.shape == units.shape:
        raise ValueError(
            f"x, y, strata, blocks: expected one value per run from each, got shapes {a.shape}, {b.shape}, "
            f"{labels.shape} and {units.shape}"
        )
    a, b = values_of_runs(a, "x", least=0), values_of_runs(b, "y", least=0)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    groups = [group for group in groups if len(group) > 1]
    used = np.concatenate(groups) if groups else np.array([], dtype=int)
    names, number = np.unique(units[used], return_inverse=True)
    if blocks is not None and 0 < len(names) < 2:
        raise ValueError("blocks: expected two blocks or more, got one")
    of_run = np.zeros(a.size, dtype=np.intp)
    of_run[used] = number
    parts = tuple(Stratum(b[g], _below(a[g]), _below(b[g]), of_run[g]) for g in groups)
    return Data(parts, len(used), None if blocks is None else len(names))


def _below(values: Floats) -> Floats:
    smaller: Floats = (values < values[:, None]) + 0.5 * (values == values[:, None])
    return smaller


def least_p(data: Data, resamples: int) -> float:
    """The smallest two-sided p-value: of the data and their mirror image among all distinct permutations."""
    cells: list[tuple[NDArray[Any], NDArray[Any]]]
    if data.blocks is None:
        cells = [(part.x_below.sum(1), part.y) for part in data.strata]
    elif _has_cells(data):
        places = [(part, part.block == block) for part in data.strata for block in np.unique(part.block)]
        cells = [(part.x_below.sum(1)[there], part.y[there]) for part, there in places]
    else:
        cells = [(np.arange(number), np.arange(number)) for _, number in _patterns(data)]
    # Permutations among equal values change nothing.
    number = min(math.prod(map(_orders, column)) for column in zip(*cells, strict=True))
    return min(1.0, max(2 / number, 1 / (1 + resamples)))


def _orders(values: NDArray[Any]) -> int:
    """Number of distinct orders of values."""
    ties = np.unique(values, return_counts=True)[1]
    return math.factorial(len(values)) // math.prod(math.factorial(int(count)) for count in ties)


def _has_cells(data: Data) -> bool:
    """Whether a block has several runs in a stratum, which can be exchanged within it."""
    return any(len(np.unique(part.block)) < len(part.block) for part in data.strata)


def _patterns(data: Data) -> list[tuple[Indices, int]]:
    """The blocks with runs in the same strata, and how many they are."""
    present = np.array([np.isin(np.arange(data.blocks or 0), part.block) for part in data.strata]).T
    alike = [np.flatnonzero((present == pattern).all(1)) for pattern in np.unique(present, axis=0)]
    return [(blocks, len(blocks)) for blocks in alike]


def drawn(data: Data, resamples: int, generator: np.random.Generator) -> list[Floats]:
    """How often each run is in each bootstrap sample over runs, by stratum."""
    sizes = [len(part.y) for part in data.strata]
    return [_counts(generator.integers(n, size=(resamples, n)), n) for n in sizes]


def without_each(data: Data) -> list[Floats]:
    """(blocks, runs) of each stratum: 0 for the runs of the block that is left out, else 1."""
    return [1.0 * (np.arange(data.blocks or 0)[:, None] != part.block) for part in data.strata]


def _counts(drawn: Indices, n: int) -> Floats:
    rows = np.arange(len(drawn))[:, None] * n
    counts = np.bincount((rows + drawn).ravel(), minlength=len(drawn) * n)
    return counts.reshape(len(drawn), n).astype(float)


def permuted(data: Data, resamples: int, generator: np.random.Generator) -> list[Indices]:
    """Orders of y in each permutation, by stratum."""
    orders = [np.tile(np.arange(len(part.y)), (resamples, 1)) for part in data.strata]
    if data.blocks is None:
        return [generator.permuted(order, axis=1) for order in orders]
    if _has_cells(data):
        for part, order in zip(data.strata, orders, strict=True):
            for block in np.unique(part.block):
                place = np.flatnonzero(part.block == block)
                order[:, place] = generator.permuted(np.tile(place, (resamples, 1)), axis=1)
        return orders
    for alike, number in _patterns(data):
        moved = generator.permuted(np.tile(np.arange(number), (resamples, 1)), axis=1)
        for part, order in zip(data.strata, orders, strict=True):
            run_of = dict(zip(part.block.tolist(), range(len(part.block)), strict=True))
            if int(alike[0]) in run_of:
                place = np.array([run_of[int(block)] for block in alike])
                order[:, place] = place[moved]
    return orders
