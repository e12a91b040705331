"""Effective rank: the exponential of the spectral entropy."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights._entropy import entropy
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_effective_rank


def effective_rank(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Effective rank: exp of the entropy of the normalized singular values.

        exp(-Σ p log p),  p = s / Σ s

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in); NaN for a zero matrix. Invariant under scale and rotations.

    Cost:
        That of `singular_values`; `rank_measures` decomposes once for all ranks.

    Misleads:
        The tail counts: one direction and 99 of a hundredth of its singular value have an effective rank of
        20. What initialization left in a matrix can hide that it learned one direction.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Roy, Vetterli, "The effective rank", EUSIPCO 2007, definition 1.

    Example:
        >>> effective_rank(torch.eye(3))
        tensor(3.)
    """
    return _of_spectrum(singular_values(W), W)


def _of_spectrum(s: Tensor, W: Tensor) -> Tensor:
    """The effective rank of matrices W whose singular values are s, (..., k) → (...)."""
    return entropy(s).exp().to(result_dtype(W))


MEASURE = WeightMeasure(
    name="effective_rank",
    function=effective_rank,
    null=random_effective_rank,
    order=10,
    shared=SharedQuantity(singular_values, _of_spectrum),
    headline=True,
)
