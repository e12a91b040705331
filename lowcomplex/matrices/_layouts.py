"""How a weight is stored: its d_in, and its view as one neuron per row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

Layout = Literal[
    "linear",
    "embedding",
    "channels-first embedding",
    "convolution",
    "transposed convolution",
    "input-output",
    "stacked",
    "stacked input-output",
    "input by heads",
    "output by heads",
]

# What d_in counts in each layout.
LAYOUTS: dict[Layout, str] = {
    "linear": "columns",
    "embedding": "embedding dimension",
    "channels-first embedding": "embedding dimension",
    "convolution": "in channels / groups x kernel size",
    "transposed convolution": "in channels / groups x kernel size",
    "input-output": "rows",
    "stacked": "columns of one of the stack",
    "stacked input-output": "rows of one of the stack",
    "input by heads": "first dimension",
    "output by heads": "heads x dimension of a head",
}

_STACKS: dict[Layout, Layout] = {"linear": "stacked", "input-output": "stacked input-output"}
_SINGLE: dict[Layout, Layout] = {stack: single for single, stack in _STACKS.items()}


def settled(layout: Layout, dimensions: int) -> Layout:
    """The layout that fits the number of dimensions: a linear weight of more than two is a stack."""
    return _STACKS.get(layout, layout) if dimensions > 2 else _SINGLE.get(layout, layout)


def single(layout: Layout) -> Layout:
    """The layout of one matrix of a stack."""
    return _SINGLE.get(layout, layout)


def fan_in(shape: Sequence[int], layout: Layout, groups: int) -> int:
    """d_in: the number of inputs that one output sums; for an embedding, its dimension.

    Args:
        shape: Shape of the weight as stored.
        layout: How it is stored.
        groups: Number of groups of a transposed convolution; other layouts do not use it.

    Returns:
        d_in.
    """
    if layout in ("linear", "embedding", "stacked"):
        return shape[-1]
    if layout in ("input-output", "stacked input-output"):
        return shape[-2]
    if layout == "input by heads":
        return shape[0]
    if layout == "channels-first embedding":
        return shape[1]
    if layout == "transposed convolution":
        # Stored as (in, out / groups, *kernel).
        return shape[0] // groups * math.prod(shape[2:])
    return math.prod(shape[1:])


def neurons(weight: Tensor, layout: Layout, dimensions: int, groups: int) -> Tensor:
    """View a weight as (..., out, in), one neuron per row.

    Args:
        weight: The weight as stored; it may have further leading dimensions, such as the members of an
            ensemble.
        layout: How it is stored.
        dimensions: Number of dimensions of the weight itself.
        groups: Number of groups of a transposed convolution; other layouts do not use it.

    Returns:
        (..., out, in). Kernels of convolutions are flattened to (out, in / groups x kernel size); the rows
        of an embedding are its tokens. Outputs, or inputs, of attention are those of all heads in turn.
    """
    first = weight.ndim - dimensions
    lead = weight.shape[:first]
    if layout in ("input-output", "stacked input-output"):
        return weight.mT
    if layout == "embedding":
        return weight.flatten(first, -2)
    if layout == "channels-first embedding":
        return weight.flatten(first + 2).mT.flatten(first, -2)
    if layout in ("convolution", "output by heads"):
        return weight.flatten(first + 1)
    if layout == "input by heads":
        return weight.flatten(first + 1).mT
    if layout == "transposed convolution":
        # (groups x in, out, *kernel) to (groups x out, in, *kernel): each group has inputs of its own.
        inputs, outputs, *kernel = weight.shape[first:]
        grouped = weight.reshape(*lead, groups, inputs // groups, outputs, *kernel)
        return grouped.transpose(first + 1, first + 2).reshape(*lead, groups * outputs, -1)
    return weight


def embedding_layout(shape: Sequence[int]) -> Layout:
    """How an embedding whose first dimension is 1 is stored, inferred from its shape.

    Args:
        shape: Shape of the tensor.

    Returns:
        "channels-first embedding" for (1, d, height, width) of a square map, such as Hiera's positions, else
        "embedding", such as (1, positions, d) or (1, height, width, d).
    """
    square = len(shape) == 4 and shape[1] != shape[2] == shape[3]
    return "channels-first embedding" if square else "embedding"


def stack_layout(name: str, shapes: Mapping[str, Sequence[int]]) -> Layout:
    """How a stack of matrices is stored, inferred from the shapes of the tensors beside it.

    A fused gate and up projection has as many inputs as the down projection has outputs, and twice as many
    outputs as the down projection has inputs. Where both are stored, their shapes therefore distinguish
    (…, out, in) from (…, in, out).

    Args:
        name: Name of the tensor, without the module's.
        shapes: Shapes of the tensors of the same module.

    Returns:
        "stacked input-output" if the shapes show it, else "stacked".
    """
    for fused, down in (("gate_up_proj", "down_proj"), ("gate_up", "down")):
        if name in (fused, down) and fused in shapes and down in shapes:
            up_shape, down_shape = shapes[fused], shapes[down]
            if up_shape[-2] == down_shape[-1] and up_shape[-1] == 2 * down_shape[-2]:
                return "stacked input-output"
    return "stacked"
