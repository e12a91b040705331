"""Association of two observables over runs, within strata, with seeds as blocks.

Everything is computed within strata (runs of one γ, say) where strata are given, so that a difference between
strata can neither make nor hide an association within them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from lowcomplex.statistics._arguments import Floats, checked_options
from lowcomplex.statistics._estimate import Estimate
from lowcomplex.statistics._resampling import (
    Data,
    Indices,
    Stratum,
    data_of_runs,
    drawn,
    least_p,
    permuted,
    without_each,
)

_ROUNDING = 1e-12


def rank_correlation(
    x: ArrayLike,
    y: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    blocks: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Spearman's correlation of two observables over runs, within strata.

    Values are ranked within each stratum and the ranks, divided by the stratum's size and centered, are
    correlated over all runs. Without strata this is Spearman's ρ. Memory grows with the square of the runs of
    a stratum.

    Without blocks, runs are drawn and permuted within strata, as if all were independent. Runs of one seed
    share their start and their data: give the seeds as `blocks`, and the interval is over whole seeds.
    Permutations then exchange the runs of one stratum and seed; where every seed has one run per stratum,
    they exchange whole seeds, of those with runs in the same strata.

    Args:
        x: (runs,) one observable.
        y: (runs,) the other.
        strata: (runs,) labels; one stratum if None.
        blocks: (runs,) labels of what was drawn independently, such as seeds; every run by default.
        level: Coverage of the interval: the percentile bootstrap over runs; with blocks, Student's interval
            for artanh(ρ) with the standard error of the jackknife, which leaves out one block at a time. (A
            block that is drawn twice is tied with itself, which would raise ρ.)
        resamples: Number of bootstrap samples, and of permutations.
        seed: Seed of bootstrap samples and permutations.

    Returns:
        The correlation in [-1, 1], its interval (with blocks of no length for a perfect one), and its
        two-sided permutation test; NaN if there are fewer than three runs, or x or y does not vary within
        strata. `n` counts the runs in strata of at least two, with blocks the blocks.

    Raises:
        ValueError: Shapes differ, a value is not finite, or there are fewer than two blocks.

    Reference:
        B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 11, 13, 15.

    Example:
        >>> rank_correlation([1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 6, 5]).estimate
        0.8857142857142858
    """
    data = data_of_runs(x, y, strata, blocks)
    return _estimate(data, _correlation_terms, _correlation, 0.0, level, resamples, seed)


def area_under_curve(
    score: ArrayLike,
    positive: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    blocks: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Area under the ROC curve: how often a positive run scores above a negative one of its stratum.

    Ties count one half; pairs of one stratum are pooled over strata.

    Args:
        score: (runs,) the predictor.
        positive: (runs,) booleans.
        strata: (runs,) labels; one stratum if None.
        blocks: (runs,) labels of what was drawn independently, as in `rank_correlation`.
        level: Coverage of the interval, as in `rank_correlation`, with blocks for the area's logit.
        resamples: Number of bootstrap samples, and of permutations.
        seed: Seed of bootstrap samples and permutations.

    Returns:
        The area in [0, 1], 1/2 without association; NaN where no stratum holds both kinds.

    Raises:
        ValueError: Shapes differ, a value is not finite, or there are fewer than two blocks.

    Example:
        >>> area_under_curve([0.1, 0.4, 0.3, 0.8], [False, False, True, True]).estimate
        0.75
    """
    data = data_of_runs(score, np.asarray(positive, dtype=float), strata, blocks)
    return _estimate(data, _area_terms, _ratio, 0.5, level, resamples, seed)


# Of weights (resamples, runs) and an order (resamples, runs) into which y is brought: sums over a stratum.
_Terms = Callable[[Stratum, Floats, Indices], tuple[Floats, ...]]


def _correlation_terms(part: Stratum, weights: Floats, order: Indices) -> tuple[Floats, ...]:
    total = weights.sum(-1, keepdims=True)
    # A stratum may be absent from a sample of blocks; its ranks are 0 then.
    size = np.where(total > 0, total, 1)
    u, v = ((weights @ below.T - total / 2) / size for below in (part.x_below, part.y_below))
    v = _in_order(v, order)
    return (weights * u * v).sum(-1), (weights * u**2).sum(-1), (weights * v**2).sum(-1)


def _correlation(terms: tuple[Floats, ...]) -> Floats:
    covariance, first, second = terms
    return _ratio((covariance, np.sqrt(first * second)))


def _area_terms(part: Stratum, weights: Floats, order: Indices) -> tuple[Floats, ...]:
    label = _in_order(part.y[None], order)
    ones, zeros = weights * label, weights * (1 - label)
    return (ones * (zeros @ part.x_below.T)).sum(-1), ones.sum(-1) * zeros.sum(-1)


def _ratio(terms: tuple[Floats, ...]) -> Floats:
    value, scale = terms
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(value / np.where(scale > 0, scale, np.nan))


def _in_order(values: Floats, order: Indices) -> Floats:
    rows = np.broadcast_shapes(values.shape, order.shape)
    return np.take_along_axis(np.broadcast_to(values, rows), np.broadcast_to(order, rows), -1)


def _estimate(
    data: Data,
    terms: _Terms,
    finish: Callable[[tuple[Floats, ...]], Floats],
    null: float,
    level: float,
    resamples: int,
    seed: int,
) -> Estimate:
    checked_options(level, resamples)
    n = data.runs if data.blocks is None else data.blocks
    as_given = [np.arange(len(part.y))[None] for part in data.strata]
    once = [np.ones((1, len(part.y))) for part in data.strata]

    def statistic(weights: Sequence[Floats], orders: Sequence[Indices]) -> Floats:
        found = [terms(*each) for each in zip(data.strata, weights, orders, strict=True)]
        columns = [np.broadcast_arrays(*column) for column in zip(*found, strict=True)]
        return finish(tuple(np.sum(column, axis=0) for column in columns))

    estimate = float(statistic(once, as_given)[0]) if data.runs >= 3 else np.nan
    if not np.isfinite(estimate):
        return Estimate(np.nan, np.nan, np.nan, level, np.nan, n)
    generator = np.random.default_rng(seed)
    if data.blocks is None:
        tail = (1 - level) / 2
        low, high = np.nanquantile(statistic(drawn(data, resamples, generator), as_given), (tail, 1 - tail))
    else:
        low, high = _jackknife_interval(estimate, statistic(without_each(data), as_given), level, null)
    shuffled = statistic(once, permuted(data, resamples, generator))
    # Rounding must not make a permutation that reproduces the data look smaller than the data.
    extreme = int((np.abs(shuffled - null) >= abs(estimate - null) - _ROUNDING).sum())
    p = (1 + extreme) / (1 + resamples)
    return Estimate(estimate, float(low), float(high), level, p, n, least_p(data, resamples))


def _jackknife_interval(estimate: float, without: Floats, level: float, null: float) -> tuple[float, float]:
    """Student's interval on the scale artanh(ρ), of an area on artanh(2 A - 1), half its logit."""
    from scipy import stats

    size, blocks = 1 - null, len(without)
    scaled = (estimate - null) / size
    if abs(scaled) > 1 - _ROUNDING:
        # A perfect association stays perfect without any block.
        return estimate, estimate
    error = math.sqrt((blocks - 1) * float(without.var())) / size
    # The slope of artanh carries the error over; artanh of each value would explode where one is perfect.
    reach = float(stats.t.isf((1 - level) / 2, blocks - 1)) * error / (1 - scaled**2)
    middle = math.atanh(scaled)
    return null + size * math.tanh(middle - reach), null + size * math.tanh(middle + reach)
