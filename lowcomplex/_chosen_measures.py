"""The measures that a tracker was asked for: the library's by name, or functions of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from lowcomplex._names import require_known
from lowcomplex.measures import measure_weights, null_of, weight_measures

Measure = Callable[[Tensor], Tensor]


class ChosenMeasures:
    """Computes the chosen measures of a batch of matrices, and knows what random weights give.

    Attributes:
        names: Names of the measures.

    Args:
        measures: The name of a weight measure, several names, or a mapping from names of one's own to
            functions (..., out, in) → (...).

    Raises:
        ValueError: A name is unknown, or what stands under a name of one's own is no function.
    """

    def __init__(self, measures: str | Sequence[str] | Mapping[str, Measure]) -> None:
        self._own: dict[str, Measure] | None = None
        if isinstance(measures, Mapping):
            self._own = dict(measures)
            for name, measure in self._own.items():
                if not callable(measure):
                    raise ValueError(
                        f"measures[{name!r}]: expected a function (..., out, in) → (...), got {measure!r}"
                    )
        self.names = (measures,) if isinstance(measures, str) else tuple(measures)
        if self._own is None:
            for name in self.names:
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


@cache
def _mean(name: str, rows: int, columns: int) -> float:
    """The mean of a measure on random weights; NaN if it has no null at this shape."""
    if rows < weight_measures()[name].fewest:
        return math.nan
    return null_of(name, rows, columns).value


def _require_one_per_matrix(name: str, value: object, W: Tensor) -> None:
    """Refuse what would be written to all layers alike, such as a function that forgets the batch."""
    expected, got = tuple(W.shape[:-2]), f"a {type(value).__name__}"
    if isinstance(value, Tensor):
        if tuple(value.shape) == expected:
            return
        got = f"shape {tuple(value.shape)}"
    raise ValueError(
        f"measures[{name!r}]: expected one number per matrix, a tensor of shape {expected} for weights of "
        f"shape {tuple(W.shape)}, got {got}; reduce over the last two dimensions alone, as in "
        "lambda W: W.norm(dim=(-2, -1)), or wrap a function of one matrix in torch.vmap"
    )
