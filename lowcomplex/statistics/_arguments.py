"""One place that refuses what is no level, no number of resamples, or no values of runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex._numbers import positive, real

Floats = NDArray[np.float64]


def probability(value: float, name: str) -> float:
    """Return `value` if it lies in (0, 1).

    Raises:
        TypeError: It is not a number.
        ValueError: It lies outside.
    """
    if not 0 < real(value, name) < 1:
        raise ValueError(f"{name}: expected a number in (0, 1), got {value}")
    return float(value)


def checked_options(level: float, resamples: int) -> None:
    """Refuse a level outside (0, 1) and a number of resamples that is not positive."""
    probability(level, "level")
    positive(resamples, "resamples")


def values_of_runs(values: ArrayLike, name: str, *, least: int = 1) -> Floats:
    """(runs,) finite numbers.

    Args:
        values: What was given.
        name: Name of the argument.
        least: Fewest values that are accepted.

    Raises:
        ValueError: It has other than one dimension, too few values, or one that is not finite.
    """
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or len(found) < least:
        raise ValueError(f"{name}: expected {least} values or more in one dimension, got shape {found.shape}")
    missing = int((~np.isfinite(found)).sum())
    if missing:
        raise ValueError(
            f"{name}: expected finite values, got {missing} of {len(found)} that are not; leave out runs "
            "without one, and report how many"
        )
    return found
