"""One place that refuses arguments that are no numbers, or no sizes."""

from __future__ import annotations

import numbers


def real(value: object, name: str) -> float:
    """Return `value` if it is a real number.

    Raises:
        TypeError: It is not a number; the message names the argument.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    return float(value)


def whole(value: object, name: str) -> int:
    """Return `value` if it is an integer.

    Raises:
        TypeError: It is not an integer; the message names the argument.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    return int(value)


def positive(value: object, name: str) -> int:
    """Return `value` if it is a positive integer.

    Raises:
        TypeError: It is not an integer; the message names the argument.
        ValueError: It is not positive.
    """
    number = whole(value, name)
    if number < 1:
        raise ValueError(f"{name}: expected a positive integer, got {number}")
    return number
