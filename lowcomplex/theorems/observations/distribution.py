"""A sample compared with a null: its mean, its spread and its whole distribution."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.nulls import Null
from lowcomplex.theorems._verdict import Comparison

Array = NDArray[np.float64]

STATISTICS = 3
_SEEDS, _MORE_THAN_ONE_FAILS = 100, 0.01
_DENSITY_AT_ZERO = 1 / math.sqrt(2 * math.pi)
# Largest values of x φ(x), at x = 1, and of |1 - x²| φ(x)/6, at x = 0: the change of the normal distribution
# function per relative change of its spread, and per skewness (Edgeworth's first term).
_PER_SPREAD, _PER_SKEWNESS = math.exp(-0.5) * _DENSITY_AT_ZERO, _DENSITY_AT_ZERO / 6


class Neglected(NamedTuple):
    """Errors of a null itself, by which a sample may differ from it beyond chance.

    Attributes:
        mean: Bound on the error of the null's mean, in the measured quantity's units.
        spread: Bound on the relative error of its standard deviation.
        skewness: Bound on the |skewness| of the distribution, which the null takes as normal.
        spacing: Distance of neighboring values of a discrete quantity; 0 if it is continuous.
        reason: The source of the bounds.
    """

    mean: float
    spread: float
    skewness: float
    spacing: float
    reason: str


def level(comparisons: int) -> float:
    """Probability at which one of several two-sided comparisons may fail by chance.

    A check fails by chance with probability α, which its comparisons share (Bonferroni's bound). The number
    of failures in 100 seeds is Binomial(100, α). α is such that more than one seed fails with a probability
    of 1 %: P(K >= 2) = I_α(2, 99), the regularized incomplete beta function.
    """
    from scipy.special import betaincinv

    return float(betaincinv(2, _SEEDS - 1, _MORE_THAN_ONE_FAILS)) / comparisons


def compare_with_null(
    name: str, sample: Array, null: Null, neglected: Neglected, *, comparisons: int
) -> tuple[Comparison, ...]:
    """Mean, standard deviation and Kolmogorov-Smirnov distance of a sample from a null.

    Args:
        name: What was sampled.
        sample: (N,) independent draws.
        null: The predicted distribution.
        neglected: Errors of the null itself.
        comparisons: Number of comparisons of this kind in the whole check.

    Returns:
        Three comparisons.
    """
    from scipy.stats import kstest, kstwo, norm

    draws, chance = len(sample), level(comparisons)
    deviations = float(norm.isf(chance / 2))
    spread = null.standard_deviation
    # Excess kurtosis of a gamma law of this skewness; it widens the scatter of a sample's spread.
    kurtosis = 1.5 * neglected.skewness**2
    relative_error = math.sqrt((2 + kurtosis) / (4 * draws))
    odds = f"{deviations:.2f} standard errors of {draws} draws"
    measured = float(sample.std(ddof=1))
    normal = (
        _DENSITY_AT_ZERO * (neglected.mean + neglected.spacing / 2) / spread
        + _PER_SPREAD * neglected.spread
        + _PER_SKEWNESS * neglected.skewness
    )
    return (
        Comparison(
            quantity=f"mean of {name}",
            predicted=null.value,
            measured=float(sample.mean()),
            tolerance=deviations * spread / math.sqrt(draws) + neglected.mean,
            reason=f"{odds}, and {neglected.mean:.2g} neglected: {neglected.reason}",
            interval=1.96 * measured / math.sqrt(draws),
        ),
        Comparison(
            quantity=f"standard deviation of {name}, over the null's",
            predicted=1.0,
            measured=measured / spread,
            tolerance=deviations * relative_error + neglected.spread,
            reason=f"{odds}, and a relative {neglected.spread:.2g} neglected: {neglected.reason}",
            interval=1.96 * measured / spread * relative_error,
        ),
        Comparison(
            quantity=f"Kolmogorov-Smirnov distance of {name} from the null",
            predicted=0.0,
            measured=float(kstest(sample, norm(null.value, spread).cdf).statistic),
            tolerance=float(kstwo.isf(chance, draws)) + normal,
            reason=f"its quantile at the level {chance:.1g} for {draws} draws, and {normal:.2g} for what the "
            "normal law neglects: shift, spread, skewness, spacing of values",
        ),
    )
