"""All ranks of a matrix together."""

from __future__ import annotations

from jaxtyping import Float, Real
from torch import Tensor

from lowcomplex.measures.weight_measure import measure_weights, weight_measures
from lowcomplex.measures.weights.numerical_rank import numerical_rank
from lowcomplex.measures.weights.singular_values import singular_values


def rank_measures(
    W: Float[Tensor, "*batch neurons inputs"], *, rtol: float | None = None
) -> dict[str, Real[Tensor, "*batch"]]:
    """All rank measures of a matrix from one decomposition.

    Args:
        W: (..., out, in) matrices.
        rtol: As in `numerical_rank`.

    Returns:
        Every weight measure that is computed from the singular values, by name, each (...).

    Null:
        Those of its measures, by `null_of`.

    Cost:
        One decomposition, as of `singular_values`.

    Misleads:
        All are functions of one spectrum: that they agree is no independent evidence.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity; `rtol` is not in [0, 1).

    Example:
        >>> sorted(rank_measures(torch.eye(2)))[:2]
        ['effective_rank', 'nuclear_rank']
    """
    ranks = measure_weights(W, weight_measures(of=singular_values))
    return ranks if rtol is None else ranks | {"numerical_rank": numerical_rank(W, rtol)}
