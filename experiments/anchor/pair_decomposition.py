"""Tables over pairs, such as answers over two anchors: what adds, what interacts, and what a swap changes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowcomplex.measures._validation import matrices


@dataclass(frozen=True)
class PairDecomposition:
    """Variance of a table over pairs, by orthogonal parts; they sum to the variance of its entries.

    Attributes:
        additive_symmetric: (...) of a sum of two equal effects, u_i + u_j.
        additive_antisymmetric: (...) of a difference of equal effects, v_i - v_j.
        interaction_symmetric: (...) of what no sum explains and a swap keeps.
        interaction_antisymmetric: (...) of what no sum explains and a swap negates.
    """

    additive_symmetric: Tensor
    additive_antisymmetric: Tensor
    interaction_symmetric: Tensor
    interaction_antisymmetric: Tensor


def pair_decomposition(M: Tensor) -> PairDecomposition:
    """Two-way analysis of variance of M[i, j], split by the exchange of i and j.

    M_ij = μ + α_i + β_j + γ_ij, with u = (α + β)/2, v = (α - β)/2, and γ in its symmetric and antisymmetric
    part. Commuting functions that compose leave u alone; one memorized exception to them, in one cell, gives
    both interactions equal power off the diagonal but for the part that a sum explains; an exception that is
    mirrored gives none to the antisymmetric one.

    Args:
        M: (..., k, k), first element by second.

    Returns:
        Four mean squares; multiplied by c² when M is multiplied by c, invariant under a common shift of all
        entries and a joint permutation of rows and columns. In float64.

    Raises:
        TypeError: `M` is not a floating-point tensor.
        ValueError: `M` is not square, is empty, or holds NaN or infinity.

    Reference:
        Scheffé, "The analysis of variance", 1959, chapter 4 (two-way layout, one observation a cell).

    Example:
        >>> u = torch.tensor([0.0, 1.0, 3.0])
        >>> pair_decomposition(u[:, None] + u).interaction_symmetric
        tensor(0., dtype=torch.float64)
    """
    M = matrices(M, "M")
    if M.shape[-1] != M.shape[-2]:
        raise ValueError(f"M: expected as many first as second elements, got shape {tuple(M.shape)}")
    # Relative to the largest entry no square underflows.
    largest = M.double().abs().amax((-2, -1), keepdim=True)
    table = M.double() / torch.where(largest > 0, largest, 1.0)
    table = table - table.mean((-2, -1), keepdim=True)
    symmetric, antisymmetric = (table + table.mT) / 2, (table - table.mT) / 2
    u, v = symmetric.mean(-1), antisymmetric.mean(-1)
    sums, differences = u[..., :, None] + u[..., None, :], v[..., :, None] - v[..., None, :]
    parts = (sums, differences, symmetric - sums, antisymmetric - differences)
    scale = largest[..., 0, 0].square()
    # What rounding leaves of a part that is exactly zero is no variance.
    noise = (4 * M.shape[-1] * torch.finfo(torch.float64).eps) ** 2
    powers = [part.square().mean((-2, -1)) for part in parts]
    return PairDecomposition(*(torch.where(power > noise, power, 0.0) * scale for power in powers))
