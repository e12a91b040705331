"""Wrong laws made from a true one: scaled, shifted, or with a field of their result changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, cast

Inputs = ParamSpec("Inputs")
Number = TypeVar("Number")
Result = TypeVar("Result")


def scaled(law: Callable[Inputs, Number], factor: float) -> Callable[Inputs, Number]:
    """The law times a factor."""

    def wrong(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Number:
        value: Any = law(*args, **kwargs)
        return cast(Number, factor * value)

    return wrong


def shifted(law: Callable[Inputs, Number], amount: float) -> Callable[Inputs, Number]:
    """The law plus a constant."""

    def wrong(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Number:
        value: Any = law(*args, **kwargs)
        return cast(Number, amount + value)

    return wrong


def changed(
    law: Callable[Inputs, Result], field: str, change: Callable[[Any], Any]
) -> Callable[Inputs, Result]:
    """The law with one field of its result changed; the result is a dataclass or a NamedTuple."""

    def wrong(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Result:
        value: Any = law(*args, **kwargs)
        changes = {field: change(getattr(value, field))}
        is_tuple = hasattr(value, "_replace")
        return cast(Result, value._replace(**changes) if is_tuple else replace(value, **changes))

    return wrong
