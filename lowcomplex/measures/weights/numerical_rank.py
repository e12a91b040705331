"""Numerical rank: the number of singular values that rounding does not explain."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lowcomplex._numbers import real
from lowcomplex.measures._precision import is_half, rounding_norms
from lowcomplex.measures._spectra import largest_entry
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_numerical_rank


def numerical_rank(
    W: Float[Tensor, "*batch neurons inputs"], rtol: float | None = None
) -> Int[Tensor, "*batch"]:
    """Numerical rank: the number of singular values above `rtol` times the largest.

    Args:
        W: (..., out, in) matrices.
        rtol: Relative threshold. If None, it is max(out, in) times the machine epsilon in single and double
            precision. In half precision, where that would exceed 1, the rank is the smallest r for which
            rounding errors explain the next singular value: it is at most their norm,
            (u/√3) (R sqrt(1 - r/in) + C sqrt(1 - r/out)). Here u is the unit roundoff, 2^-8 for bfloat16 and
            2^-11 for float16; R and C are the largest norms of a row and of a column.

    Returns:
        (...) integers between 0 (a zero matrix) and min(out, in). Invariant under scale and rotations.

    Cost:
        That of `singular_values`; `rank_measures` decomposes once for all ranks.

    Misleads:
        Random and trained matrices alike nearly always have full rank at the default threshold. It tells
        exact low rank, as of a product or an adapter, from all else, and jumps with `rtol`.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity; `rtol` is not in [0, 1).

    Reference:
        Davidson, Szarek, "Local operator theory, random matrices and Banach spaces", 2001, section II.c, for
        norms of random matrices.

    Example:
        >>> numerical_rank(torch.ones(3, 4))
        tensor(1)
    """
    return _of_spectrum(singular_values(W), W, rtol)


def _of_spectrum(s: Tensor, W: Tensor, rtol: float | None = None) -> Tensor:
    """The numerical rank of matrices W whose singular values are s, (..., k) → (...)."""
    if rtol is None and is_half(W):
        largest = largest_entry(W)
        above = s * largest > rounding_norms(W)
        return above.long().cumprod(-1).sum(-1)
    if rtol is None:
        rtol = max(W.shape[-2:]) * torch.finfo(W.dtype).eps
    elif not 0 <= real(rtol, "rtol") < 1:
        raise ValueError(f"rtol: expected a number in [0, 1), got {rtol}")
    return (s > rtol * s[..., :1]).sum(-1)


MEASURE = WeightMeasure(
    name="numerical_rank",
    function=numerical_rank,
    null=random_numerical_rank,
    order=60,
    shared=SharedQuantity(singular_values, _of_spectrum),
)
