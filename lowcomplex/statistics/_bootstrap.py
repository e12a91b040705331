"""The bootstrap over blocks: whole seeds are drawn, with all their runs, within strata."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lowcomplex._names import require_known
from lowcomplex.statistics._arguments import Floats, checked_options
from lowcomplex.statistics._blocks import Runs, length, taken
from lowcomplex.statistics._estimate import Estimate

Method = Literal["t", "percentile", "BCa"]


def bootstrap(
    statistic: Callable[[Runs], float],
    data: Runs,
    *,
    over: str = "seed",
    strata: ArrayLike | None = None,
    method: Method = "t",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """A statistic of a sweep with its interval: whole blocks, such as seeds, are drawn with replacement.

    Runs of one seed share their start and their data, so that a bootstrap over runs takes them for more
    independent evidence than they are, and its intervals are too short. Everything that was chosen by looking
    at the runs, such as the best γ, belongs into the statistic: then it is chosen anew in every sample.

    Few blocks make percentile intervals too short: by sqrt((n - 1)/n), and because Student's distribution is
    wider than the normal one. With n blocks in H strata, the interval "t" is

        estimate ± t_{n - H} sqrt(n / (n - H)) s,    s: standard deviation of the statistic over the samples

    which for a mean is Student's own.

    Args:
        statistic: Takes data with as many blocks as `data`, returns a number; NaN where it is undefined.
        data: A dataset or labeled array with a dimension `over`; or an array whose first axis is the blocks.
        over: Dimension of the blocks.
        strata: (blocks,) labels; as many blocks are drawn from each stratum as there are in it.
        method: Which interval. "percentile" and "BCa" (bias-corrected, and accelerated by the jackknife over
            blocks) stay in the statistic's range and are for twenty blocks or more.
        level: Coverage that the interval aims at.
        resamples: Number of bootstrap samples.
        seed: Seed of the samples.

    Returns:
        The statistic of the data and its interval, without a test; `n` is the number of blocks. Samples in
        which the statistic is undefined are left out, except by "BCa", whose ends are then NaN.

    Raises:
        ValueError: No such dimension or method, fewer than two blocks in all or in a stratum, or a level
            outside (0, 1).

    Reference:
        B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8, 13, 14; over clusters,
        C. Cameron, J. Gelbach, D. Miller, Review of Economics and Statistics 90 (2008) 414-427, whose
        advice for few clusters is Student's quantile; the factor, T. Hesterberg, The American Statistician 69
        (2015) 371-386.

    Example:
        >>> import numpy as np
        >>> composed = np.array([[0.1, 0.9], [0.2, 0.7], [0.0, 0.8], [0.2, 0.9]])  # (seed, γ)
        >>> bootstrap(lambda runs: runs[:, 1].mean() - runs[:, 0].mean(), composed)
        0.7 [0.477, 0.923] (95%, n = 4)
    """
    from scipy import stats

    checked_options(level, resamples)
    require_known("method", method, ("t", "percentile", "BCa"))
    blocks = length(data, over)
    groups = _groups(blocks, strata)
    estimate = float(statistic(taken(data, over, np.arange(blocks))))

    def of_blocks(*drawn: np.ndarray) -> float:
        return float(statistic(taken(data, over, np.concatenate(drawn).astype(np.intp))))

    found = stats.bootstrap(
        groups,
        of_blocks,
        n_resamples=resamples,
        vectorized=False,
        confidence_level=level,
        method="BCa" if method == "BCa" else "percentile",
        random_state=np.random.default_rng(seed),
    )
    samples = found.bootstrap_distribution
    if method == "t":
        low, high = t_interval(estimate, samples, level, blocks, len(groups))
    elif method == "BCa":
        low, high = found.confidence_interval
    else:
        low, high = np.nanquantile(samples, ((1 - level) / 2, (1 + level) / 2))
    return Estimate(estimate, float(low), float(high), level, n=blocks)


def t_interval(
    estimate: float, samples: Floats, level: float, blocks: int, strata: int = 1
) -> tuple[float, float]:
    """Student's interval with the spread of bootstrap samples, as in `bootstrap`."""
    reach = t_factor(level, blocks, strata) * float(np.nanstd(samples))
    return estimate - reach, estimate + reach


def t_factor(level: float, blocks: int, strata: int = 1) -> float:
    """How many standard deviations of bootstrap samples Student's interval reaches."""
    from scipy import stats

    freedom = blocks - strata
    return float(stats.t.isf((1 - level) / 2, freedom)) * math.sqrt(blocks / freedom)


def _groups(blocks: int, strata: ArrayLike | None) -> list[np.ndarray]:
    labels = np.zeros(blocks, dtype=int) if strata is None else np.asarray(strata)
    if labels.shape != (blocks,):
        raise ValueError(f"strata: expected one label for each of {blocks} blocks, got shape {labels.shape}")
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    small = [str(labels[group[0]]) for group in groups if len(group) < 2]
    if small:
        raise ValueError(f"strata: expected two blocks or more in each, got one in {', '.join(small)}")
    return groups
