"""P-values of several tests, adjusted for their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lowcomplex.statistics._arguments import Floats


def holm(p_values: ArrayLike) -> Floats:
    """P-values adjusted so that any false rejection among the tests is as rare as the level (Holm).

    The i-th smallest of m p-values, i = 1, …, m, becomes max over j <= i of min(1, (m - j + 1) p_j). Valid
    under any dependence of the tests, and never larger than Bonferroni's m p.

    Args:
        p_values: (tests,) p-values; NaN for a test that has none.

    Returns:
        (tests,) adjusted p-values; NaN stays NaN and does not count as a test.

    Raises:
        ValueError: A p-value lies outside [0, 1], or the shape has other than one dimension.

    Reference:
        S. Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p = _checked(p_values)
    defined = np.flatnonzero(np.isfinite(p))
    order = defined[np.argsort(p[defined], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """P-values adjusted so that the expected share of false ones among the rejected is as low as the level.

    The i-th smallest of m p-values becomes min over j >= i of m p_j / j. Valid for independent tests and for
    tests with positive dependence.

    Args:
        p_values: (tests,) p-values; NaN for a test that has none.

    Returns:
        (tests,) adjusted p-values; NaN stays NaN and does not count as a test.

    Raises:
        ValueError: A p-value lies outside [0, 1], or the shape has other than one dimension.

    Reference:
        Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300.

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.04, 0.04]
    """
    from scipy.stats import false_discovery_control

    p = _checked(p_values)
    adjusted = np.full(p.shape, np.nan)
    defined = np.isfinite(p)
    if defined.any():
        adjusted[defined] = false_discovery_control(p[defined])
    return adjusted


def _checked(p_values: ArrayLike) -> Floats:
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ValueError(f"p_values: expected numbers in [0, 1] in one dimension, got {p_values!r}")
    return p
