"""The layers that a tracker measures: weight matrices chosen by name, of a network or of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeGuard

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from lowcomplex._names import require_match, without_wrappers
from lowcomplex.matrices import WeightMatrix, weight_matrices

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


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


class Layer(NamedTuple):
    """The present values of one layer.

    Attributes:
        weights: (members, out, in); a network has one member.
        frozen: Whether training leaves them as they are, because they require no gradient.
    """

    weights: Tensor
    frozen: bool


class Layers:
    """The weight matrices of a network, or of all members of an ensemble, whose names match.

    Attributes:
        names: Names of the layers, without the parts that wrappers such as `torch.compile` and distributed
            training add; each matrix of a stack is one.

    Args:
        module: The network, or an ensemble.
        layers: Shell pattern or patterns of names, of single matrices or of whole stacks.

    Raises:
        ValueError: The module is none, a pattern matches no weight matrix, a layer has no shape or no values
            yet, or an ensemble's weight is parametrized.
    """

    def __init__(self, module: nn.Module | Members, layers: str | Sequence[str]) -> None:
        if not isinstance(module, nn.Module) and not hasattr(module, "named_parameters"):
            got = "None" if module is None else type(module).__name__
            raise ValueError(f"module: expected a network or an ensemble, got {got}")
        patterns = _patterns(layers)
        self._plain = _PlainNames(module)
        _require_values(module, self._plain, patterns)
        self._module = module
        self._found = weight_matrices(module) if isinstance(module, nn.Module) else _of_members(module)
        stack_of = {
            self._plain(name): self._plain(matrix.name)
            for matrix in self._found
            for name, _ in matrix.places()
        }
        for pattern in patterns:
            require_match("layers", pattern, [*stack_of, *stack_of.values()])
        self.names = tuple(
            name
            for name, stack in stack_of.items()
            if any(fnmatchcase(name, pattern) or fnmatchcase(stack, pattern) for pattern in patterns)
        )

    @property
    def sharded(self) -> bool:
        """Whether each process holds a part of the weights; all must then call `present` together.

        Between the forward and the backward pass, some weights of a module of `fully_shard` are whole.
        """
        units = any(map(_is_unit, self._module.modules())) if isinstance(self._module, nn.Module) else False
        return units or any(_is_sharded(value) for _, value in self._module.named_parameters())

    @property
    def copied(self) -> bool:
        """Whether several processes hold copies of the network."""
        parts = self._module.modules() if isinstance(self._module, nn.Module) else ()
        return any(isinstance(part, nn.parallel.DistributedDataParallel) for part in parts)

    def present(self) -> Iterator[tuple[int, Layer]]:
        """Yield the number and the weights in use of each layer, as they are now.

        A sharded weight is gathered when it is reached, and is not kept.

        Raises:
            ValueError: The network no longer has one of the layers.
        """
        missing = {name: number for number, name in enumerate(self.names)}
        values = self._parameters()
        for matrix in self._found:
            places = [(self._plain(name), place) for name, place in matrix.places()]
            if not any(name in missing for name, _ in places):
                continue
            weights = self._in_use(matrix, values)
            stacked = matrix.neurons_of(weights.detach())
            frozen = (
                isinstance(self._module, nn.Module) and matrix.computed is None and not weights.requires_grad
            )
            for name, place in places:
                index: tuple[slice | int, ...] = (slice(None), *place)
                if name in missing:
                    yield missing.pop(name), Layer(stacked[index], frozen)
        for name in missing:
            raise ValueError(f"layers: the network has no weight matrix {name!r} any more")

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each layer's matrix."""
        sizes: dict[str, tuple[int, int]] = {}
        for matrix in self._found:
            # On the meta device, where it costs nothing to lay out the neurons.
            layout = torch.empty(matrix.weight.shape, device="meta")
            rows, columns = matrix.neurons_of(layout).shape[-2:]
            sizes |= {self._plain(name): (rows, columns) for name, _ in matrix.places()}
        return tuple(sizes[name] for name in self.names)

    def _parameters(self) -> dict[str, Tensor]:
        """Parameters by name, after layers that were exchanged, pruned or parametrized are found anew."""
        values: dict[str, Tensor] = dict(self._module.named_parameters())
        if isinstance(self._module, nn.Module) and not all(
            _is_current(matrix, values.get(matrix.name)) for matrix in self._found
        ):
            self._found = weight_matrices(self._module)
            self._plain = _PlainNames(self._module)
        return values

    def _in_use(self, matrix: WeightMatrix, values: dict[str, Tensor]) -> Tensor:
        """(members, *shape) values of a matrix."""
        if not isinstance(self._module, nn.Module):
            return values[matrix.name]
        value = values[matrix.name] if matrix.computed is None else matrix.computed.read()
        whole: Tensor = value.full_tensor() if _is_sharded(value) else value
        return whole[None]


