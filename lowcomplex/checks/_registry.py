"""The checks by name."""

from __future__ import annotations

from typing import Any

from lowcomplex import theorems
from lowcomplex._numbers import whole
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Verdict


def names() -> tuple[str, ...]:
    """The names of all checks, which are those of their predictions."""
    return theorems.names()


def get(name: str) -> Check[Any, Any]:
    """The check of that name.

    Raises:
        ValueError: There is none.
    """
    return theorems.check(name)


def run(name: str, seed: int = 0) -> Verdict:
    """Run one check.

    Args:
        name: The prediction's name.
        seed: Seed of data and weights.

    Returns:
        The verdict, with its mutants and controls.

    Raises:
        ValueError: There is no check of that name, or the seed is not in [0, 2^32).
        TypeError: The seed is not an integer.
        ArithmeticError: The check could not run; that is an error, never a pass.
    """
    if not 0 <= whole(seed, "seed") < 2**32:
        raise ValueError(f"seed: expected an integer in [0, 2^32), got {seed}")
    return get(name).run(seed)
