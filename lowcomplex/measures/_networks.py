"""Networks as functions of their parameters: what measures of networks evaluate, without leaving a trace."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from lowcomplex.measures._precision import at_least_single

# Inputs of the passes that show whether a network is random or changes itself.
_PROBED = 8


class Network:
    """A module as a function of its parameters and inputs; made by `measured`.

    A tensor or module may have several names; each is here once, under its first name. Tensors are detached,
    and buffers are copies.

    Attributes:
        parameters: Trainable parameters by name.
    """

    def __init__(self, module: nn.Module, cast: Callable[[Tensor], Tensor], argument: str) -> None:
        self._module, self._argument = module, argument
        self._generators = [
            v for m in module.modules() for v in vars(m).values() if isinstance(v, torch.Generator)
        ]
        self._buffers: set[str] = set()
        self._fixed: dict[str, Tensor] = {}
        self._name_at: dict[str, str] = {}
        self.parameters: dict[str, Tensor] = {}
        first: dict[int, str] = {}
        for prefix, part in module.named_modules():
            for name, tensor in chain(
                part.named_parameters(recurse=False, remove_duplicate=False),
                part.named_buffers(recurse=False, remove_duplicate=False),
            ):
                place = f"{prefix}.{name}" if prefix else name
                self._name_at[place] = first.setdefault(id(tensor), place)
                if self._name_at[place] == place:
                    value = tensor.detach()
                    if not isinstance(tensor, nn.Parameter):
                        self._buffers.add(place)
                        value = value.clone()
                    kept = self.parameters if tensor.requires_grad else self._fixed
                    kept[place] = cast(value) if value.is_floating_point() else value

    def __call__(self, inputs: Tensor, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """Outputs (k, ...) of inputs (k, ...), with other values of the trainable parameters if given."""
        with _generators_kept(self._generators):
            return self._pass(inputs, self.parameters if parameters is None else parameters)

    def _pass(self, inputs: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        values = self._fixed | dict(parameters)
        state = {place: values[name] for place, name in self._name_at.items()}
        with _differentiable():
            output = functional_call(self._module, state, (inputs,), tie_weights=False)
        found = _tensor(output, self._argument)
        if found.ndim < 1 or len(found) != len(inputs):
            raise ValueError(
                f"{self._argument}: expected an output for each of {len(inputs)} inputs, got shape "
                f"{tuple(found.shape)}"
            )
        return found

    def converted(self, x: Tensor) -> Tensor:
        """Floating-point inputs in double precision if the network is, else in single, on its device."""
        tensors = self._floats()
        return x.to(tensors[0]) if tensors and x.is_floating_point() else x

    def checked(self, x: Tensor, name: str) -> Tensor:
        """The inputs in the network's precision, after two passes that show no randomness and no change."""
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: expected a tensor of inputs (n, ...), got {type(x).__name__}")
        if x.ndim < 1 or len(x) == 0:
            raise ValueError(f"{name}: expected inputs (n, ...), got shape {tuple(x.shape)}")
        tensors = self._floats()
        if tensors and x.device not in {t.device for t in tensors}:
            raise ValueError(
                f"{name}: expected inputs on {tensors[0].device}, as the network, got {x.device}"
            )
        if x.is_floating_point():
            x = at_least_single(x)
            if tensors and x.dtype not in {t.dtype for t in tensors}:
                raise TypeError(f"{name}: expected {tensors[0].dtype}, as the network's, got {x.dtype}")
        self.probe(x[:_PROBED])
        return x

    def _floats(self) -> list[Tensor]:
        return [t for t in chain(self.parameters.values(), self._fixed.values()) if t.is_floating_point()]

    def probe(self, x: Tensor) -> None:
        """Refuse a network of which two passes differ, or change its buffers."""
        before = {name: self._fixed[name].clone() for name in self._buffers if name in self._fixed}
        with torch.no_grad(), _generators_kept(self._generators):
            first, second = (self._pass(x, self.parameters) for _ in range(2))
        changed = [name for name, value in before.items() if not _equal(value, self._fixed[name])]
        if changed:
            raise ValueError(
                f"{self._argument}: expected a network that passes leave as it is, but they change "
                f"{', '.join(changed)}; call eval() first"
            )
        if not _equal(first, second):
            raise ValueError(
                f"{self._argument}: expected a network that is not random, but two passes over the same "
                "inputs differ, as under dropout; call eval() first"
            )


