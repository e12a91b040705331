"""Permutation tests: exact where all permutations can be counted, else with the data as one of them.

With b of m random permutations at least as extreme as the data, p = (b + 1)/(m + 1), which is valid for any m
(B. Phipson, G. Smyth, Statistical Applications in Genetics and Molecular Biology 9 (2010) 39).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from lowcomplex._names import require_known
from lowcomplex.statistics._arguments import Floats, checked_options, values_of_runs
from lowcomplex.statistics._blocks import by_arm, paired
from lowcomplex.statistics._estimate import Estimate

Alternative = Literal["two-sided", "greater", "less"]
_ALTERNATIVES = ("two-sided", "greater", "less")


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    over: str = "seed",
    alternative: Alternative = "two-sided",
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """Mean difference of two arms that share their seeds, with the exact test of exchanging both in a seed.

    Without an effect the two runs of a seed are exchangeable, so that all 2^n signs of the n differences are
    equally likely, whatever their distribution. The interval is Student's, of the differences.

    Args:
        first: (seeds,) a value per seed; a labeled array along `over` is matched by its coordinates.
        second: (seeds,) those of the other arm, for the same seeds.
        over: Dimension of labeled arrays.
        alternative: Whether the first arm is expected to differ, to be greater, or to be less.
        level: Coverage of the interval, which is two-sided in any case.
        resamples: Number of random permutations, where there are more than that.
        seed: Seed of these permutations.

    Returns:
        mean(first - second); `n` is the number of seeds.

    Raises:
        ValueError: Fewer than two seeds, other seeds in one arm, or a value that is not finite.

    Reference:
        R. A. Fisher, "The Design of Experiments", 1935, section 21.

    Example:
        >>> paired_difference([0.9, 0.8, 0.9, 0.7, 0.9, 0.8], [0.1, 0.3, 0.2, 0.2, 0.0, 0.1])
        0.683 [0.515, 0.851] (95%, p = 0.031, n = 6)
    """
    from scipy import stats

    _checked(alternative, level, resamples)
    a, b = paired(first, second, over)
    test = stats.permutation_test(
        (a, b),
        lambda x, y, axis: (x - y).mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        alternative=alternative,
        random_state=np.random.default_rng(seed),
    )
    difference = a - b
    reach = stats.t.isf((1 - level) / 2, len(a) - 1) * difference.std(ddof=1) / math.sqrt(len(a))
    mean = float(difference.mean())
    least = _least(2 ** len(a), alternative, resamples)
    return Estimate(mean, mean - reach, mean + reach, level, float(test.pvalue), len(a), least)


def unpaired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """Difference of the means of two arms with seeds of their own, with the exact test of exchanging runs.

    The test is of equal distributions. The interval is Welch's, which allows for different spreads.

    Args:
        first: (runs,) the values of one arm.
        second: (runs,) those of the other.
        alternative: Whether the first arm is expected to differ, to be greater, or to be less.
        level: Coverage of the interval, which is two-sided in any case.
        resamples: Number of random permutations, where there are more than that.
        seed: Seed of these permutations.

    Returns:
        mean(first) - mean(second); `n` counts the runs of both arms.

    Raises:
        ValueError: Fewer than two runs in an arm, or a value that is not finite.

    Example:
        >>> unpaired_difference([4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
        3 [0.733, 5.27] (95%, p = 0.1, n = 6)
    """
    from scipy import stats

    _checked(alternative, level, resamples)
    a, b = values_of_runs(first, "first", least=2), values_of_runs(second, "second", least=2)
    test = stats.permutation_test(
        (a, b),
        lambda x, y, axis: x.mean(axis) - y.mean(axis),
        permutation_type="independent",
        vectorized=True,
        n_resamples=resamples,
        alternative=alternative,
        random_state=np.random.default_rng(seed),
    )
    mean = float(a.mean() - b.mean())
    low = high = mean
    if np.ptp(a) > 0 or np.ptp(b) > 0:
        low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    n = len(a) + len(b)
    least = _least(math.comb(n, len(a)), alternative, resamples)
    return Estimate(mean, float(low), float(high), level, float(test.pvalue), n, least)


def exchanged_arms(
    statistic: Callable[[Any], float],
    data: xr.DataArray | Floats,
    *,
    over: str = "seed",
    alternative: Alternative = "two-sided",
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """The test that arms make no difference: within each seed, the values of its arms are exchanged.

    The statistic may be any: a trend over γ, or the advantage of the best arm, which is then chosen anew in
    every permutation, so that having chosen is paid for.

    Args:
        statistic: Takes data like `data`, returns a number.
        data: (seed, arm) values, finite; a labeled array has the dimension `over` and one other.
        over: Dimension of the seeds; of a plain array the first axis.
        alternative: Whether large, small, or both kinds of values of the statistic speak against chance.
        resamples: Number of random permutations, where there are more than that.
        seed: Seed of these permutations.

    Returns:
        The statistic of the data with its p-value, without an interval; `n` is the number of seeds.

    Raises:
        ValueError: Other than two dimensions, fewer than two seeds, or a value that is not finite.

    Example:
        >>> import numpy as np
        >>> values = np.array([[0.1, 0.4, 0.9], [0.2, 0.3, 0.7], [0.1, 0.5, 0.8]])  # (seed, γ)
        >>> found = exchanged_arms(lambda runs: runs[:, 2].sum() - runs[:, 0].sum(), values)
        >>> round(found.p / 2 * 6**3)
        1
    """
    from scipy import stats

    _checked(alternative, 0.95, resamples)
    ordered, values, _ = by_arm(data, over)

    def of_arms(*arms: Floats) -> float:
        moved = np.stack(arms, axis=1)
        return float(statistic(ordered.copy(data=moved) if isinstance(ordered, xr.DataArray) else moved))

    test = stats.permutation_test(
        tuple(values.T),
        of_arms,
        permutation_type="samples",
        vectorized=False,
        n_resamples=resamples,
        alternative=alternative,
        random_state=np.random.default_rng(seed),
    )
    least = _least(math.factorial(values.shape[1]) ** len(values), alternative, resamples)
    return Estimate(float(test.statistic), np.nan, np.nan, p=float(test.pvalue), n=len(values), least_p=least)


def _checked(alternative: str, level: float, resamples: int) -> None:
    require_known("alternative", alternative, _ALTERNATIVES)
    checked_options(level, resamples)


def _least(permutations: int, alternative: str, resamples: int) -> float:
    """The smallest p-value: of the data alone, or also of its mirror image."""
    sides = 2 if alternative == "two-sided" else 1
    exact = permutations <= resamples
    return min(1.0, sides / permutations if exact else sides / (1 + resamples))
