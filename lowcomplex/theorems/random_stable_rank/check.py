"""Is the stable rank of random matrices distributed as the null predicts?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from lowcomplex.measures import stable_rank
from lowcomplex.nulls import Null
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.distribution import STATISTICS, Neglected, compare_with_null
from lowcomplex.theorems.observations.random_matrices import VIOLATIONS, RankSample, sample_ranks
from lowcomplex.theorems.random_stable_rank.formula import random_stable_rank

# The largest singular value fluctuates by this law, not by the normal one, which the comparison assumes.
_TRACY_WIDOM_SKEWNESS = 0.2935

Law = Callable[[int, int], Null]


def observe(seed: int, *, violation: str | None = None) -> tuple[RankSample, ...]:
    """Sample the stable rank of matrices of two shapes."""
    return sample_ranks(stable_rank, seed, violation)


def judge(observed: tuple[RankSample, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare mean, spread and distribution of each sample with the null."""
    comparisons: list[Comparison] = []
    for m, n, sample in observed:
        null, k = law(m, n), min(m, n)
        comparisons += compare_with_null(
            f"the stable rank at {m} x {n}",
            sample,
            null,
            Neglected(
                mean=null.value * k ** (-4 / 3),
                spread=k ** (-2 / 3),
                skewness=_TRACY_WIDOM_SKEWNESS,
                spacing=0.0,
                reason="Tracy and Widom's law is reached at a rate of k^(-2/3), and 1/E[x] is not E[1/x]; "
                "factors of 0.4 (mean, k^(-4/3)) and 0.7 (spread, k^(-2/3)) at most in large samples of "
                "sizes 16 to 100",
            ),
            comparisons=STATISTICS * len(observed),
        )
    return tuple(comparisons)


_LAW = random_stable_rank.evaluate
_edge = closed_form(random_stable_rank.symbolic, "mu", "m", "n")


def _with_tracy_widom_mean(factor: float) -> Law:
    """The law with the mean of Tracy and Widom's law multiplied by a factor."""

    def wrong(m: int, n: int) -> Null:
        null, edge = _LAW(m, n), float(_edge(m, n))
        return replace(null, value=m * n / (edge + factor * (m * n / null.value - edge)))

    return wrong


def _with_spread_of_norm(m: int, n: int) -> Null:
    """The law without subtracting the norm's share, as if stable rank and norm were not independent."""
    null = _LAW(m, n)
    relative = math.sqrt((null.standard_deviation / null.value) ** 2 + 2 / (m * n))
    return replace(null, standard_deviation=null.value * relative)


CHECK = Check(
    prediction=random_stable_rank,
    observe=observe,
    judge=judge,
    law=_LAW,
    mutants={
        "mean 4 % too large": changed(_LAW, "value", lambda value: 1.04 * value),
        "mean 1 % too large": changed(_LAW, "value", lambda value: 1.01 * value),
        "the edge alone, no mean of Tracy and Widom's law": _with_tracy_widom_mean(0.0),
        "mean of Tracy and Widom's law of the other sign": _with_tracy_widom_mean(-1.0),
        "mean of Tracy and Widom's law 10 % too large": _with_tracy_widom_mean(1.1),
        "spread 50 % too large": changed(_LAW, "standard_deviation", lambda spread: 1.5 * spread),
        "spread 10 % too large": changed(_LAW, "standard_deviation", lambda spread: 1.1 * spread),
        "the norm's share of the spread": _with_spread_of_norm,
    },
    survivors={
        "mean 1 % too large": "0.4 % are neglected, and 3.5 standard errors of 300 draws are 1.0 %",
        "mean of Tracy and Widom's law 10 % too large": "moves the mean by 0.5 %, less than those 1.0 %",
        "spread 10 % too large": "6 % are neglected, and 3.5 standard errors of 300 draws are 14 %",
        "the norm's share of the spread": "makes the spread 10 % too large, less than those 14 %",
    },
    controls=VIOLATIONS,
)
