"""Effective number of directions of the neurons."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights._cosine_sums import CosineSums, cosine_sums
from lowcomplex.nulls import random_effective_directions


def effective_directions(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Effective number of directions of the neurons, m² / ‖Uᵀ U‖_F²: the participation ratio of Uᵀ U.

    U holds the unit vectors of the m nonzero neurons.

    Args:
        W: (..., out, in), as for `mean_cosine`.

    Returns:
        (...), in [1, min(m, in)]: k for neurons spread evenly over k orthogonal lines; for m random neurons
        m · in / (m + in - 1), with the mean of the denominator; NaN if every neuron is zero.

    Cost:
        That of `mean_squared_cosine`; `cosine_moments` computes the sums once.

    Misleads:
        Neurons that never grew count as much as those that did, so a few strong directions among many small
        random neurons stay unseen; `condensed_directions` takes amplitudes.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> effective_directions(torch.tensor([[1.0, 0.0], [-5.0, 0.0], [0.0, 2.0], [0.0, 1.0]]))
        tensor(2.)
    """
    return _of_sums(cosine_sums(W), W)


def _of_sums(sums: CosineSums, W: Tensor) -> Tensor:
    m = sums.neurons
    return (m.square() / sums.squared).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="effective_directions",
    function=effective_directions,
    null=random_effective_directions,
    order=90,
    fewest=2,
    shared=SharedQuantity(cosine_sums, _of_sums),
)
