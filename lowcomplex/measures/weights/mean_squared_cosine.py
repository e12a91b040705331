"""Mean squared cosine between neurons."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures.weight_measure import SharedQuantity, WeightMeasure
from lowcomplex.measures.weights._cosine_sums import CosineSums, cosine_sums
from lowcomplex.nulls import random_mean_squared_cosine


def mean_squared_cosine(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Mean squared cosine over all pairs of different neurons, (‖Uᵀ U‖_F² - m) / (m (m - 1)).

    Unlike `mean_cosine`, it does not tell a direction from its opposite.

    Args:
        W: (..., out, in), as for `mean_cosine`.

    Returns:
        (...), in [0, 1]: 1 if all lie on one line, 1/in on average for random neurons; NaN for fewer than two
        neurons.

    Cost:
        Time O(out · in · min(out, in)), by the smaller Gram matrix.

    Misleads:
        A mean over pairs: a tenth of the neurons on one line adds only a hundredth. Neurons that never grew
        count as much as those that did.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> mean_squared_cosine(torch.tensor([[1.0, 0.0], [-5.0, 0.0], [0.0, 2.0]]))
        tensor(0.3333)
    """
    return _of_sums(cosine_sums(W), W)


def _of_sums(sums: CosineSums, W: Tensor) -> Tensor:
    m = sums.neurons
    return ((sums.squared - m) / (m * (m - 1))).to(result_dtype(W))


MEASURE = WeightMeasure(
    name="mean_squared_cosine",
    function=mean_squared_cosine,
    null=random_mean_squared_cosine,
    order=80,
    fewest=2,
    shared=SharedQuantity(cosine_sums, _of_sums),
)
