"""Exponents from measured points."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def log_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Least-squares slope of log y against log x; NaN if a value is not positive and finite."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if not ((x > 0).all() and (y > 0).all() and np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
