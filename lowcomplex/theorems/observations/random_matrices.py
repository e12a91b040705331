"""Matrices that are random as a null has it, or not quite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CORRELATION, _PLANTED, _COMMON = 0.7, 1.5, 0.5

VIOLATIONS = {
    f"rows correlated as {_CORRELATION:g}^|i-j|": {"violation": "correlated rows"},
    "entries of Student's t with 2 degrees of freedom": {"violation": "heavy tails"},
    f"a planted part of rank one, {_PLANTED:g} times the noise's norm": {"violation": "planted rank"},
    f"rows of a common mean, {_COMMON:g} standard deviations": {"violation": "common mean"},
}


def draw_matrices(rng: np.random.Generator, draws: int, m: int, n: int, violation: str | None) -> Array:
    """Independent matrices of independent standard normal entries, unless violated.

    Args:
        rng: Source of randomness.
        draws: How many.
        m: Rows.
        n: Columns.
        violation: A value of `VIOLATIONS`, or None.

    Returns:
        (draws, m, n).

    Raises:
        ValueError: An unknown violation.
    """
    if violation == "heavy tails":
        tails: Array = rng.standard_t(2, size=(draws, m, n))
        return tails
    noise = rng.standard_normal((draws, m, n))
    if violation is None:
        return noise
    if violation == "correlated rows":
        distance = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
        covariance = np.power(_CORRELATION, distance)
        mixed: Array = np.linalg.cholesky(covariance) @ noise
        return mixed
    if violation == "planted rank":
        left, right = (rng.standard_normal((draws, size)) for size in (m, n))
        size = _PLANTED * (np.sqrt(m) + np.sqrt(n))
        unit = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        planted: Array = (size / unit)[:, None, None] * left[:, :, None] * right[:, None, :]
        return noise + planted
    if violation == "common mean":
        return noise + _COMMON
    raise ValueError(f"violation: unknown, {violation!r}")
