"""Is the stable rank of random matrices distributed as the null says?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lowcomplex.measures import stable_rank
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.distribution import STATISTICS, Neglected, compare_with_null
from lowcomplex.theorems.observations.random_matrices import VIOLATIONS, draw_matrices
from lowcomplex.theorems.random_stable_rank.formula import random_stable_rank

_SHAPES, _DRAWS = ((64, 64), (48, 96)), 300
_TRACY_WIDOM_SKEWNESS = 0.2935


def observe(seed: int, *, violation: str | None = None) -> tuple[Comparison, ...]:
    """Sample matrices of two shapes and hold their stable ranks against the null."""
    rng = np.random.default_rng(seed)
    comparisons: list[Comparison] = []
    for m, n in _SHAPES:
        null = random_stable_rank(m, n)
        sample = stable_rank(torch.from_numpy(draw_matrices(rng, _DRAWS, m, n, violation))).numpy()
        k = min(m, n)
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
            comparisons=STATISTICS * len(_SHAPES),
        )
    return tuple(comparisons)


CHECK: Check[Any, None] = Check(prediction=random_stable_rank, observe=observe, controls=VIOLATIONS)
