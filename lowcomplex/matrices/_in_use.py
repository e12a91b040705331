"""Weights that a module computes from other parameters before each forward pass.

Parametrizations (`torch.nn.utils.parametrize`: weight, spectral and orthogonal normalization, users' own),
the older hooks of weight and spectral normalization, and pruning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

# Largest distance of the weight in use from the values that it was given, relative to their norm. Rounding in
# half precision is of order 1e-3; a parametrization that cannot hold the values is off by far more.
_ROUNDING = 0.01


@dataclass(frozen=True)
class Computed:
    """How a module computes a weight.

    Attributes:
        how: What computes it, such as "weight_norm".
        sources: Returns the parameters and buffers that it is computed from, by name in the module.
        read: Returns the value in use; changes nothing.
        write: Sets the sources, aiming at a weight in use with the given values.
    """

    how: str
    sources: Callable[[], Mapping[str, Tensor]]
    read: Callable[[], Tensor]
    write: Callable[[Tensor], None]

    def put(self, name: str, values: Tensor) -> None:
        """Make the weight in use hold these values, or leave everything as it was.

        Args:
            name: Name of the weight, for the message.
            values: Tensor of the weight's shape.

        Raises:
            ValueError: The weight cannot hold these values.
        """
        before = self._saved()
        with torch.no_grad():
            try:
                self.write(values)
                off = float((self.read() - values).norm() / values.norm())
            except (NotImplementedError, RuntimeError, ValueError, TypeError):
                off = torch.inf
            if not off <= _ROUNDING:
                self._restore(before)
                raise ValueError(
                    f"{name}: {self.how} computes this weight from other parameters, and no values of those "
                    f"give it arbitrary entries; remove {self.how} first, or exclude the weight with "
                    f"parts={{{name!r}: None}}"
                )

    def require_free(self, name: str) -> None:
        """Refuse a weight that cannot hold arbitrary values; changes nothing.

        Raises:
            ValueError: The weight cannot.
        """
        before, value = self._saved(), self.read()
        draw = torch.randn(value.shape, generator=torch.Generator().manual_seed(0))
        try:
            self.put(name, draw.to(value))
        finally:
            self._restore(before)

    def _saved(self) -> dict[str, Tensor]:
        return {source: tensor.detach().clone() for source, tensor in self.sources().items()}

    @torch.no_grad()
    def _restore(self, saved: Mapping[str, Tensor]) -> None:
        # Looked up again: writing may have replaced a buffer.
        for source, tensor in self.sources().items():
            tensor.copy_(saved[source])


def computed_weights(part: nn.Module) -> dict[str, Computed]:
    """The weights that a module computes, by name; submodules are not looked into."""
    found: dict[str, Computed] = {}
    if parametrize.is_parametrized(part):
        chains: Any = part.parametrizations
        for name, chain in chains.items():
            found[name] = _parametrized(name, chain)
    for hook in part._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm):
            found[hook.name] = _weight_normed(part, hook)
        elif isinstance(hook, SpectralNorm):
            found[hook.name] = _spectral_normed(part, hook)
        elif isinstance(hook, BasePruningMethod):
            name = str(hook._tensor_name)
            found[name] = _pruned(part, name, hook)
    return found


def _parametrized(name: str, chain: Any) -> Computed:
    prefix = f"parametrizations.{name}"
    how = " and ".join(type(step).__name__.strip("_") for step in chain)

    def sources() -> dict[str, Tensor]:
        return {
            f"{prefix}.{key}": value for key, value in [*chain.named_parameters(), *chain.named_buffers()]
        }

    @torch.no_grad()
    def read() -> Tensor:
        with _evaluating(chain):
            value: Tensor = chain()
        return value.detach()

    def write(values: Tensor) -> None:
        with _evaluating(chain):
            originals: Any = values
            for step in reversed(chain):
                originals = step.right_inverse(originals)
        if chain.is_tensor:
            chain.original.copy_(originals)
            return
        for index, original in enumerate(originals):
            getattr(chain, f"original{index}").copy_(original)

    return Computed(how, sources, read, write)


@contextmanager
def _evaluating(chain: nn.Module) -> Iterator[None]:
    """Set parametrizations to evaluation, since in training reading changes spectral normalization."""
    modes = [(module, module.training) for module in chain.modules()]
    chain.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _weight_normed(part: nn.Module, hook: WeightNorm) -> Computed:
    magnitude, direction = getattr(part, f"{hook.name}_g"), getattr(part, f"{hook.name}_v")

    def write(values: Tensor) -> None:
        direction.copy_(values)
        magnitude.copy_(torch.norm_except_dim(values, 2, hook.dim))
        setattr(part, hook.name, hook.compute_weight(part))

    return Computed(
        "weight_norm",
        lambda: {f"{hook.name}_g": magnitude, f"{hook.name}_v": direction},
        torch.no_grad()(lambda: hook.compute_weight(part)),
        write,
    )


def _spectral_normed(part: nn.Module, hook: SpectralNorm) -> Computed:
    original = getattr(part, f"{hook.name}_orig")
    return Computed(
        "spectral_norm",
        lambda: {f"{hook.name}_orig": original},
        torch.no_grad()(lambda: hook.compute_weight(part, do_power_iteration=False)),
        original.copy_,
    )


def _pruned(part: nn.Module, name: str, hook: Any) -> Computed:
    original = getattr(part, f"{name}_orig")

    @torch.no_grad()
    def read() -> Tensor:
        pruned: Tensor = hook.apply_mask(part)
        return pruned

    def write(values: Tensor) -> None:
        original.copy_(values)
        setattr(part, name, read())

    return Computed("pruning", lambda: {f"{name}_orig": original}, read, write)