def _patterns(layers: str | Iterable[str]) -> tuple[str, ...]:
    """The patterns, if they are text."""
    if isinstance(layers, str):
        return (layers,)
    patterns: tuple[object, ...] = tuple(layers) if isinstance(layers, Iterable) else (layers,)
    for pattern in patterns:
        if not isinstance(pattern, str):
            got = type(pattern).__name__
            raise ValueError(f"layers: expected patterns of names, such as 'blocks.*', got {got}")
    return tuple(map(str, patterns))


class _PlainNames:
    """Leaves out of names what wrappers add, unless two weights would then have one name.

    Args:
        module: The network or ensemble that has the names.
    """

    def __init__(self, module: nn.Module | Members) -> None:
        wrapped = module.named_modules() if isinstance(module, nn.Module) else ()
        # Users' own modules may have a part of the name "module"; only that of these wrappers is left out.
        self._wrappers = [
            f"{path}.module." if path else "module."
            for path, part in wrapped
            if isinstance(part, nn.DataParallel | nn.parallel.DistributedDataParallel | AveragedModel)
        ]
        names = [name for name, _ in module.named_parameters()]
        self._unique = len({self._shortened(name) for name in names}) == len(names)

    def __call__(self, name: str) -> str:
        """The name as it is recorded."""
        return self._shortened(name) if self._unique else name

    def _shortened(self, name: str) -> str:
        for wrapper in reversed(self._wrappers):  # the innermost first, whose path holds the outer ones
            if name.startswith(wrapper):
                name = wrapper.removesuffix("module.") + name.removeprefix(wrapper)
        return without_wrappers(name)


def _require_values(module: nn.Module | Members, plain: _PlainNames, patterns: tuple[str, ...]) -> None:
    """Refuse layers that would be missing from the record although training gives them values later."""
    if isinstance(module, nn.Module):
        require_whole(module)
    for name, parameter in ((plain(name), parameter) for name, parameter in module.named_parameters()):
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise ValueError(f"module: {name!r} has no shape yet; call the network once before it is tracked")
        if parameter.is_meta:
            raise ValueError(f"module: {name!r} is on the meta device, where it has no values")
        if hasattr(parameter, "ds_id") and not parameter.numel():
            raise ValueError(
                f"module: stage 3 of DeepSpeed's ZeRO leaves no values of {name!r} in this process; use "
                "stage 2, or torch.distributed.fsdp.fully_shard, whose weights are gathered one by one"
            )


def require_whole(module: nn.Module) -> None:
    """Refuse a module, or its wrapper, that keeps pieces of weights from which no matrix can be gathered.

    Raises:
        ValueError: It is sharded by `FullyShardedDataParallel`.
    """
    if any(type(part).__name__ == "FullyShardedDataParallel" for part in module.modules()):
        raise ValueError(
            "module: FullyShardedDataParallel leaves each process with a piece that is no matrix; shard with "
            "torch.distributed.fsdp.fully_shard, whose weights are gathered one by one"
        )


def _is_unit(module: nn.Module) -> bool:
    """Whether `fully_shard` was called with this module, which gave it a class that is not imported here."""
    return any(base.__name__ == "FSDPModule" for base in type(module).__mro__)


def _is_sharded(value: Tensor) -> TypeGuard[DTensor]:
    """Whether a tensor is a `DTensor`, whose module is not imported for this: that takes long."""
    return hasattr(value, "full_tensor")


def _is_current(matrix: WeightMatrix, parameter: Tensor | None) -> bool:
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
