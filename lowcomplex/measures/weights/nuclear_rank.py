"""Nuclear-to-spectral rank: nuclear over spectral norm."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_nuclear_rank


def nuclear_rank(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Nuclear-to-spectral rank: nuclear over spectral norm, Σ s / s_1.

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in), never below the stable rank; NaN for a zero matrix.
        Invariant under scale and rotations.

    Cost:
        That of `singular_values`; `rank_measures` decomposes once for all ranks.

    Misleads:
        One outlier lowers it as it lowers the stable rank, and a long tail raises it as it raises the
        effective rank: the two cannot be told apart by this number.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> nuclear_rank(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor(1.5000)
    """
    return _of_spectrum(singular_values(W), W)


def _of_spectrum(s: Tensor, W: Tensor) -> Tensor:
    """The nuclear rank of matrices W whose singular values are s, (..., k) → (...)."""
    return (s / s[..., :1]).sum(-1).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="nuclear_rank",
    function=nuclear_rank,
    null=random_nuclear_rank,
    order=40,
    shared=SharedQuantity(singular_values, _of_spectrum),
)
