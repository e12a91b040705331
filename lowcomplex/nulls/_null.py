"""The distribution with which a measured number is compared."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

from lowcomplex._numbers import real, whole


@dataclass(frozen=True)
class Null:
    """The distribution of a measure on random weights, normal to leading order.

    Attributes:
        value: Its mean.
        standard_deviation: Its spread from draw to draw.
    """

    value: float
    standard_deviation: float

    def quantile(self, q: float) -> float:
        """The value that random weights stay below with probability q, in the normal approximation."""
        if not 0 < real(q, "q") < 1:
            raise ValueError(f"q: expected a probability in (0, 1), got {q}")
        return self.value + self.standard_deviation * NormalDist().inv_cdf(q)


def sizes(rows: int, columns: int) -> tuple[int, int]:
    """Smaller and larger of two matrix dimensions, if both are positive."""
    if whole(rows, "rows") < 1 or whole(columns, "columns") < 1:
        raise ValueError(f"rows, columns: expected positive sizes, got {rows} x {columns}")
    return min(rows, columns), max(rows, columns)
