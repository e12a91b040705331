"""Are close pairs of random directions as many as the null says?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lowcomplex.measures import cosine_similarity
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.distribution import STATISTICS, Neglected, compare_with_null
from lowcomplex.theorems.observations.random_matrices import VIOLATIONS, draw_matrices
from lowcomplex.theorems.random_cosines.formula import pair_count_skewness, random_cosines

_DRAWS, _NEURONS = 300, 100
_CASES = ((16, 0.5, False), (10, 0.7, True))


def observe(seed: int, *, violation: str | None = None) -> tuple[Comparison, ...]:
    """Count close pairs of rows, unsigned and signed, in matrices of two shapes."""
    rng = np.random.default_rng(seed)
    comparisons: list[Comparison] = []
    for d, threshold, signed in _CASES:
        matrices = draw_matrices(rng, _DRAWS, _NEURONS, d, violation)
        cosines = cosine_similarity(torch.from_numpy(matrices)).numpy()
        close = (cosines if signed else np.abs(cosines)) > threshold
        # Every pair twice, and every neuron with itself.
        sample = (close.sum((1, 2)) - _NEURONS) / 2
        skewness = pair_count_skewness(_NEURONS, d, threshold, signed=signed)
        comparisons += compare_with_null(
            f"pairs with {'cos' if signed else '|cos|'} > {threshold:g} of {_NEURONS} in R^{d}",
            sample,
            random_cosines(_NEURONS, d, threshold, signed=signed),
            Neglected(
                mean=0.0,
                spread=0.0,
                skewness=skewness,
                spacing=1.0,
                reason=f"both moments are exact; the count's skewness is {skewness:.2g}",
            ),
            comparisons=STATISTICS * len(_CASES),
        )
    return tuple(comparisons)


CHECK: Check[Any, None] = Check(prediction=random_cosines, observe=observe, controls=VIOLATIONS)
