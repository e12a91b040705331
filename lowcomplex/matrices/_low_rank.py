"""Low-rank adapters (LoRA): the product B A is one matrix, beside the base that it is added to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lowcomplex.matrices._in_use import Computed
from lowcomplex.matrices._matrix import Skipped, WeightMatrix

_FACTOR = re.compile(r"(^|\.)lora_A(\.|$)")


def partner(name: str) -> tuple[str, str] | None:
    """Names of the second factor and of the product, if the name is a first factor's; else None."""
    if _FACTOR.search(name) is None:
        return None
    return _FACTOR.sub(r"\1lora_B\2", name), _FACTOR.sub(r"\1lora_BA\2", name)


def product(b: Tensor, a: Tensor) -> Tensor:
    """(out, in) product of (out, r, …) and (r, in, …), in single precision at least."""
    dtype = torch.promote_types(a.dtype, torch.float32)
    return b.detach().flatten(1).to(dtype) @ a.detach().flatten(1).to(dtype)


def fits(b: Sequence[int], a: Sequence[int]) -> bool:
    """Whether tensors of these shapes are the factors of one matrix."""
    return len(a) >= 2 and len(b) >= 2 and all(size == 1 for size in b[2:]) and b[1] == a[0]


def low_rank_products(
    module: nn.Module, found: Sequence[WeightMatrix | Skipped]
) -> list[WeightMatrix | Skipped]:
    """Replace each pair of factors among the matrices of a module by its product."""
    matrices = {item.name: item for item in found if isinstance(item, WeightMatrix)}
    products: dict[str, WeightMatrix | Skipped] = {}
    for name, a in matrices.items():
        names = partner(name)
        b = None if names is None else matrices.get(names[0])
        if names is None or b is None or not fits(b.weight.shape, a.weight.shape):
            continue
        computed = Computed(
            "a low-rank adapter",
            _sources(module, b.name, name),
            _reader(module, b.name, name),
            _refuse,
        )
        products[name] = WeightMatrix(names[1], computed.read(), "linear", computed=computed)
        products[b.name] = Skipped(b.name, tuple(b.weight.shape), f"factor of {names[1]}")
    return [products.get(item.name, item) for item in found]


def _reader(module: nn.Module, b: str, a: str) -> Callable[[], Tensor]:
    # Looked up at each reading: the factors may have been replaced.
    return lambda: product(module.get_parameter(b), module.get_parameter(a))


def _sources(module: nn.Module, b: str, a: str) -> Callable[[], dict[str, Tensor]]:
    return lambda: {name: module.get_parameter(name) for name in (b, a)}


def _refuse(values: Tensor) -> None:
    raise NotImplementedError("a product of low rank holds no arbitrary values")
