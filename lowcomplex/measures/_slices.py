"""Slices of neurons, so that a large matrix is never copied whole into double precision."""

from __future__ import annotations

import torch
from torch import Tensor

# Numbers of a slice: 4 MB in double precision, which the caches of a core like too.
_NUMBERS = 2**19


def row_slices(W: Tensor) -> tuple[Tensor, ...]:
    """Views of (..., m, n) along m, each of a bounded size; memory is then what a few slices take."""
    slices: tuple[Tensor, ...] = torch.split(W, max(1, _NUMBERS // max(1, W[..., :1, :].numel())), dim=-2)
    return slices
