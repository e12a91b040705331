"""Sizes of the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence

from lowcomplex._numbers import whole


def require_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """The sizes from input to output, if they are at least two positive integers.

    Raises:
        TypeError: A size is not an integer, or there is no sequence of them.
        ValueError: There are fewer than two, or one is not positive.
    """
    try:
        sizes = tuple(whole(width, "widths") for width in widths)
    except TypeError as error:
        raise TypeError(f"widths: expected integers from input to output, got {widths!r}") from error
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"widths: expected at least two positive sizes, got {sizes}")
    return sizes
