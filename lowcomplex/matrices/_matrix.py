"""What is found: a weight matrix, or a tensor that is none, with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

import torch
from torch import Tensor

from lowcomplex._names import require_known, require_match
from lowcomplex.matrices._in_use import Computed
from lowcomplex.matrices._layouts import LAYOUTS, Layout, fan_in, neurons, single


@dataclass(frozen=True)
class WeightMatrix:
    """A weight matrix, or a stack of weight matrices.

    Attributes:
        name: Name of the weight in its module, state dict or file.
        weight: The value with which the forward pass multiplies, in the shape in which it is stored.
        layout: How it is stored, one of `LAYOUTS`.
        groups: Number of groups of a convolution; 1 where it is not known.
        tied_to: Other names of the same weight.
        padding: The row of an embedding that stays zero, if one does.
        in_rows: Number of matrices that lie one below the other in the weight's rows; 1 where a stack has a
            dimension for them.
        computed: How the module computes the weight from other parameters; None if it is a parameter.
    """

    name: str
    weight: Tensor
    layout: Layout
    groups: int = 1
    tied_to: tuple[str, ...] = ()
    padding: int | None = None
    in_rows: int = 1
    computed: Computed | None = field(default=None, repr=False)

    @property
    def d_in(self) -> int:
        """The number of inputs that one output sums, the base of γ; for an embedding, its dimension."""
        return fan_in(self._shape, self.layout, self.groups)

    @property
    def rule(self) -> str:
        """What d_in counts."""
        return LAYOUTS[self.layout]

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The weight itself if it is a parameter, else the matrices among its sources."""
        if self.computed is None:
            return (self.weight,)
        return tuple(source for source in self.computed.sources().values() if source.ndim >= 2)

    @property
    def neurons(self) -> Tensor:
        """(..., out, in): one neuron per row; leading dimensions are those of a stack."""
        return self.neurons_of(self.weight)

    def neurons_of(self, weights: Tensor) -> Tensor:
        """As `neurons`, for other weights that are stored like this one.

        Args:
            weights: (..., *shape), such as an ensemble's weights with the members as first dimension.

        Returns:
            (..., out, in).
        """
        return neurons(self._apart(weights), self.layout, len(self._shape), self.groups)

    def places(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and place of each matrix of a stack; for a single matrix, its name and an empty place.

        Yields:
            Name and place. The name ends in the place: "experts.down_proj.3" is the fourth matrix.
        """
        leading = () if single(self.layout) == self.layout else self._shape[:-2]
        for place in product(*map(range, leading)):
            is_lone = math.prod(leading) == 1
            yield self.name if is_lone else ".".join([self.name, *map(str, place)]), place

    def each(self) -> Iterator[WeightMatrix]:
        """Yield the matrices of a stack one by one, named by their places; a single matrix yields itself."""
        weight = self._apart(self.weight)
        for name, place in self.places():
            yield replace(self, name=name, weight=weight[place], layout=single(self.layout), in_rows=1)

    @property
    def _shape(self) -> tuple[int, ...]:
        """Shape with a dimension for each stack."""
        shape = tuple(self.weight.shape)
        return shape if self.in_rows == 1 else (self.in_rows, shape[0] // self.in_rows, *shape[1:])

    def _apart(self, weights: Tensor) -> Tensor:
        if self.in_rows == 1:
            return weights
        return weights.reshape(*weights.shape[:-2], self.in_rows, -1, weights.shape[-1])

    def put(self, values: Tensor) -> None:
        """Make the weight in use hold these values, except the zeros of a padding row.

        Args:
            values: Tensor of the shape of `weight`.

        Raises:
            ValueError: The weight is computed from parameters that cannot give it these values.
        """
        if self.padding is not None:
            values = values.clone()
            values[self.padding] = 0
        if self.computed is None:
            with torch.no_grad():
                self.weight.copy_(values)
        else:
            self.computed.put(self.name, values)


@dataclass(frozen=True)
class Skipped:
    """A tensor that is no weight matrix.

    Attributes:
        name: Name of the tensor.
        shape: Its shape.
        reason: Why it is none.
    """

    name: str
    shape: tuple[int, ...]
    reason: str


def require_layouts(layout: Mapping[str, Layout] | None, names: Iterable[str]) -> dict[str, Layout]:
    """Refuse unknown layouts, and patterns that match no name.

    Raises:
        ValueError: A layout is unknown, or a pattern matches nothing.
    """
    layouts = dict(layout or {})
    for pattern, chosen in layouts.items():
        require_known(f"layout[{pattern!r}]", chosen, LAYOUTS)
    if layouts:
        known = list(names)
        for pattern in layouts:
            require_match("layout", pattern, known)
    return layouts
