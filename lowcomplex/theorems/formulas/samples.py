"""Samples of a regression, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def checked_samples(
    inputs: ArrayLike, targets: ArrayLike, *, dimension: int | None = None
) -> tuple[Array, Array]:
    """Inputs and targets as arrays of floats.

    Args:
        inputs: (n, d).
        targets: (n,).
        dimension: The d that is required; None for any.

    Returns:
        Both.

    Raises:
        ValueError: Shapes do not agree, or values are not finite.
    """
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    if x.ndim != 2 or dimension not in (None, x.shape[1]) or y.shape != x.shape[:1]:
        expected = f"(n, {'d' if dimension is None else dimension})"
        raise ValueError(f"inputs, targets: expected {expected} and (n,), got {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("inputs, targets: hold NaN or infinite entries")
    return x, y
