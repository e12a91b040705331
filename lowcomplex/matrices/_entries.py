"""Tensors that are described before they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

_LAZY = "has no shape before the first forward pass"
_META = "meta tensor, which holds no values"
# Reasons for which a parameter cannot be set yet.
NO_VALUES = (_LAZY, _META)


@dataclass(frozen=True)
class Entry:
    """A tensor of a state dict or file, described without its values.

    Attributes:
        name: Name of the tensor.
        shape: Its shape.
        dtype: Name of its type as in PyTorch, such as "float32".
        load: Reads the tensor.
        unusable: Why its values cannot be measured; None if they can.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    load: Callable[[], Tensor]
    unusable: str | None = None

    @classmethod
    def of(cls, name: str, tensor: Tensor, load: Callable[[], Tensor] | None = None) -> Entry:
        """Describe a tensor.

        Args:
            name: Name of the tensor.
            tensor: A tensor of any kind.
            load: Reads the tensor later; returns `tensor` itself if None.

        Returns:
            The entry of the tensor.
        """
        # A nested tensor has no shape.
        shape = () if tensor.is_nested else tuple(tensor.shape)
        dtype = str(tensor.dtype).removeprefix("torch.")
        return cls(name, shape, dtype, load or (lambda: tensor), unusable(tensor))


class Whole(NamedTuple):
    """A weight that is stored in parts.

    Attributes:
        name: Its name.
        parts: Names of its parts; it takes the place of the first.
        shape: Its shape.
        compute: Computes it from the parts, in their order.
        dtype: Name of its type; that of the first part if None.
    """

    name: str
    parts: tuple[str, ...]
    shape: tuple[int, ...]
    compute: Callable[..., Tensor]
    dtype: str | None = None


def unusable(tensor: Tensor) -> str | None:
    """Why the values of a tensor cannot be measured; None if they can."""
    if torch.nn.parameter.is_lazy(tensor):
        return _LAZY
    if tensor.is_nested:
        return "nested tensor"
    if tensor.layout != torch.strided:
        return "sparse tensor"
    if tensor.is_meta:
        return _META
    if tensor.numel() > 0 and any(
        stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)
    ):
        return "expanded tensor, in which one stored value stands for several"
    return None
