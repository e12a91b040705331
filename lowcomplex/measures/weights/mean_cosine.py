"""Mean cosine between neurons."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights._cosine_sums import CosineSums, cosine_sums, sum_of_cosines
from lowcomplex.nulls import random_mean_cosine


def mean_cosine(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Mean cosine over all pairs of different neurons, (|Σ u|² - m) / (m (m - 1)), u the unit neurons.

    Args:
        W: (..., out, in); a neuron is a row. Zero neurons have no direction and are left out.

    Returns:
        (...), in [-1/(m - 1), 1]: 1 if all point one way, 0 ± sqrt(2 / (m (m - 1) in)) for random neurons;
        NaN for fewer than two neurons. Invariant under rotations, permutations and positive scales of
        neurons.

    Cost:
        Time O(out · in): pairs are not formed.

    Misleads:
        Opposite directions cancel: neurons on one line, half of them reversed, have a mean cosine of -1/(m -
        1), as if they were spread out.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> mean_cosine(torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]]))
        tensor(0.3333)
    """
    return _mean(*sum_of_cosines(W)).to(result_dtype(W))


def _mean(cosines: Tensor, m: Tensor) -> Tensor:
    return (cosines - m) / (m * (m - 1))


def _of_sums(sums: CosineSums, W: Tensor) -> Tensor:
    return _mean(sums.cosines, sums.neurons).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="mean_cosine",
    function=mean_cosine,
    null=random_mean_cosine,
    order=70,
    fewest=2,
    shared=SharedQuantity(cosine_sums, _of_sums),
)
