"""Low-rank adapters (LoRA): the product B A is one matrix, beside the base that it is added to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from lowcomplex.matrices._in_use import Computed
from lowcomplex.matrices._layouts import Layout
from lowcomplex.matrices._matrix import Skipped, WeightMatrix

_FACTOR = re.compile(r"(?P<before>^|\.)lora_(?P<kind>embedding_)?A(?P<after>\.|$)")
_PRODUCT = re.compile(r"(^|\.)lora_(embedding_)?BA(\.|$)")


def partner(name: str) -> tuple[str, str] | None:
    """Names of the second factor and of the product, if the name is a first factor's; else None."""
    found = _FACTOR.search(name)
    if found is None:
        return None
    start, end = name[: found.end("before")], name[found.start("after") :]
    kind = found["kind"] or ""
    return f"{start}lora_{kind}B{end}", f"{start}lora_{kind}BA{end}"


def is_of_an_embedding(name: str) -> bool:
    """Whether a factor or product of this name is added to the table of an embedding."""
    return "lora_embedding_" in name


def bases(names: Iterable[str]) -> set[str]:
    """Names that the weights may have to which products are added.

    Args:
        names: Names of matrices, the products among them.

    Returns:
        Names as the peft library and as loralib give them.
    """
    found = (_PRODUCT.search(name) for name in names)
    starts = {match.string[: match.end(1)] for match in found if match is not None}
    return {f"{start}{own}" for start in starts for own in ("base_layer.weight", "weight")}


def product(b: Tensor, a: Tensor, name: str) -> Tensor:
    """The matrix that two factors give, in single precision at least.

    Args:
        b: (out, r, …).
        a: (r, in, …).
        name: Name of the product.

    Returns:
        (out, in); of an embedding (tokens, dimension), as its table is stored.
    """
    dtype = torch.promote_types(a.dtype, torch.float32)
    found = b.detach().flatten(1).to(dtype) @ a.detach().flatten(1).to(dtype)
    return found.mT if is_of_an_embedding(name) else found


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
            _reader(module, b.name, name, names[1]),
            _refuse,
        )
        layout: Layout = "embedding" if is_of_an_embedding(name) else "linear"
        products[name] = WeightMatrix(names[1], computed.read(), layout, computed=computed)
        products[b.name] = Skipped(b.name, tuple(b.weight.shape), f"factor of {names[1]}")
    return [products.get(item.name, item) for item in found]


def _reader(module: nn.Module, b: str, a: str, name: str) -> Callable[[], Tensor]:
    # Looked up at each reading: the factors may have been replaced.
    return lambda: product(module.get_parameter(b), module.get_parameter(a), name)


def _sources(module: nn.Module, b: str, a: str) -> Callable[[], dict[str, Tensor]]:
    return lambda: {name: module.get_parameter(name) for name in (b, a)}


def _refuse(values: Tensor) -> None:
    raise NotImplementedError("a product of low rank holds no arbitrary values")
