"""Singular values, from which every rank measure is computed."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._spectra import scaled_singular_values
from lowcomplex.measures._validation import matrices


def singular_values(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch min(neurons,inputs)"]:
    """Singular values in float64, relative to the largest entry of each matrix.

    Every rank measure is invariant under scale. Dividing by the largest entry first keeps them exact for
    weights of 1e-12 as of 1e12. The relative error of the effective rank is below 1e-7. Singular values below
    the precision of the input are returned as computed.

    Args:
        W: (..., out, in) finite matrices.

    Returns:
        (..., min(out, in)) descending, float64; NaN for a zero matrix, which has no scale.

    Null:
        `lowcomplex.nulls.random_singular_values`.

    Cost:
        Time O(out · in · min(out, in)): a Gram matrix in float64, or a decomposition where its rounding could
        show.

    Misleads:
        Values are relative to the largest entry, so those of two matrices cannot be compared with each other.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not at least two-dimensional, is empty, or holds NaN or infinity.
    """
    values, largest = scaled_singular_values(matrices(W))
    return torch.where(largest > 0, values, torch.nan)
