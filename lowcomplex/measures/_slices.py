"""Slices of neurons: a large matrix is never copied whole into double precision."""

from __future__ import annotations

import torch
from torch import Tensor

# Numbers per slice: 4 MB in double precision, which fits into a core's cache.
_NUMBERS = 2**19


def row_slices(W: Tensor) -> tuple[Tensor, ...]:
    """Views of (..., m, n) along m, each of a bounded size."""
    slices: tuple[Tensor, ...] = torch.split(W, max(1, _NUMBERS // max(1, W[..., :1, :].numel())), dim=-2)
    return slices
