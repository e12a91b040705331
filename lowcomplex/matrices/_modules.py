"""The weight matrices of a module."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from lowcomplex._names import first_match
from lowcomplex.matrices import _reasons
from lowcomplex.matrices._entries import unusable
from lowcomplex.matrices._in_use import Computed, computed_weights
from lowcomplex.matrices._known_models import experts_in_rows, layouts_of_names
from lowcomplex.matrices._layouts import Layout, embedding_layout, settled, stack_layout
from lowcomplex.matrices._low_rank import low_rank_products
from lowcomplex.matrices._matrix import Skipped, WeightMatrix, require_layouts
from lowcomplex.matrices._ties import storage_of

_NORMALIZATION = (
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.LocalResponseNorm,
)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def of_module(
    module: nn.Module, *, layout: Mapping[str, Layout] | None = None
) -> list[WeightMatrix | Skipped]:
    """The weight matrices of a module, and its other parameters with the reason why they are none.

    Some weights are computed by the module: parametrized, weight-normalized or pruned ones. Such a weight
    counts with the value that the forward pass uses, under the name by which the layer uses it. A tied weight
    counts once, under its first name.

    A tensor of more than two dimensions is the kernel of a convolution if its module is a convolution. If its
    first dimension is 1, it is an embedding, such as (1, positions, d) or, of a square map, (1, d, height,
    width). Otherwise it is a stack of matrices,
    such as experts. A stack is stored as (…, in, out) if the module has `is_transposed = True` or if the
    shapes of its gate_up and down projections show it, else as (…, out, in).

    Args:
        module: The network; it is not changed.
        layout: Layout of the matrices whose name matches a pattern, where the module would be misread.

    Returns:
        Matrices and skipped parameters in the order of the parameters.

    Raises:
        ValueError: A layout is unknown, or a pattern matches nothing.

    Example:
        >>> [(found.name, found.d_in) for found in of_module(nn.Linear(3, 2, bias=False))]
        [('weight', 3)]
    """
    found: list[WeightMatrix | Skipped] = []
    places: dict[tuple[object, ...], int] = {}
    for prefix, part in _parts(module):
        shapes = {name: tuple(p.shape) for name, p in part.named_parameters(recurse=False) if _has_shape(p)}
        for name, value, computed in _weights(part):
            full = f"{prefix}.{name}" if prefix else name
            item = _item(part, full, value, computed, shapes)
            key = storage_of(value) if isinstance(item, WeightMatrix) and computed is None else None
            if key is not None and key in places:
                first = found[places[key]]
                assert isinstance(first, WeightMatrix)
                found[places[key]] = replace(first, tied_to=(*first.tied_to, full))
                item = Skipped(full, tuple(value.shape), f"tied to {first.name}")
            elif key is not None:
                places[key] = len(found)
            found.append(item)
    found = _known_by_name(low_rank_products(module, found))
    layouts = require_layouts(layout, (item.name for item in found if isinstance(item, WeightMatrix)))
    return [_laid(item, layouts) if isinstance(item, WeightMatrix) else item for item in found]


def weight_matrices(module: nn.Module) -> list[WeightMatrix]:
    """As `of_module`, without the skipped parameters."""
    return [item for item in of_module(module) if isinstance(item, WeightMatrix)]


def matrix_parameters(module: nn.Module) -> set[int]:
    """Identities of the parameters that are weight matrices, or from which weight matrices are computed."""
    return {id(parameter) for matrix in weight_matrices(module) for parameter in matrix.parameters}


def biases_of(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The biases that `initialize` sets to zero, each with the name of its module.

    Biases of normalization layers are not among them, nor are tables from which biases are looked up.
    """
    for prefix, part in module.named_modules():
        if _is_normalization(part):
            continue
        for name, parameter in part.named_parameters(recurse=False):
            if "bias" in name and "table" not in name:
                yield prefix, parameter


