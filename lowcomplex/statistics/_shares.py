"""The share of runs with a property."""

from __future__ import annotations

from lowcomplex._numbers import whole
from lowcomplex.statistics._arguments import probability
from lowcomplex.statistics._estimate import Estimate


def share(successes: int, trials: int, *, level: float = 0.95, null: float | None = None) -> Estimate:
    """Share of independent runs with a property: Wilson's interval, and the exact binomial test.

    Args:
        successes: Number of runs with the property.
        trials: Number of runs.
        level: Coverage of the interval.
        null: Share against which the two-sided test is made; no test if None.

    Returns:
        The share in [0, 1]; (NaN, 0, 1) without trials.

    Raises:
        TypeError: `successes` or `trials` is not an integer.
        ValueError: They are not 0 <= successes <= trials, or `level` or `null` is not in (0, 1).

    Reference:
        E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209-212.

    Example:
        >>> share(10, 12, null=0.5)
        0.833 [0.552, 0.953] (95%, p = 0.039, n = 12)
    """
    from scipy.stats import binomtest

    probability(level, "level")
    if not 0 <= whole(successes, "successes") <= whole(trials, "trials"):
        raise ValueError(f"successes: expected from 0 to the {trials} trials, got {successes}")
    if trials == 0:
        return Estimate(float("nan"), 0.0, 1.0, level)
    test = binomtest(successes, trials, 0.5 if null is None else probability(null, "null"))
    interval = test.proportion_ci(level, method="wilson")
    p = least = float("nan")
    if null is not None:
        p = float(test.pvalue)
        least = min(float(binomtest(extreme, trials, null).pvalue) for extreme in (0, trials))
    return Estimate(successes / trials, float(interval.low), float(interval.high), level, p, trials, least)
