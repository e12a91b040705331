"""Condensation without a threshold: moments of the cosines between neurons, in O(out · in²) time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lowcomplex.measures._slices import row_slices
from lowcomplex.measures._validation import matrices


def mean_cosine(W: Tensor) -> Tensor:
    """Mean cosine over all pairs of different neurons, (|Σ u|² - m) / (m (m - 1)), u the unit neurons.

    Args:
        W: (..., out, in); a neuron is a row, and zero neurons, which have no direction, are left out.

    Returns:
        (...), in [-1/(m - 1), 1]: 1 if all point one way, 0 ± sqrt(2 / (m (m - 1) in)) for random neurons;
        NaN for fewer than two. Invariant under rotations, permutations and positive scales of neurons.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> mean_cosine(torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]]))
        tensor(0.3333)
    """
    matrices(W)
    total, m = _over_unit_neurons(W, lambda U: U.sum(-2))
    return ((total.square().sum(-1) - m) / (m * (m - 1))).to(W.dtype)


def mean_squared_cosine(W: Tensor) -> Tensor:
    """Mean squared cosine over all pairs of different neurons, (‖Uᵀ U‖_F² - m) / (m (m - 1)).

    Unlike `mean_cosine`, it does not tell a direction from its opposite.

    Args:
        W: (..., out, in), as for `mean_cosine`.

    Returns:
        (...), in [0, 1]: 1 if all lie on one line, 1/in on average for random neurons; NaN for fewer than
        two.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> mean_squared_cosine(torch.tensor([[1.0, 0.0], [-5.0, 0.0], [0.0, 2.0]]))
        tensor(0.3333)
    """
    return cosine_moments(W)["mean_squared_cosine"]


def effective_directions(W: Tensor) -> Tensor:
    """Effective number of directions of the neurons, m² / ‖Uᵀ U‖_F²: their participation ratio.

    Args:
        W: (..., out, in), as for `mean_cosine`.

    Returns:
        (...), in [1, min(m, in)]: k for neurons spread evenly over k orthogonal lines, and for m random
        neurons m · in / (m + in - 1) on average over the denominator; NaN without neurons.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> effective_directions(torch.tensor([[1.0, 0.0], [-5.0, 0.0], [0.0, 2.0], [0.0, 1.0]]))
        tensor(2.)
    """
    return cosine_moments(W)["effective_directions"]


def cosine_moments(W: Tensor) -> dict[str, Tensor]:
    """All moments of the cosines between neurons together, the sum over pairs being taken once.

    Args:
        W: (..., out, in), as for `mean_cosine`.

    Returns:
        mean_cosine, mean_squared_cosine and effective_directions, each (...).

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> sorted(cosine_moments(torch.eye(2)))
        ['effective_directions', 'mean_cosine', 'mean_squared_cosine']
    """
    squared, m = _sum_of_squared_cosines(W)
    return {
        "mean_cosine": mean_cosine(W),
        "mean_squared_cosine": ((squared - m) / (m * (m - 1))).to(W.dtype),
        "effective_directions": (m.square() / squared).to(W.dtype),
    }


def _sum_of_squared_cosines(W: Tensor) -> tuple[Tensor, Tensor]:
    """‖Uᵀ U‖_F² over all pairs of neurons, each with itself too, and the number of neurons."""
    matrices(W)
    if W.shape[-2] > W.shape[-1]:
        gram, m = _over_unit_neurons(W, lambda U: U.mT @ U)
    else:
        U, alive = _unit_neurons(W)
        gram, m = U @ U.mT, alive
    return gram.square().sum((-2, -1)), m


def _over_unit_neurons(W: Tensor, term: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Sum of a term over slices of the neurons, so that many are never copied whole into double precision."""
    total = m = torch.zeros((), dtype=torch.float64, device=W.device)
    for part in row_slices(W):
        U, alive = _unit_neurons(part)
        total, m = total + term(U), m + alive
    return total, m


def _unit_neurons(W: Tensor) -> tuple[Tensor, Tensor]:
    """Unit rows in float64, zero rows where a neuron is zero, and the number of the others."""
    W = W.double()
    largest = W.abs().amax(-1, keepdim=True)
    alive = largest > 0
    # Dividing by the largest entry first keeps squares inside the range of float64.
    scaled = W / torch.where(alive, largest, 1.0)
    norms = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return scaled / torch.where(alive, norms, 1.0), alive.squeeze(-1).sum(-1).double()
