"""Matrices of independent normal entries, or with that violated, and samples of their ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

_SHAPES, _DRAWS = ((64, 64), (48, 96)), 300
_CORRELATION, _PLANTED, _COMMON = 0.7, 1.5, 0.5

VIOLATIONS = {
    f"rows correlated as {_CORRELATION:g}^|i-j|": {"violation": "correlated rows"},
    "entries of Student's t with 2 degrees of freedom": {"violation": "heavy tails"},
    f"a planted part of rank one, {_PLANTED:g} times the noise's norm": {"violation": "planted rank"},
    f"rows of a common mean, {_COMMON:g} standard deviations": {"violation": "common mean"},
}


class RankSample(NamedTuple):
    """A rank of independent random matrices of one shape.

    Attributes:
        m: Rows.
        n: Columns.
        values: (draws,) ranks.
    """

    m: int
    n: int
    values: Array


def sample_ranks(
    measure: Callable[[Tensor], Tensor], seed: int, violation: str | None
) -> tuple[RankSample, ...]:
    """Values of a measure of rank on matrices of two shapes, one of them square.

    Args:
        measure: Maps (draws, m, n) matrices to (draws,) ranks.
        seed: Seed of the matrices.
        violation: A value of `VIOLATIONS`, or None.

    Returns:
        One sample per shape.
    """
    rng = np.random.default_rng(seed)
    samples = []
    for m, n in _SHAPES:
        matrices = torch.from_numpy(draw_matrices(rng, _DRAWS, m, n, violation))
        samples.append(RankSample(m, n, measure(matrices).numpy()))
    return tuple(samples)


def draw_matrices(rng: np.random.Generator, draws: int, m: int, n: int, violation: str | None) -> Array:
    """Independent matrices of independent standard normal entries, unless violated.

    Args:
        rng: Source of randomness.
        draws: Number of matrices.
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
