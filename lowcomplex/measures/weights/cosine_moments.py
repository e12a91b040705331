"""Condensation without a threshold: moments of the cosines between neurons."""

from __future__ import annotations

from jaxtyping import Float, Real
from torch import Tensor

from lowcomplex.measures.weight_measure import measure_weights, weight_measures
from lowcomplex.measures.weights._cosine_sums import cosine_sums


def cosine_moments(W: Float[Tensor, "*batch neurons inputs"]) -> dict[str, Real[Tensor, "*batch"]]:
    """All moments of the cosines between neurons together: the sums over pairs are computed once.

    Args:
        W: (..., out, in), as for `mean_cosine`.

    Returns:
        Every weight measure that is computed from these sums, by name, each (...).

    Null:
        Those of its measures, by `null_of`.

    Cost:
        That of `mean_squared_cosine`.

    Misleads:
        All are moments of one distribution: that they agree is no independent evidence.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> sorted(cosine_moments(torch.eye(2)))
        ['effective_directions', 'mean_cosine', 'mean_squared_cosine']
    """
    return measure_weights(W, weight_measures(of=cosine_sums))
