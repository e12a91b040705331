"""Is the effective rank of random matrices distributed as the null says?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lowcomplex.measures import effective_rank
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.distribution import STATISTICS, Neglected, compare_with_null
from lowcomplex.theorems.observations.random_matrices import VIOLATIONS, draw_matrices
from lowcomplex.theorems.random_effective_rank.formula import random_effective_rank

_SHAPES, _DRAWS = ((64, 64), (48, 96)), 300


def observe(seed: int, *, violation: str | None = None) -> tuple[Comparison, ...]:
    """Sample matrices of two shapes and hold their effective ranks against the null."""
    rng = np.random.default_rng(seed)
    comparisons: list[Comparison] = []
    for m, n in _SHAPES:
        null = random_effective_rank(m, n)
        sample = effective_rank(torch.from_numpy(draw_matrices(rng, _DRAWS, m, n, violation))).numpy()
        k = min(m, n)
        comparisons += compare_with_null(
            f"the effective rank at {m} x {n}",
            sample,
            null,
            Neglected(
                mean=2 * null.value / k**2,
                spread=2 / k,
                skewness=6 / k,
                spacing=0.0,
                reason="terms of relative order 1/k² in the mean, 1/k in the spread and the skewness, with "
                "factors of 1.3, 1 and 3 at most in large samples of sizes 16 to 64",
            ),
            comparisons=STATISTICS * len(_SHAPES),
        )
    return tuple(comparisons)


CHECK: Check[Any, None] = Check(prediction=random_effective_rank, observe=observe, controls=VIOLATIONS)
