"""Numerical rank: the number of singular values that rounding does not explain."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_numerical_rank


def numerical_rank(
    W: Float[Tensor, "*batch neurons inputs"], rtol: float | None = None
) -> Int[Tensor, "*batch"]:
    """Numerical rank: the number of singular values above `rtol` times the largest.

    Args:
        W: (..., out, in) matrices.
        rtol: Relative threshold; by default max(out, in) times the rounding unit of the dtype of W.

    Returns:
        (...) integers between 0 (a zero matrix) and min(out, in). Invariant under scale and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity; `rtol` is not in [0, 1).

    Example:
        >>> numerical_rank(torch.ones(3, 4))
        tensor(1)
    """
    return _of_spectrum(singular_values(W), W, rtol)


def _of_spectrum(s: Tensor, W: Tensor, rtol: float | None = None) -> Tensor:
    """The numerical rank of matrices W whose singular values are s, (..., k) → (...)."""
    return (s > _relative_tolerance(W, rtol) * s[..., :1]).sum(-1)


def _relative_tolerance(W: Tensor, rtol: float | None) -> float:
    if rtol is None:
        return max(W.shape[-2:]) * torch.finfo(W.dtype).eps
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol: expected a number in [0, 1), got {rtol}")
    return rtol


MEASURE = WeightMeasure(
    name="numerical_rank",
    function=numerical_rank,
    null=random_numerical_rank,
    order=60,
    shared=SharedQuantity(singular_values, _of_spectrum),
)
