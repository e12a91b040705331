"""Is the squared norm of a mean of random vectors d/m?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.norm_of_means.formula import norm_of_means

_VECTORS, _DIMENSION, _DRAWS = 30, 40, 2000

Law = Callable[[float, float], float]


def observe(seed: int, *, common: float = 0.0) -> NDArray[np.float64]:
    """Draw many means; `common` is the size of a part that the vectors of one mean share."""
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((_DRAWS, _VECTORS, _DIMENSION)).mean(1)
    means = means + common * rng.standard_normal((_DRAWS, _DIMENSION))
    return np.square(means).sum(-1)


def judge(observed: NDArray[np.float64], law: Law) -> tuple[Comparison, ...]:
    """Compare the average squared norm with the law."""
    return (
        Comparison(
            quantity="average squared norm of the mean",
            predicted=law(_VECTORS, _DIMENSION),
            measured=float(observed.mean()),
            # A chi-squared variable of d degrees of freedom has variance 2d.
            tolerance=4 * (2 * _DIMENSION / _DRAWS) ** 0.5 / _VECTORS,
            reason=f"four standard errors of {_DRAWS} draws",
        ),
    )


CHECK = Check(
    prediction=norm_of_means,
    observe=observe,
    judge=judge,
    law=norm_of_means.evaluate,
    mutants={
        "10 % too large": scaled(norm_of_means.evaluate, 1.1),
        "exponent of m off by 0.1": lambda vectors, dimension: dimension / vectors**1.1,
        "of the other sign": scaled(norm_of_means.evaluate, -1.0),
    },
    controls={"vectors with a common part": {"common": 0.2}},
)
