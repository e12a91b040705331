"""The layers that a tracker measures: weight matrices chosen by name, of a network or of an ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Protocol

from torch import Tensor, nn

from lowcomplex._names import require_match
from lowcomplex.matrices import WeightMatrix, weight_matrices


class Members(Protocol):
    """Networks of one architecture, stacked: `lowcomplex.training.Ensemble`."""

    @property
    def diverged_at(self) -> Tensor:
        """(members,) step at which each member diverged; -1 if it has not."""

    def __len__(self) -> int:
        """Number of members."""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Name and (members, ...) values of each parameter, sharing memory with training."""

    def member(self, index: int) -> nn.Module:
        """A copy of one member."""


class Layers:
    """The weight matrices of a network, or of all members of an ensemble, whose names match.

    Attributes:
        names: Names of the layers; each matrix of a stack is one.

    Args:
        module: The network, or an ensemble.
        patterns: Shell patterns of names, of single matrices or of whole stacks.

    Raises:
        ValueError: The module is none, a pattern matches no weight matrix, a layer has no shape or no values
            yet, or an ensemble's weight is parametrized.
    """

    def __init__(self, module: nn.Module | Members, patterns: tuple[str, ...]) -> None:
        if not isinstance(module, nn.Module) and not hasattr(module, "named_parameters"):
            raise ValueError(f"module: expected a network or an ensemble, got {module!r}")
        _require_values(module, patterns)
        self._module = module
        self._found = weight_matrices(module) if isinstance(module, nn.Module) else _of_members(module)
        stack_of = {name: matrix.name for matrix in self._found for name, _ in matrix.places()}
        for pattern in patterns:
            require_match("layers", pattern, [*stack_of, *stack_of.values()])
        self.names = tuple(
            name
            for name, stack in stack_of.items()
            if any(fnmatchcase(name, pattern) or fnmatchcase(stack, pattern) for pattern in patterns)
        )

    def neurons(self) -> Iterator[Tensor]:
        """Yield the present (members, out, in) weights in use of each layer; a network has one member.

        Raises:
            ValueError: The network no longer has one of the layers.
        """
        current: dict[str, Tensor] = {}
        for matrix, weights in self._weights():
            stacked = matrix.neurons_of(weights.detach())
            for name, place in matrix.places():
                index: tuple[slice | int, ...] = (slice(None), *place)
                current[name] = stacked[index]
        for name in self.names:
            if name not in current:
                raise ValueError(f"layers: the network has no weight matrix {name!r} any more")
            yield current[name]

    def _weights(self) -> Iterator[tuple[WeightMatrix, Tensor]]:
        values = dict(self._module.named_parameters())
        if isinstance(self._module, nn.Module):
            # Layers may have been exchanged, pruned, or parametrized since the last record.
            if not all(_stands(matrix, values.get(matrix.name)) for matrix in self._found):
                self._found = weight_matrices(self._module)
            for matrix in self._found:
                value = values[matrix.name] if matrix.computed is None else matrix.computed.read()
                yield matrix, value[None]
        else:
            yield from ((matrix, values[matrix.name]) for matrix in self._found)


def _require_values(module: nn.Module | Members, patterns: tuple[str, ...]) -> None:
    """Refuse layers that would be missing from the record although training gives them values later."""
    for name, parameter in module.named_parameters():
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise ValueError(f"module: {name!r} has no shape yet; call the network once before it is tracked")
        if parameter.is_meta:
            raise ValueError(f"module: {name!r} is on the meta device, where it has no values")


def _stands(matrix: WeightMatrix, parameter: Tensor | None) -> bool:
    """Whether the parameter of a matrix's name is still that matrix; a computed one is no parameter."""
    if matrix.computed is not None or parameter is None:
        return matrix.computed is not None and parameter is None
    return parameter.shape == matrix.weight.shape


def _of_members(ensemble: Members) -> list[WeightMatrix]:
    trained = {name for name, _ in ensemble.named_parameters()}
    found = weight_matrices(ensemble.member(0))
    for matrix in found:
        if matrix.computed is not None:
            raise ValueError(
                f"layers: {matrix.name!r} is computed by {matrix.computed.how}; of an ensemble, only weights "
                "that are parameters are measured"
            )
    return [matrix for matrix in found if matrix.name in trained]