@contextmanager
def measured(
    module: nn.Module,
    cast: Callable[[Tensor], Tensor] = at_least_single,
    *,
    each: bool = True,
    argument: str = "module",
) -> Iterator[Network]:
    """The network to evaluate; after it, the module is as before.

    Args:
        module: Maps inputs (k, ...) to outputs (k, ...).
        cast: Applied to floating-point parameters and buffers.
        each: Whether each output must depend only on its own input.
        argument: Name of the argument, for messages.

    Raises:
        TypeError: `module` is no module.
        ValueError: A layer is random, or depends on the batch or changes itself, in the mode that it is in; a
            layer has no shape yet; tensors are on the meta device.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"{argument}: expected a torch.nn.Module, got {type(module).__name__}")
    for name, part in module.named_modules():
        unfit = _unfit(part, each)
        if unfit:
            raise ValueError(
                f"{argument}: {f'layer {name}' if name else 'the network'} ({type(part).__name__}) {unfit}"
            )
    # Hooks of older parametrizations leave tensors as attributes; modules keep theirs in dictionaries.
    holders = [vars(part) for part in module.modules()]
    holders += [held for attributes in holders for held in attributes.values() if isinstance(held, dict)]
    before = [dict(holder) for holder in holders]
    try:
        yield Network(module, cast, argument)
    finally:
        for holder, content in zip(holders, before, strict=True):
            for key in holder.keys() - content.keys():
                del holder[key]
            holder.update(content)


@contextmanager
def evaluated(
    function: Callable[[Tensor], Tensor], x: Tensor, name: str
) -> Iterator[Callable[[Tensor], Tensor]]:
    """A function to evaluate at inputs like `x`; a network as by `measured`, and in its own precision."""
    if isinstance(function, nn.Module):
        with measured(function, argument="function") as network:
            network.checked(network.converted(x), name)
            yield lambda inputs: network(network.converted(inputs))
    else:
        yield function


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draws of the device's own generator from a seed; after it, the generators are as before."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        # torch.manual_seed would seed the generators of all devices.
        torch.default_generator.manual_seed(seed)
        for one in cuda:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed)
        yield


def _unfit(part: nn.Module, each: bool) -> str | None:
    """Why a layer cannot be measured in the mode that it is in, if it cannot."""
    own = [t for t in chain(part._parameters.values(), part._buffers.values()) if t is not None]
    if any(is_lazy(tensor) for tensor in own):
        return "has no shape yet; call the network on an input first"
    if any(tensor.is_meta for tensor in own):
        return "is on the meta device and holds no numbers"
    if isinstance(part, _BatchNorm):
        if part.training:
            return "normalizes over the batch and changes its running statistics while training; call eval()"
        if each and part.running_mean is None:
            return "normalizes over the batch also after eval(), since it has no running statistics"
    if isinstance(part, _InstanceNorm) and part.training and part.track_running_stats:
        return "changes its running statistics while training; call eval()"
    if part.training and _is_random(part):
        return "is random while training; call eval()"
    return None


def _is_random(part: nn.Module) -> bool:
    return (
        (isinstance(part, _DropoutNd) and part.p > 0)
        or (isinstance(part, nn.RReLU) and part.lower < part.upper)
        or (isinstance(part, nn.MultiheadAttention) and part.dropout > 0)
        or (isinstance(part, nn.RNNBase) and part.dropout > 0 and part.num_layers > 1)
    )


class _PlainWeightNorm(TorchFunctionMode):
    """Weight normalization as its formula, g v / ‖v‖."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch._weight_norm:
            v, g, dim = args
            return v * (g / torch.norm_except_dim(v, 2, dim))
        return func(*args, **(kwargs or {}))


@contextmanager
def _differentiable() -> Iterator[None]:
    """Attention and weight norms by formulas that can be differentiated forward, as fused kernels cannot."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), _PlainWeightNorm():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _tensor(output: object, argument: str) -> Tensor:
    """An output's tensor: itself, its logits, or the only floating-point tensor that it holds."""
    if isinstance(output, Tensor):
        return output
    named: dict[object, object]
    if isinstance(output, Mapping):
        named = dict(output)
    elif is_dataclass(output):
        named = {field.name: getattr(output, field.name) for field in fields(output)}
    else:
        named = dict(enumerate(output)) if isinstance(output, list | tuple) else {}
    logits = named.get("logits")
    if isinstance(logits, Tensor):
        return logits
    tensors = [t for t in named.values() if isinstance(t, Tensor) and t.is_floating_point()]
    if len(tensors) == 1:
        return tensors[0]
    raise TypeError(
        f"{argument}: expected one tensor as output, or a mapping or dataclass with one or with logits, got "
        f"{type(output).__name__} of {len(tensors)} tensors; wrap the network in a module that returns one"
    )


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())


@contextmanager
def _generators_kept(own: Sequence[torch.Generator]) -> Iterator[None]:
    """Leave the global random generators, and a network's own, as they are."""
    states = [generator.get_state() for generator in own]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # NumPy's global generator
    initialized = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = list(range(torch.cuda.device_count())) if initialized else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for generator, state in zip(own, states, strict=True):
            generator.set_state(state)
