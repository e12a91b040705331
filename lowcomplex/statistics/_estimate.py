"""What every statistic of this room returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95
    p: float = float("nan")
    n: int = 0

    def __repr__(self) -> str:
        test = "" if np.isnan(self.p) else f", p = {self.p:.2g}"
        return f"{self.estimate:.3g} [{self.low:.3g}, {self.high:.3g}] ({self.level:.0%}{test}, n = {self.n})"

    @property
    def width(self) -> float:
        """Length of the interval."""
        return self.high - self.low
