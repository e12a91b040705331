"""Which weight matrix starts at which rate, by patterns of names."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping

from lowcomplex._names import first_match
from lowcomplex._numbers import real
from lowcomplex.matrices import WeightMatrix


def require_rates(argument: str, rates: Mapping[str, float | None], *, single: bool = False) -> None:
    """Refuse rates that are no finite numbers; None means "leave as it is".

    Args:
        argument: The argument's name.
        rates: Rates by pattern.
        single: Whether one rate was given for all, and not by pattern.

    Raises:
        ValueError: A rate is not finite.
        TypeError: A rate is not a number.
    """
    for pattern, rate in rates.items():
        name = argument if single else f"{argument}[{pattern!r}]"
        if rate is not None and not math.isfinite(real(rate, name)):
            raise ValueError(f"{name}: expected a finite initialization rate, got {rate}")


def rate_or_reason(
    matrix: WeightMatrix,
    general: Mapping[str, float | None],
    rates: Mapping[str, float | None],
    bases: Container[str],
) -> tuple[float | None, str]:
    """The rate of a matrix and "", or None and why it is left as it is.

    Args:
        matrix: The matrix.
        general: Rates by pattern of what is trained.
        rates: Rates by pattern that go before those, also for what is frozen.
        bases: Names of the bases of low-rank adapters.

    Raises:
        ValueError: No pattern matches.
    """
    said = _first(matrix.name, rates)
    if said is not None:
        return said[0], "left out by parts" if said[0] is None else ""
    if not any(parameter.requires_grad for parameter in matrix.parameters):
        return None, "frozen"
    if matrix.name in bases:
        return None, "base of a low-rank adapter"
    said = _first(matrix.name, general)
    if said is None:
        raise ValueError(f"gamma: no pattern matches {matrix.name!r}; add '*' with the rate of all others")
    return said[0], "left out by gamma" if said[0] is None else ""


def _first(name: str, rates: Mapping[str, float | None]) -> tuple[float | None] | None:
    """The rate of the first pattern that matches, which may be None; None if no pattern does."""
    return first_match(name, {pattern: (rate,) for pattern, rate in rates.items()}, None)
