"""Participation ratio of the squared singular values."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights.singular_values import singular_values
from lowcomplex.nulls import random_participation_ratio


def participation_ratio(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Participation ratio of the squared singular values, (Σ s²)² / Σ s⁴.

    The squared singular values are the eigenvalues of the (uncentered) covariance of the rows.

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in); NaN for a zero matrix. Invariant under scale and rotations.

    Cost:
        That of `singular_values`; `rank_measures` decomposes once for all ranks.

    Misleads:
        Singular values below a tenth of the largest hardly count, however many they are. A square random
        matrix has about half of its full rank.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy, Ganguli, 2017, eq. 5.

    Example:
        >>> participation_ratio(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor(1.4706)
    """
    return _of_spectrum(singular_values(W), W)


def _of_spectrum(s: Tensor, W: Tensor) -> Tensor:
    """The participation ratio of matrices W whose singular values are s, (..., k) → (...)."""
    squared = (s / s[..., :1]).square()
    return (squared.sum(-1).square() / squared.square().sum(-1)).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="participation_ratio",
    function=participation_ratio,
    null=random_participation_ratio,
    order=30,
    shared=SharedQuantity(singular_values, _of_spectrum),
    headline=True,
)
