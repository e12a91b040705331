"""Random directions: how often they are close by chance."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lowcomplex._numbers import real, whole
from lowcomplex.nulls._null import Null


def pair_probability(columns: int, threshold: float, *, signed: bool = False) -> float:
    """Probability that two independent random directions in R^d have |cos| > threshold.

    I_{1-τ²}((d-1)/2, 1/2), and half of that if signed; cos² is Beta(1/2, (d-1)/2)-distributed.

    Args:
        columns: Dimension d, the number of columns of a matrix whose rows point this way.
        threshold: Threshold τ, in [0, 1).
        signed: Whether pairs with cos > τ are counted, not |cos| > τ.

    Returns:
        The probability.

    Raises:
        ValueError: `columns` is not positive, or `threshold` is outside [0, 1).

    Example:
        >>> round(pair_probability(3, 0.5), 3)
        0.5
    """
    from scipy.special import betainc

    if whole(columns, "columns") < 1:
        raise ValueError(f"columns: expected a positive dimension, got {columns}")
    if not 0 <= real(threshold, "threshold") < 1:
        raise ValueError(f"threshold: expected a cosine in [0, 1), got {threshold}")
    probability = 1.0 if columns == 1 else float(betainc((columns - 1) / 2, 0.5, 1 - threshold**2))
    return probability / 2 if signed else probability


def random_cosines(rows: int, columns: int, threshold: float, *, signed: bool = False) -> Null:
    """Number of pairs among m random directions in R^d with |cos| > threshold.

    Mean N p and variance N p (1 - p), N = m (m - 1) / 2, p the `pair_probability`: the pairs are
    pairwise independent.

    Args:
        rows: Number m of rows, the directions.
        columns: Dimension d, the number of columns of a matrix whose rows point this way.
        threshold: Threshold τ, in [0, 1).
        signed: Whether pairs with cos > τ are counted, not |cos| > τ.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: A number is not positive, or `threshold` is outside [0, 1).

    Example:
        >>> random_cosines(2, 1, 0.9)
        Null(value=1.0, standard_deviation=0.0)
    """
    if whole(rows, "rows") < 1:
        raise ValueError(f"rows: expected a positive number of directions, got {rows}")
    p = pair_probability(columns, threshold, signed=signed)
    pairs = rows * (rows - 1) / 2
    return Null(pairs * p, math.sqrt(pairs * p * (1 - p)))


def random_mean_cosine(rows: int, columns: int) -> Null:
    """Mean cosine over all pairs of m random directions in R^d: mean 0, variance 2 / (m (m - 1) d).

    Exact: cosines of different pairs are uncorrelated, each of variance 1/d.

    Args:
        rows: Number m of rows, the directions, at least 2.
        columns: Dimension d, the number of columns of a matrix whose rows point this way.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: Fewer than two directions, or `columns` not positive.

    Example:
        >>> random_mean_cosine(3, 12).standard_deviation
        0.16666666666666666
    """
    pairs = _pairs(rows, columns)
    return Null(0.0, math.sqrt(1 / (pairs * columns)))


def random_mean_squared_cosine(rows: int, columns: int) -> Null:
    """Mean squared cosine over all pairs of m random directions in R^d.

    Mean 1/d, variance 2 (d - 1) / (d² (d + 2)) over the number of pairs. Exact: cos² is Beta(1/2, (d - 1)/2)
    distributed, and any two pairs of directions are independent.

    Args:
        rows: Number m of rows, the directions, at least 2.
        columns: Dimension d, the number of columns of a matrix whose rows point this way.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: Fewer than two directions, or `columns` not positive.

    Example:
        >>> random_mean_squared_cosine(10, 4).value
        0.25
    """
    pairs = _pairs(rows, columns)
    return Null(1 / columns, math.sqrt(2 * (columns - 1) / (columns**2 * (columns + 2)) / pairs))


def random_effective_directions(rows: int, columns: int) -> Null:
    """Effective number of directions m² / ‖Uᵀ U‖_F² of m random directions in R^d.

    m / (1 + (m - 1) q) with the `random_mean_squared_cosine` q, to first order in its spread:
    m d / (m + d - 1).

    Args:
        rows: Number m of rows, the directions, at least 2.
        columns: Dimension d, the number of columns of a matrix whose rows point this way.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: Fewer than two directions, or `columns` not positive.

    Example:
        >>> random_effective_directions(6, 6).value
        3.272727272727273
    """
    squared = random_mean_squared_cosine(rows, columns)
    value = rows / (1 + (rows - 1) * squared.value)
    return Null(value, value**2 * (rows - 1) / rows * squared.standard_deviation)


def random_condensed_directions(rows: int, columns: int) -> Null:
    """Number of condensed directions of m random directions in R^d: none, in at least 99 of 100 draws.

    `lowcomplex.measures.condensed_directions` counts a direction only above `largest_random_share`.

    Args:
        rows: Number m of rows, the directions.
        columns: Dimension d, the number of columns of a matrix whose rows point this way.

    Returns:
        0, with no spread.

    Raises:
        ValueError: A number is not positive.
    """
    if whole(rows, "rows") < 1 or whole(columns, "columns") < 1:
        raise ValueError(f"rows, columns: expected positive numbers, got {rows} and {columns}")
    return Null(0.0, 0.0)


def largest_random_share(
    rows: int,
    columns: int,
    threshold: float,
    *,
    signed: bool = False,
    weights: NDArray[np.float64] | None = None,
    level: float = 0.99,
) -> float:
    """Upper quantile of the largest share that a cap holds among m random directions in R^d.

    A cap around a direction holds that direction, and each other direction with probability p
    (`pair_probability`), independently. For equal weights the result is the smallest share s with
    m · P(1 + Binomial(m - 1, p) > s m) <= 1 - level, a union bound over the caps. For unequal weights it is
    the same bound with Bernstein's inequality for the weighted sum,
    max w + p + sqrt(2 v L) + max(w) L / 3 with v = p (1 - p) Σ w², L = log(m / (1 - level)).

    Args:
        rows: Number m of rows, the directions.
        columns: Dimension d, the number of columns of a matrix whose rows point this way.
        threshold: Cosine of the cap's opening angle.
        signed: Take caps of cos > threshold instead of |cos| > threshold.
        weights: (m,) nonnegative weights; their scale does not matter. If None, all weights are equal.
        level: Probability that no cap of random directions exceeds the result.

    Returns:
        A share in (0, 1].

    Example:
        >>> largest_random_share(100, 64, 0.95)
        0.01
    """
    p = pair_probability(columns, threshold, signed=signed)
    if whole(rows, "rows") < 1:
        raise ValueError(f"rows: expected a positive number of directions, got {rows}")
    if weights is None:
        return min(1.0, (1 + _binomial_upper((1 - level) / rows, rows - 1, p)) / rows)
    share = weights / weights.sum()
    largest, log_term = float(share.max()), math.log(rows / (1 - level))
    deviation = math.sqrt(2 * p * (1 - p) * float(share @ share) * log_term) + largest * log_term / 3
    return min(1.0, largest + p + (deviation if p > 0 else 0.0))


@lru_cache
def _binomial_upper(tail: float, n: int, p: float) -> float:
    from scipy.stats import binom

    return float(binom.isf(tail, n, p))


def _pairs(rows: int, columns: int) -> float:
    if whole(rows, "rows") < 2 or whole(columns, "columns") < 1:
        raise ValueError(
            f"rows, columns: expected at least two directions and one dimension, got {rows} and {columns}"
        )
    return rows * (rows - 1) / 2
