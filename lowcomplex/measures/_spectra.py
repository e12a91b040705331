"""Singular values: the one place that decides in which precision and by which decomposition."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lowcomplex.measures._slices import row_slices

# Smallest number of columns per stripe: narrower products waste the processor.
_STRIPE = 96
# A Gram matrix whose rounding could move an effective rank by more than this share is not trusted.
_TRUSTED = 1e-7


def scaled_singular_values(W: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values of finite matrices over their largest entry, in float64, and that entry.

    In lower precisions they are the roots of the eigenvalues of the Gram matrix, accumulated in float64. That
    costs half of a decomposition in single precision, and memory of the smaller side squared. Squaring loses
    the values below 1e-8 of the largest. Where that could change the result, in double precision, and where a
    gradient is needed, the matrix itself is decomposed.

    Args:
        W: (..., out, in) finite, nonempty matrices.

    Returns:
        (..., min(out, in)) descending, zero for zero matrices; and (..., 1).
    """
    largest = largest_entry(W)
    scale = torch.where(largest > 0, largest, 1.0)[..., None]
    if W.dtype == torch.float64 or (W.requires_grad and torch.is_grad_enabled()):
        return torch.linalg.svdvals(W.double() / scale), largest
    batch = W.shape[:-2]
    flat, flat_scale = W.detach().reshape(-1, *W.shape[-2:]), scale.reshape(-1, 1, 1)
    squared = _eigenvalues(_gram(flat) / flat_scale.square()).flip(-1)
    values = squared.clamp(min=0).sqrt()
    doubtful = ~_resolved(values)
    if bool(doubtful.any()):
        values[doubtful] = torch.linalg.svdvals(flat[doubtful].double() / flat_scale[doubtful])
    return values.reshape(*batch, -1), largest


def largest_entry(W: Tensor) -> Tensor:
    """Largest absolute entry of each matrix in float64, (..., out, in) → (..., 1), without a copy of W."""
    # One dimension at a time: over both at once, a copy is made of a matrix that is not contiguous.
    low, high = W.detach().amin(-1).amin(-1, keepdim=True), W.detach().amax(-1).amax(-1, keepdim=True)
    return torch.maximum(-low.double(), high.double())


def _gram(W: Tensor) -> Tensor:
    """Upper triangles of the smaller sides' Gram matrices, (b, m, n) → (b, k, k), from slices in float64.

    The squares of any lower precision are inside its range.
    """
    if W.shape[-2] < W.shape[-1]:
        W = W.mT
    k = W.shape[-1]
    gram = torch.zeros(len(W), k, k, dtype=torch.float64, device=W.device)
    # Each stripe of columns is multiplied by itself and those after it: just more than half of the products.
    stripe = max(_STRIPE, -(-k // 8))
    for part in row_slices(W):
        part = part.double()
        for start in range(0, k, stripe):
            columns = slice(start, start + stripe)
            gram[:, columns, start:] += part[..., columns].mT @ part[..., start:]
    return gram


def _eigenvalues(gram: Tensor) -> Tensor:
    """Eigenvalues of symmetric matrices of which the upper triangle is given, ascending."""
    if gram.device.type == "cpu":
        # NumPy's LAPACK took two thirds of the time of torch's where both were measured.
        return torch.from_numpy(np.linalg.eigvalsh(gram.numpy(), UPLO="U"))
    values: Tensor = torch.linalg.eigvalsh(gram, UPLO="U")
    return values


def _resolved(s: Tensor) -> Tensor:
    """Whether values that are roots of a Gram matrix's eigenvalues determine the effective rank.

    An eigenvalue is off by δ = 4 ε s_1², its root by min(δ / 2s, sqrt(δ)), and the entropy of p = s / Σ s by
    at most the sum of these times 1 - log p, over Σ s.
    """
    error = 4 * torch.finfo(torch.float64).eps * s[..., :1].square()
    floor = error.sqrt()
    total = s.sum(-1, keepdim=True)
    share = torch.maximum(s, floor) / total
    shift = torch.minimum(error / (2 * s), floor) * (1 - share.log()) / total
    resolved: Tensor = shift.nansum(-1) <= _TRUSTED
    return resolved
