"""Sums over all pairs of neurons, from which the moments of their cosines are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lowcomplex.measures._slices import row_slices
from lowcomplex.measures._validation import matrices


class CosineSums(NamedTuple):
    """Sums over all ordered pairs of nonzero neurons, pairs of a neuron with itself included, in float64.

    Attributes:
        cosines: (...) |Σ u|², u the unit neurons.
        squared: (...) ‖Uᵀ U‖_F².
        neurons: (...) number of nonzero neurons.
    """

    cosines: Tensor
    squared: Tensor
    neurons: Tensor


def cosine_sums(W: Tensor) -> CosineSums:
    """Both sums, in O(out · in · min(out, in)) time."""
    cosines, m = sum_of_cosines(W)
    if W.shape[-2] > W.shape[-1]:
        gram, _ = _over_unit_neurons(W, lambda U: U.mT @ U)
    else:
        U, _ = _unit_neurons(W)
        gram = U @ U.mT
    return CosineSums(cosines, gram.square().sum((-2, -1)), m)


def sum_of_cosines(W: Tensor) -> tuple[Tensor, Tensor]:
    """|Σ u|² and the number of neurons, in O(out · in) time."""
    matrices(W)
    total, m = _over_unit_neurons(W, lambda U: U.sum(-2))
    return total.square().sum(-1), m


def _over_unit_neurons(W: Tensor, term: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Sum of a term over slices of the neurons: the matrix is never copied whole into double precision."""
    total = m = torch.zeros((), dtype=torch.float64, device=W.device)
    for part in row_slices(W):
        U, alive = _unit_neurons(part)
        total, m = total + term(U), m + alive
    return total, m


def _unit_neurons(W: Tensor) -> tuple[Tensor, Tensor]:
    """Unit rows in float64 (a zero row where a neuron is zero), and the number of nonzero neurons."""
    W = W.double()
    largest = W.abs().amax(-1, keepdim=True)
    alive = largest > 0
    # Dividing by the largest entry first keeps squares inside the range of float64.
    scaled = W / torch.where(alive, largest, 1.0)
    norms = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return scaled / torch.where(alive, norms, 1.0), alive.squeeze(-1).sum(-1).double()
