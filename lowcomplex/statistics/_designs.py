"""What a design can detect, before its runs: the power of tests over seeds, and the least effect found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from lowcomplex._numbers import positive, real, whole
from lowcomplex.statistics._arguments import Floats, probability
from lowcomplex.statistics._estimate import Estimate
from lowcomplex.statistics._shares import share

Data = TypeVar("Data")
# Up to so many seeds, all signs are counted; from there on Student's t test has the same power.
_COUNTED = 12


def power(
    simulate: Callable[[np.random.Generator], Data],
    test: Callable[[Data], float],
    *,
    alpha: float = 0.05,
    draws: int = 500,
    seed: int = 0,
) -> Estimate:
    """How often a test finds an effect, by simulating sweeps that have it.

    With an effect of zero it is the test's false-positive rate. What seeds share, runs that do not converge,
    and a choice made by looking belong into the simulation and the test as into the study.

    Args:
        simulate: Draws one sweep.
        test: Its p-value.
        alpha: Level.
        draws: Number of simulated sweeps.
        seed: Seed of the generator.

    Returns:
        The share of sweeps with p <= alpha, with Wilson's interval for the number of draws.

    Raises:
        ValueError: `alpha` is not in (0, 1), or `draws` is not positive.

    Example:
        >>> from lowcomplex.statistics import paired_difference
        >>> def pilot(generator):
        ...     return generator.normal([[0.5], [0.0]], 0.3, size=(2, 8))
        >>> power(pilot, lambda arms: paired_difference(*arms).p, draws=100).estimate > 0.7
        True
    """
    probability(alpha, "alpha")
    generator = np.random.default_rng(seed)
    found = sum(test(simulate(generator)) <= alpha for _ in range(positive(draws, "draws")))
    return share(int(found), draws)


def power_of_count(chance: float, seeds: int, needed: int) -> float:
    """How often at least so many of the seeds show what is expected: P(K >= needed), K binomial.

    At a chance of 1/2 it is the false-positive rate of the criterion against "as likely as not".

    Args:
        chance: Chance that one seed shows it, in [0, 1].
        seeds: Number of seeds.
        needed: How many of them must show it.

    Raises:
        ValueError: `chance` is not in [0, 1], or not 1 <= needed <= seeds.

    Example:
        >>> round(power_of_count(0.5, 12, 10), 4), round(power_of_count(0.9, 12, 10), 4)
        (0.0193, 0.8891)
    """
    from scipy.stats import binom

    if not 0 <= real(chance, "chance") <= 1:
        raise ValueError(f"chance: expected a number in [0, 1], got {chance}")
    if not 1 <= whole(needed, "needed") <= whole(seeds, "seeds"):
        raise ValueError(f"needed: expected from 1 to the {seeds} seeds, got {needed}")
    return float(binom.sf(needed - 1, seeds, chance))


def power_of_paired_difference(
    difference: float, spread: float, seeds: int, *, alpha: float = 0.05, draws: int = 1000, seed: int = 0
) -> float:
    """How often `paired_difference` finds a mean difference of two arms at a two-sided level.

    Differences are drawn from a normal distribution. All signs are counted for up to twelve seeds; for more
    the power is that of the t test. Below six seeds there is none at level .05.

    Args:
        difference: Mean difference of both arms.
        spread: Standard deviation of the differences between seeds, as seen in a pilot.
        seeds: Number of seeds.
        alpha: Two-sided level.
        draws: Simulated samples, of up to twelve seeds.
        seed: Seed of the samples.

    Raises:
        ValueError: `spread` is not positive, fewer than two seeds, or `alpha` not in (0, 1).
    """
    from scipy import stats

    _checked(spread, seeds, alpha)
    shift = real(difference, "difference") / spread
    if seeds > _COUNTED:
        reach, noncentral = stats.t.isf(alpha / 2, seeds - 1), shift * math.sqrt(seeds)
        return float(
            stats.nct.sf(reach, seeds - 1, noncentral) + stats.nct.cdf(-reach, seeds - 1, noncentral)
        )
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=seeds))).T
    samples = np.random.default_rng(seed).normal(shift, 1, size=(positive(draws, "draws"), seeds))
    sums = np.abs(samples @ signs)
    # The first column of signs is the data themselves.
    p_values = (sums >= sums[:, :1] * (1 - 1e-9)).mean(1)
    return float((p_values <= alpha).mean())


def power_of_equivalence(
    difference: float,
    spread: float,
    margin: float,
    seeds: int,
    *,
    alpha: float = 0.05,
    draws: int = 20_000,
    seed: int = 0,
) -> float:
    """How often `equivalence` of paired arms shows a difference to be within a margin.

    Args:
        difference: Mean difference of both arms, such as 0.
        spread: Standard deviation of the differences between seeds, as seen in a pilot.
        margin: The least difference that counts.
        seeds: Number of seeds.
        alpha: Level of the test.
        draws: Simulated samples.
        seed: Seed of the samples.

    Raises:
        ValueError: `spread` or `margin` is not positive, fewer than two seeds, or `alpha` not in (0, 1).
    """
    from scipy import stats

    _checked(spread, seeds, alpha)
    if not real(margin, "margin") > 0:
        raise ValueError(f"margin: expected a positive number, got {margin}")
    generator = np.random.default_rng(seed)
    error = spread / math.sqrt(seeds)
    means: Floats = generator.normal(real(difference, "difference"), error, size=positive(draws, "draws"))
    errors = error * np.sqrt(generator.chisquare(seeds - 1, size=draws) / (seeds - 1))
    return float((np.abs(means) + stats.t.isf(alpha, seeds - 1) * errors < margin).mean())


def least_effect(
    power_of: Callable[[float], float], low: float, high: float, *, least_power: float = 0.8
) -> float:
    """The smallest effect that a design finds with sufficient power; NaN if not even the largest one.

    Args:
        power_of: Power as a function of the effect, rising between `low` and `high`.
        low: No effect.
        high: The largest effect that can be.
        least_power: The power that suffices.

    Raises:
        ValueError: Not low < high, or `least_power` is not in (0, 1).

    Example:
        >>> round(least_effect(lambda chance: power_of_count(chance, 12, 10), 0.5, 1.0), 2)
        0.87
    """
    probability(least_power, "least_power")
    if not real(low, "low") < real(high, "high"):
        raise ValueError(f"high: expected a number above {low}, got {high}")
    if not power_of(high) >= least_power:
        return float("nan")
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if power_of(middle) >= least_power else (middle, high)
    return high


def _checked(spread: float, seeds: int, alpha: float) -> None:
    if not real(spread, "spread") > 0:
        raise ValueError(f"spread: expected a positive number, got {spread}")
    if whole(seeds, "seeds") < 2:
        raise ValueError(f"seeds: expected at least 2, got {seeds}")
    probability(alpha, "alpha")
