"""Stable rank: squared Frobenius over squared spectral norm."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_stable_rank


def stable_rank(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Stable rank: squared Frobenius over squared spectral norm, Σ s² / s_1².

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in); NaN for a zero matrix. Invariant under scale and rotations.

    Cost:
        That of `singular_values`; `rank_measures` decomposes once for all ranks.

    Misleads:
        The largest singular value decides: one outlier hides the rank of the rest. A square random matrix has
        about a quarter of its full rank, so a low value alone says little.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Rudelson, Vershynin, "Sampling from large matrices", J. ACM 2007 (numerical rank there).

    Example:
        >>> stable_rank(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor(1.2500)
    """
    return _of_spectrum(singular_values(W), W)


def _of_spectrum(s: Tensor, W: Tensor) -> Tensor:
    """The stable rank of matrices W whose singular values are s, (..., k) → (...)."""
    return (s / s[..., :1]).square().sum(-1).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="stable_rank",
    function=stable_rank,
    null=random_stable_rank,
    order=20,
    shared=SharedQuantity(singular_values, _of_spectrum),
    headline=True,
)
