"""What every statistic of this room returns, and whether its runs could decide at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lowcomplex._numbers import real
from lowcomplex.statistics._arguments import probability


@dataclass(frozen=True, repr=False)
class Estimate:
    """A statistic with its interval and its test.

    Attributes:
        estimate: The statistic; NaN if it is undefined.
        low: Lower end of its interval; NaN if there is none.
        high: Upper end.
        level: Coverage that the interval aims at, in (0, 1).
        p: Two-sided p-value unless the function states otherwise; NaN if nothing was tested.
        n: Number of independent units: of blocks where blocks were resampled, else of runs.
        least_p: The smallest p-value that so many runs in these arms could give; NaN if nothing was tested.
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95
    p: float = float("nan")
    n: int = 0
    least_p: float = float("nan")

    def __repr__(self) -> str:
        test = "" if np.isnan(self.p) else f", p = {self.p:.2g}"
        return f"{self.estimate:.3g} [{self.low:.3g}, {self.high:.3g}] ({self.level:.0%}{test}, n = {self.n})"

    @property
    def width(self) -> float:
        """Length of the interval."""
        return self.high - self.low


@dataclass(frozen=True, repr=False)
class Decidability:
    """Whether runs can decide a question, whatever they show; true or false as a condition.

    Attributes:
        decidable: Whether they can.
        reason: Why they cannot; empty if they can.
    """

    decidable: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.decidable

    def __repr__(self) -> str:
        return "decidable" if self.decidable else f"not decidable with these runs: {self.reason}"


def decidable(
    found: Estimate, *, alpha: float = 0.05, power: float | None = None, least_power: float = 0.8
) -> Decidability:
    """Whether the runs of a test could decide: a p-value below alpha is possible, and the power suffices.

    It depends on the design and not on what was found: a test that cannot decide is neither evidence for an
    effect nor for its absence, and is reported as such in place of "no trend".

    Args:
        found: A result with a test.
        alpha: Level at which its p-value is to be judged, after a correction for several tests: alpha / m for
            the smallest of m by Holm's.
        power: Chance that the test finds the least effect that counts (`power`, `power_of_count`, …); not
            asked if None.
        least_power: The power that suffices.

    Raises:
        ValueError: `alpha` or `least_power` is not in (0, 1), `power` not in [0, 1], or nothing was tested.

    Example:
        >>> from lowcomplex.statistics import paired_difference
        >>> decidable(paired_difference([1, 2, 3, 4], [0, 0, 0, 0]))
        not decidable with these runs: the smallest possible p is 0.125, not below 0.05
    """
    probability(alpha, "alpha")
    probability(least_power, "least_power")
    if power is not None and not 0 <= real(power, "power") <= 1:
        raise ValueError(f"power: expected a number in [0, 1], got {power}")
    if np.isnan(found.least_p):
        if np.isnan(found.estimate):
            return Decidability(False, "the statistic is undefined")
        raise ValueError(f"found: expected the result of a test, got {found!r}")
    if found.least_p >= alpha:
        return Decidability(False, f"the smallest possible p is {found.least_p:.3g}, not below {alpha:.3g}")
    if power is not None and power < least_power:
        return Decidability(False, f"the power is {power:.2f}, below {least_power:g}")
    return Decidability(True)
