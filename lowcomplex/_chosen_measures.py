"""The measures of a tracker: the library's by name, or functions of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor

from lowcomplex._names import require_known
from lowcomplex.measures import measure_weights, null_of, weight_measures

Measure = Callable[[Tensor], Tensor]
F = TypeVar("F", bound=Callable[..., Any])


class ChosenMeasures:
    """Computes the chosen measures of a batch of matrices, and knows what random weights give.

    Attributes:
        names: Names of the measures.

    Args:
        measures: The name of a weight measure, several names, or a mapping from names of one's own to
            functions (..., out, in) → (...).

    Raises:
        ValueError: A name is unknown, or the value of a name of one's own is no function.
    """

    def __init__(self, measures: str | Sequence[str] | Mapping[str, Measure]) -> None:
        self._own: dict[str, Measure] | None = None
        if isinstance(measures, Mapping):
            self._own = named_functions("measures", measures)
        elif callable(measures) or not isinstance(measures, Iterable):
            _refuse(measures)
        self.names = (measures,) if isinstance(measures, str) else tuple(measures)
        if self._own is None:
            for name in self.names:
                if not isinstance(name, str):
                    _refuse(name)
                require_known("measures", name, weight_measures())

    def __call__(self, W: Tensor) -> dict[str, Tensor]:
        """Measure matrices of one shape together.

        Args:
            W: (matrices, out, in).

        Returns:
            (matrices,) values by name.

        Raises:
            ValueError: A function of one's own does not return one number per matrix.
        """
        if self._own is None:
            return measure_weights(W, self.names)
        values = {name: measure(W) for name, measure in self._own.items()}
        for name, value in values.items():
            _require_one_per_matrix(name, value, W)
        return values

    def warm_up(self, device: torch.device) -> None:
        """Compute the library's measures once, of a small matrix on a device."""
        if self._own is None:
            measure_weights(torch.ones(1, 4, 4, device=device), self.names)

    def nulls(self, shapes: Iterable[tuple[int, int]]) -> dict[str, list[float]]:
        """Mean of each of the library's measures on random Gaussian weights of each shape.

        Args:
            shapes: Rows and columns of each matrix.

        Returns:
            One value per shape by name, NaN where the measure has no null there. Functions of one's own have
            no null.
        """
        if self._own is not None:
            return {}
        shapes = list(shapes)
        return {name: [_mean(name, *shape) for shape in shapes] for name in self.names}


def named_functions(argument: str, functions: Mapping[str, F]) -> dict[str, F]:
    """Functions by name, if that is what they are.

    Raises:
        ValueError: They are no mapping from names to functions; the message names the argument.
    """
    if not isinstance(functions, Mapping):
        raise ValueError(f"{argument}: expected a mapping from names to functions, got {functions!r}")
    for name, function in functions.items():
        if not isinstance(name, str):
            raise ValueError(f"{argument}: expected text as a name, got {name!r}")
        if not callable(function):
            raise ValueError(f"{argument}[{name!r}]: expected a function, got {function!r}")
    return dict(functions)


def _refuse(measure: object) -> NoReturn:
    """Refuse what is no name of a measure, such as its function."""
    name = getattr(measure, "__name__", "")
    remedy = "give your own function a name, as in {'norm': function}" if callable(measure) else ""
    if name in weight_measures():
        remedy = f"give the name {name!r}"
    detail = f"; {remedy}" if remedy else ""
    raise ValueError(
        f"measures: expected names, or a mapping from names to functions, got {measure!r}{detail}"
    )


@cache
def _mean(name: str, rows: int, columns: int) -> float:
    """The mean of a measure on random weights; NaN if it has no null at this shape."""
    if rows < weight_measures()[name].fewest:
        return math.nan
    return null_of(name, rows, columns).value


def _require_one_per_matrix(name: str, value: object, W: Tensor) -> None:
    """Refuse what would be written to all layers alike, such as a function that forgets the batch."""
    expected, got = tuple(W.shape[:-2]), type(value).__name__
    if isinstance(value, Tensor):
        if tuple(value.shape) == expected:
            return
        got = f"shape {tuple(value.shape)}"
    raise ValueError(
        f"measures[{name!r}]: expected one number per matrix, a tensor of shape {expected} for weights of "
        f"shape {tuple(W.shape)}, got {got}; reduce over the last two dimensions alone, as in "
        "lambda W: W.norm(dim=(-2, -1)), or wrap a function of one matrix in torch.vmap"
    )
