"""One place that refuses what cannot be measured."""

from __future__ import annotations

import torch
from torch import Tensor

from lowcomplex.measures._precision import FLOATS


def matrices(W: Tensor, name: str = "W") -> Tensor:
    """Return `W` if it is a (batch of) finite, nonempty real matrices; raise otherwise."""
    if not isinstance(W, Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(W).__name__}")
    if W.ndim < 2 or W.shape[-1] == 0 or W.shape[-2] == 0:
        raise ValueError(f"{name}: expected nonempty matrices (..., out, in), got shape {_shape(W)}")
    return finite(W, name)


def series(values: Tensor, name: str) -> Tensor:
    """Return `values` if it is a (batch of) finite real series of at least two points."""
    if not isinstance(values, Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(values).__name__}")
    if values.ndim < 1 or values.shape[-1] < 2:
        raise ValueError(f"{name}: expected at least two points (..., n), got shape {_shape(values)}")
    return finite(values, name)


def finite(x: Tensor, name: str) -> Tensor:
    """Return `x` if it is a finite floating-point tensor; raise otherwise."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(x).__name__}")
    if x.dtype not in FLOATS:
        raise TypeError(f"{name}: expected floating-point numbers of 16, 32 or 64 bits, got {x.dtype}")
    if x.is_nested or x.layout != torch.strided or x.is_meta:
        kind = "nested" if x.is_nested else "meta" if x.is_meta else x.layout
        raise TypeError(f"{name}: expected a dense tensor that holds numbers, got a tensor of kind {kind}")
    # The extremes carry NaN and infinity, and need no mask as large as the tensor.
    if x.numel() and not bool(torch.isfinite(torch.stack(x.detach().aminmax())).all()):
        raise ValueError(f"{name}: holds NaN or infinite entries")
    return x


def _shape(x: Tensor) -> tuple[int, ...]:
    return tuple(x.shape)
