"""Spectral entropy: how evenly the singular values share their sum."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights._entropy import entropy
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_spectral_entropy


def spectral_entropy(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Entropy of the normalized singular values, -Σ p log p with p = s / Σ s, in nats.

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 0 (rank 1) and log(min(out, in)); NaN for a zero matrix. Invariant under scale
        and rotations.

    Cost:
        That of `singular_values`; `rank_measures` decomposes once for all ranks.

    Misleads:
        It grows with the logarithm of the size, so matrices of different shape are compared by their nulls.
        It misleads where `effective_rank`, its exponential, does.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Roy, Vetterli, "The effective rank", EUSIPCO 2007, eq. 3.
    """
    return _of_spectrum(singular_values(W), W)


def _of_spectrum(s: Tensor, W: Tensor) -> Tensor:
    """The spectral entropy of matrices W whose singular values are s, (..., k) → (...)."""
    return entropy(s).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="spectral_entropy",
    function=spectral_entropy,
    null=random_spectral_entropy,
    order=50,
    shared=SharedQuantity(singular_values, _of_spectrum),
)
