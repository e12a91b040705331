"""Numbers from measured points: exponents, crossings, and errors of several arrays together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._verdict import Comparison

Array = NDArray[np.float64]


def log_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Least-squares slope of log y against log x; NaN if a value is not positive and finite."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if not ((x > 0).all() and (y > 0).all() and np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


class Exponent(NamedTuple):
    """An exponent from a regression.

    Attributes:
        slope: Least-squares slope of log y against log x.
        interval: Half-width of its 95 % confidence interval (Student's t).
    """

    slope: float
    interval: float

    def beside(
        self, quantity: str, predicted: float, *, tolerance: float, reason: str, draws: int = 1
    ) -> Comparison:
        """The exponent compared with its prediction, see `Comparison`."""
        return Comparison(quantity, predicted, self.slope, tolerance, reason, self.interval, draws)


def fit_exponent(x: ArrayLike, y: ArrayLike) -> Exponent:
    """Exponent of y in x with its confidence interval; NaN if a value is not positive and finite.

    Args:
        x: (k,) with k >= 3; where they agree to rounding, the exponent is NaN.
        y: (k,).

    Returns:
        The exponent.

    Raises:
        ValueError: Fewer than three points, which leave no residual to judge the slope by.
    """
    from scipy import stats

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or len(x) < 3 or y.shape != x.shape:
        raise ValueError(f"x, y: expected (k,) with k >= 3 twice, got {x.shape} and {y.shape}")
    if not ((x > 0).all() and (y > 0).all() and np.isfinite(x).all() and np.isfinite(y).all()):
        return Exponent(float("nan"), float("nan"))
    if np.ptp(np.log(x)) < len(x) * np.finfo(float).eps:
        return Exponent(float("nan"), float("nan"))
    fit = stats.linregress(np.log(x), np.log(y))
    return Exponent(float(fit.slope), float(stats.t.ppf(0.975, len(x) - 2) * fit.stderr))


def crossing(excess: Array) -> float:
    """First index at which a path rises through zero, interpolated; NaN if it never does, or starts above."""
    above = np.flatnonzero(excess >= 0)
    if len(above) == 0 or above[0] == 0:
        return float("nan")
    k = above[0]
    return float(k - 1 + excess[k - 1] / (excess[k - 1] - excess[k]))


def joint_norm(matrices: Iterable[Array]) -> Array:
    """Frobenius norm of several arrays (..., rows, columns) together; infinite where a square overflows."""
    norm: Array = np.sqrt(_squares(matrices))
    return norm


def relative_error(measured: Iterable[Array], predicted: Sequence[Array]) -> Array:
    """Error of several matrices together over the norm of the predicted ones, for each network.

    Args:
        measured: (..., rows, columns) each.
        predicted: The same shapes.

    Returns:
        (...).
    """
    differences = [one - other for one, other in zip(measured, predicted, strict=True)]
    error: Array = np.sqrt(_squares(differences) / _squares(predicted))
    return error


def _squares(matrices: Iterable[Array]) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(np.sum([np.square(matrix).sum((-1, -2)) for matrix in matrices], axis=0))