def _parts(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The module and its submodules, without those that only compute another module's weight."""
    inner: set[int] = set()
    for prefix, part in module.named_modules():
        if nn.utils.parametrize.is_parametrized(part):
            inner.update(id(step) for step in part.parametrizations.modules())
        if id(part) not in inner:
            yield prefix, part


def _weights(part: nn.Module) -> Iterator[tuple[str, Tensor, Computed | None]]:
    """Name and value in use of each parameter, and what computes it."""
    computed = computed_weights(part)
    sources = {source for one in computed.values() for source in one.sources()}
    for name, parameter in part.named_parameters(recurse=False):
        if name not in sources:
            yield name, parameter, None
    for name, one in computed.items():
        yield name, one.read(), one


def _item(
    part: nn.Module,
    name: str,
    value: Tensor,
    computed: Computed | None,
    shapes: Mapping[str, tuple[int, ...]],
) -> WeightMatrix | Skipped:
    reason = unusable(value)
    if reason is not None:
        return Skipped(name, tuple(value.shape) if _has_shape(value) else (), reason)
    shape = tuple(value.shape)
    reason = _reasons.by_type(str(value.dtype).removeprefix("torch."))
    if reason is None and not (_is_convolution(part) and len(shape) > 2 and value.numel() > 0):
        reason = _reasons.by_shape(shape)
    if reason is None and _is_normalization(part):
        reason = "gain of a normalization"
    reason = reason or _reasons.by_name(name, shape)
    if reason is not None:
        return Skipped(name, shape, reason)
    own = name.rpartition(".")[2]
    chosen = _layout_of(part, own, {**shapes, own: shape})
    groups = int(getattr(part, "groups", 1))
    padding = part.padding_idx if isinstance(part, nn.Embedding | nn.EmbeddingBag) else None
    return WeightMatrix(name, value, chosen, groups, padding=padding, computed=computed)


def _known_by_name(found: Sequence[WeightMatrix | Skipped]) -> list[WeightMatrix | Skipped]:
    """Give raw parameters the layouts that their names tell; layers have those of their classes."""
    shapes = {item.name: tuple(item.weight.shape) for item in found if isinstance(item, WeightMatrix)}
    layouts, in_rows = layouts_of_names(shapes), experts_in_rows(shapes)
    return [
        replace(item, layout=layouts[item.name], in_rows=in_rows.get(item.name, 1))
        if isinstance(item, WeightMatrix) and item.name in layouts and not item.name.endswith(".weight")
        else item
        for item in found
    ]


def _laid(matrix: WeightMatrix, layouts: Mapping[str, Layout]) -> WeightMatrix:
    said = first_match(matrix.name, layouts, None)
    return matrix if said is None else replace(matrix, layout=settled(said, matrix.weight.ndim), in_rows=1)


def _layout_of(part: nn.Module, name: str, shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    if isinstance(part, nn.Embedding | nn.EmbeddingBag):
        return "embedding"
    if isinstance(part, _TRANSPOSED):
        return "transposed convolution"
    shape = shapes[name]
    if len(shape) == 2:
        # The transformers library's Conv1D is a linear layer stored as (in, out). Its name identifies it; a
        # parametrized one has a derived class of another name.
        kinds = {kind.__name__ for kind in type(part).__mro__}
        return "input-output" if "Conv1D" in kinds else "linear"
    if _is_convolution(part):
        return "convolution"
    if shape[0] == 1:
        return embedding_layout(shape)
    if getattr(part, "is_transposed", False) is True:
        return "stacked input-output"
    return stack_layout(name, shapes)


def _is_convolution(part: nn.Module) -> bool:
    """Whether a module sums over all dimensions of its kernel but the first, as convolutions do."""
    kinds = (nn.modules.conv._ConvNd, nn.Bilinear)
    return isinstance(part, kinds) or bool(re.search(r"Conv(\dd)?$", type(part).__name__))


def _is_normalization(part: nn.Module) -> bool:
    return isinstance(part, _NORMALIZATION) or bool(re.search(r"Norm(\dd)?$", type(part).__name__))


def _has_shape(parameter: Tensor) -> bool:
    return not (nn.parameter.is_lazy(parameter) or parameter.is_nested)
