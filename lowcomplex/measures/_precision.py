"""The dtype policy: in which precision measures compute and return, and how far rounding reaches.

Measures of float64 return float64. Measures of any lower precision return float32, or float64 where their
docstring states it. Half precision (bfloat16, float16) is a format for storage: float32 holds its numbers
exactly, and all arithmetic is done in float32 or float64. How much rounding explains follows from the format
in which the numbers were stored.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowcomplex.measures._slices import row_slices

FLOATS = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
_HALF = FLOATS[:2]


def result_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which a measure of `x` returns: float64 for float64, float32 otherwise."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def at_least_single(x: Tensor) -> Tensor:
    """`x` itself in single or double precision, the same numbers in single precision otherwise."""
    return x.to(result_dtype(x))


def rounding_unit(x: Tensor) -> float:
    """Largest relative error of a number rounded to the dtype of `x`."""
    return torch.finfo(x.dtype).eps / 2


def is_half(x: Tensor) -> bool:
    """Whether `x` is stored in half precision."""
    return x.dtype in _HALF


def rounding_norms(W: Tensor) -> Tensor:
    """Norms of the rounding errors that hide behind the singular values of stored matrices.

    The error of a stored number w is taken as uniform in ±u |w|, u the `rounding_unit`, and independent from
    entry to entry. If the matrix has rank r, r of its singular values carry it; the others are those of an
    (m - r) x (n - r) matrix of errors. By Chevet's inequality the largest of them is about
    (u/√3) (R sqrt(1 - r/n) + C sqrt(1 - r/m)), where R and C are the largest norms of a row and of a column.
    Numbers below the normal range have the errors of its smallest number.

    Args:
        W: (..., m, n) matrices.

    Returns:
        (..., min(m, n)) in float64, for r = 0, 1, …
    """
    m, n = W.shape[-2:]
    smallest = torch.finfo(W.dtype).tiny
    rows, columns = [], torch.zeros(*W.shape[:-2], n, dtype=torch.float64, device=W.device)
    for part in row_slices(W.detach()):
        size = part.double().abs()
        squared = torch.where(size > 0, size.clamp(min=smallest), 0.0).square()
        rows.append(squared.sum(-1))
        columns = columns + squared.sum(-2)
    row, column = (x.amax(-1, keepdim=True).sqrt() for x in (torch.cat(rows, -1), columns))
    r = torch.arange(min(m, n), dtype=torch.float64, device=W.device)
    return rounding_unit(W) / math.sqrt(3) * (row * (1 - r / n).sqrt() + column * (1 - r / m).sqrt())
