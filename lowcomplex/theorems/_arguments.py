"""Arguments that are no numbers are refused before a formula computes with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")

_NUMBERS = ("ArrayLike", "float", "int", "bool")


def taking_numbers(function: Callable[Inputs, Output], *, nan: bool = True) -> Callable[Inputs, Output]:
    """The function, refusing what is no number wherever its annotations ask for one.

    Args:
        function: Its annotations are texts, as `from __future__ import annotations` leaves them.
        nan: Whether NaN passes. A regime compares numbers, and every comparison with NaN is false.

    Returns:
        A function of the same signature. It raises TypeError, naming the argument, for texts, None and
        objects, and ValueError for NaN if `nan` is False.
    """
    signature = inspect.signature(function)
    wanted = {}
    for name, parameter in signature.parameters.items():
        kinds = str(parameter.annotation).split(" | ")
        if kinds[0] in _NUMBERS:
            wanted[name] = "None" in kinds

    @wraps(function)
    def checked(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name in wanted and not (value is None and wanted[name]):
                _require_numbers(value, name, nan)
        return function(*args, **kwargs)

    return checked


def _require_numbers(value: object, name: str, nan: bool) -> None:
    try:
        array = np.asarray(value)
    except ValueError:
        # Sequences of unequal lengths.
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected numbers, got {value!r}")
    if not nan and np.isnan(array).any():
        raise ValueError(f"{name}: expected a number, got NaN")
