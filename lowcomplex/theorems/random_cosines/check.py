"""Are close pairs of random directions distributed as the null predicts?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.measures import cosine_similarity
from lowcomplex.nulls import Null
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.distribution import STATISTICS, Neglected, compare_with_null
from lowcomplex.theorems.observations.random_matrices import VIOLATIONS, draw_matrices
from lowcomplex.theorems.random_cosines.formula import pair_count_skewness, random_cosines

_DRAWS, _NEURONS = 300, 100
_CASES = ((16, 0.5, False), (10, 0.7, True))

# m, d, τ, and whether pairs are close by the signed cosine.
Law = Callable[[int, int, float, bool], Null]


class PairCounts(NamedTuple):
    """Close pairs among the rows of random matrices.

    Attributes:
        d: Dimension of the rows.
        threshold: τ.
        signed: Whether a pair is close if cos > τ, instead of |cos| > τ.
        counts: (draws,) number of close pairs in each matrix.
    """

    d: int
    threshold: float
    signed: bool
    counts: NDArray[np.float64]


def observe(seed: int, *, violation: str | None = None) -> tuple[PairCounts, ...]:
    """Count close pairs of rows, unsigned and signed, in matrices of two shapes."""
    rng = np.random.default_rng(seed)
    observed = []
    for d, threshold, signed in _CASES:
        matrices = draw_matrices(rng, _DRAWS, _NEURONS, d, violation)
        cosines = cosine_similarity(torch.from_numpy(matrices)).numpy()
        close = (cosines if signed else np.abs(cosines)) > threshold
        # The matrix of cosines holds every pair twice, and every neuron with itself.
        observed.append(PairCounts(d, threshold, signed, (close.sum((1, 2)) - _NEURONS) / 2))
    return tuple(observed)


def judge(observed: tuple[PairCounts, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare mean, spread and distribution of the counts with the null."""
    comparisons: list[Comparison] = []
    for d, threshold, signed, counts in observed:
        skewness = _skewness(d, threshold, signed)
        comparisons += compare_with_null(
            f"pairs with {'cos' if signed else '|cos|'} > {threshold:g} of {_NEURONS} in R^{d}",
            counts,
            law(_NEURONS, d, threshold, signed),
            Neglected(
                mean=0.0,
                spread=0.0,
                skewness=skewness,
                spacing=1.0,
                reason=f"both moments are exact; the count's skewness is {skewness:.2g}",
            ),
            comparisons=STATISTICS * len(observed),
        )
    return tuple(comparisons)


# Every law is judged within the same tolerances.
@cache
def _skewness(d: int, threshold: float, signed: bool) -> float:
    return pair_count_skewness(_NEURONS, d, threshold, signed=signed)


def _law(m: int, d: int, threshold: float, signed: bool) -> Null:
    return random_cosines(m, d, threshold, signed=signed)


CHECK = Check(
    prediction=random_cosines,
    observe=observe,
    judge=judge,
    law=_law,
    mutants={
        "probability 10 % too large": changed(_law, "value", lambda value: 1.1 * value),
        "mean 4 % too large": changed(_law, "value", lambda value: 1.04 * value),
        "one dimension too many": lambda m, d, threshold, signed: _law(m, d + 1, threshold, signed),
        "threshold 0.1 too large": lambda m, d, threshold, signed: _law(m, d, threshold + 0.1, signed),
        "signed pairs as many as unsigned ones": lambda m, d, threshold, signed: _law(m, d, threshold, False),
        "spread 50 % too large": changed(_law, "standard_deviation", lambda spread: 1.5 * spread),
        "spread 10 % too large": changed(_law, "standard_deviation", lambda spread: 1.1 * spread),
    },
    survivors={
        "spread 10 % too large": "the standard error of a spread is 4 % with 300 draws, and six statistics "
        "at the stated level are refuted only from 3.5 standard errors on",
    },
    controls=VIOLATIONS,
)
