"""Tests of equivalence: that a difference is small, which "no significant difference" does not show."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lowcomplex._numbers import real
from lowcomplex.statistics._arguments import probability, values_of_runs
from lowcomplex.statistics._blocks import paired
from lowcomplex.statistics._estimate import Estimate


@dataclass(frozen=True, repr=False)
class Equivalence(Estimate):
    """A difference, and whether it is smaller than a margin.

    Attributes:
        margin: The least difference that counts, of either sign.
    """

    margin: float = float("nan")

    @property
    def equivalent(self) -> bool:
        """Whether the whole interval lies within the margin, that is, p < (1 - level)/2."""
        return bool(max(-self.low, self.high) < self.margin)

    def __repr__(self) -> str:
        word = "within" if self.equivalent else "not shown to be within"
        return f"{super().__repr__()} {word} ±{self.margin:g}"


def equivalence(
    first: ArrayLike,
    second: ArrayLike,
    margin: float,
    *,
    is_paired: bool = True,
    over: str = "seed",
    alpha: float = 0.05,
) -> Equivalence:
    """Two one-sided t tests: is the difference of two arms smaller than a margin, whatever its sign?

    With the mean difference d and its standard error s, p is the larger one of

        P(t > (margin - d)/s)    and    P(t > (margin + d)/s)

    and p < alpha exactly if the interval of coverage 1 - 2 alpha lies within (-margin, margin).

    Args:
        first: (seeds,) a value per seed; a labeled array along `over` is matched by its coordinates.
        second: (seeds,) those of the other arm.
        margin: The least difference that counts, fixed before the runs.
        is_paired: Whether both arms have the same seeds; if not, Welch's tests.
        over: Dimension of labeled arrays.
        alpha: Level of the test.

    Returns:
        mean(first) - mean(second) with its interval, p-value and `equivalent`. If no value differs from the
        others, there is no standard error: the interval and p are NaN, and equivalence is not shown.

    Raises:
        ValueError: The margin is not positive, `alpha` not in (0, 1/2), or the arms are refused as by
            `paired_difference`.

    Reference:
        D. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.

    Example:
        >>> equivalence([0.50, 0.61, 0.55, 0.52], [0.52, 0.58, 0.57, 0.50], margin=0.1)
        0.0025 [-0.0284, 0.0334] (90%, p = 0.0025, n = 4) within ±0.1
    """
    from scipy import stats

    if not real(margin, "margin") > 0:
        raise ValueError(f"margin: expected a positive number, got {margin}")
    if probability(alpha, "alpha") >= 0.5:
        raise ValueError(f"alpha: expected a level below 1/2, got {alpha}")
    if is_paired:
        a, b = paired(first, second, over)
        difference, n = a - b, len(a)
        error, freedom = difference.std(ddof=1) / math.sqrt(n), float(n - 1)
    else:
        a, b = values_of_runs(first, "first", least=2), values_of_runs(second, "second", least=2)
        n = len(a) + len(b)
        parts = np.array([x.var(ddof=1) / len(x) for x in (a, b)])
        error = math.sqrt(parts.sum())
        with np.errstate(invalid="ignore"):
            freedom = parts.sum() ** 2 / (parts**2 / (len(a) - 1, len(b) - 1)).sum()
    mean = float(a.mean() - b.mean())
    if not error > 0:
        return Equivalence(mean, np.nan, np.nan, 1 - 2 * alpha, n=n, margin=margin)
    reach = float(stats.t.isf(alpha, freedom) * error)
    p = float(stats.t.sf((margin - abs(mean)) / error, freedom))
    return Equivalence(mean, mean - reach, mean + reach, 1 - 2 * alpha, p, n, 0.0, margin)
