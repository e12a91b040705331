"""A random walk: the null of a training trajectory's dimension."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lowcomplex._numbers import whole


def random_walk_spectrum(points: int) -> NDArray[np.float64]:
    """Share of each principal component in the variance of a random walk of many parameters.

    p_k ∝ 1 / (2 - 2 cos(πk/T)), k = 1 … T - 1, for T points: the limit for independent steps in a space of
    dimension much larger than T.

    Args:
        points: Number T of points.

    Returns:
        (points - 1,) shares, descending. For many points they are 6/(π²k²), with participation ratio 5/2.

    Raises:
        ValueError: Fewer than two points.

    Reference:
        Antognini, Sohl-Dickstein, NeurIPS 2018 (1806.08805).

    Example:
        >>> random_walk_spectrum(3).round(3).tolist()
        [0.75, 0.25]
    """
    if whole(points, "points") < 2:
        raise ValueError(f"points: expected at least two, got {points}")
    variances = 1 / (2 - 2 * np.cos(np.pi * np.arange(1, points) / points))
    shares: NDArray[np.float64] = variances / variances.sum()
    return shares
