"""Condensation: do neurons point in few directions?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.measures._validation import matrices
from lowcomplex.nulls import largest_random_share

# Up to this many neurons, one product of all pairs is cheaper than a search that finds nothing.
_SMALL = 1024
# Shares are sums of many weights: one that equals the null must not pass it by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CondensedDirections:
    """The directions that neurons condense to.

    Attributes:
        count: Number of condensed directions.
        directions: (count, in) unit vectors: the heaviest neuron of each, heaviest share first.
        labels: (out,) index of each neuron's direction, -1 for a neuron of none.
        shares: (count,) share of the weight that each direction holds.
        null_share: Share that random directions exceed with probability 1 % at most; a direction
            counts only above it.
        exact: False if the cap on directions ended the search while a further one was possible.
    """

    count: int
    directions: Tensor
    labels: Tensor
    shares: Tensor
    null_share: float
    exact: bool


def cosine_similarity(W: Tensor) -> Tensor:
    """Cosines between all pairs of neurons, W_i · W_j / (|W_i| |W_j|).

    Args:
        W: (..., out, in); a neuron is a row.

    Returns:
        (..., out, out), NaN in the rows and columns of zero neurons, which have no direction.
        Invariant under a positive scale of each neuron and under rotations of the input space.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> cosine_similarity(torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))[0]
        tensor([1.0000, 0.0000, 0.7071])
    """
    U = _unit_rows(matrices(W).double())
    return (U @ U.mT).clamp(-1, 1).to(W.dtype)


def display_order(W: Tensor) -> Tensor:
    """An order of the neurons that puts similar ones side by side, for heat maps.

    Average-linkage clustering of 1 - cos with optimal leaf ordering; zero neurons come last.

    Args:
        W: (out, in), one matrix.

    Returns:
        (out,) indices.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not one matrix, is empty, or holds NaN or infinity.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    W = _one_matrix(W)
    alive = W.abs().amax(-1) > 0
    kept, zero = torch.nonzero(alive).squeeze(1).cpu(), torch.nonzero(~alive).squeeze(1).cpu()
    if len(kept) > 2:
        distance = (1 - cosine_similarity(W[alive])).double().cpu().numpy()
        np.fill_diagonal(distance, 0.0)
        condensed = squareform((distance + distance.T) / 2, checks=False)
        leaves = leaves_list(linkage(condensed, method="average", optimal_ordering=True))
        kept = kept[torch.from_numpy(leaves.astype(np.int64))]
    return torch.cat((kept, zero))


def condensed_directions(
    W: Tensor,
    *,
    amplitude: Tensor | None = None,
    threshold: float = 0.95,
    signed: bool = False,
    max_directions: int = 256,
) -> CondensedDirections:
    """The few directions that the neurons of a layer point to, if they do.

    A direction is a cap: the heaviest free neuron takes every free neuron with |cos| > threshold
    (cos if signed), again until none is left. Caps cannot chain as connected components do: random
    neurons in two or three dimensions do not form one direction. A neuron's weight is its amplitude
    if given, and its norm orders them otherwise, each neuron counting the same; ties are broken by
    the neurons' content, never by their index. A cap counts as a direction if its share of the
    weight exceeds what the largest cap of random directions holds
    (`lowcomplex.nulls.largest_random_share`).

    Args:
        W: (out, in), one matrix; a neuron is a row, with its bias appended where the theory has it.
        amplitude: (out,) nonnegative weights, such as the product of input and output norm.
        threshold: Cosine of the cap's opening angle, in [0, 1).
        signed: Tell a direction from its opposite.
        max_directions: Largest number of caps looked at.

    Returns:
        The directions, their shares and the null. Invariant under permutations of the neurons,
        rotations of the input space and, without amplitudes, the scale of W. Memory O(out · in), time
        O(out · in) for each cap.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not one matrix, is empty or not finite; every neuron is zero; `amplitude` has
            another shape, a negative or no positive entry; `threshold` is outside [0, 1).

    Example:
        >>> W = torch.tensor([[1.0, 0.0]] * 20 + [[0.0, -3.0]] * 20)
        >>> condensed_directions(W).shares
        tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    W = _one_matrix(W)
    m, d = W.shape
    weights = _weights(W, amplitude)
    alive = (W.abs().amax(-1) > 0) & (weights > 0)
    if not bool(alive.any()):
        raise ValueError("W: every neuron is zero or has zero amplitude; there is no direction")
    uneven = amplitude is not None
    null_share = largest_random_share(
        int(alive.sum()),
        d,
        threshold,
        signed=signed,
        weights=weights[alive].cpu().numpy() if uneven else None,
    )
    U = _unit_rows(W)
    order = _heaviest_first(U, weights if uneven else _norms(W), alive)
    share = (weights if uneven else alive.double()) * alive
    share = share / share.sum()

    free = alive.clone()
    free_share = 1.0 if _some_cap_may_count(U, alive, share, threshold, null_share) else 0.0
    labels = torch.full((m,), -1, dtype=torch.long, device=W.device)
    found: list[tuple[float, int, Tensor]] = []
    caps = 0
    for center in order.tolist():
        if free_share <= null_share or caps == max_directions:
            break
        if not free[center]:
            continue
        cosines = U @ U[center]
        members = free & ((cosines if signed else cosines.abs()) > threshold)
        members[center] = True
        held = float(share[members].sum())
        free &= ~members
        free_share = float(share[free].sum())
        caps += 1
        if held > null_share * (1 + _ROUNDING):
            found.append((held, center, members))
    found.sort(key=lambda cap: -cap[0])
    for index, (_, _, members) in enumerate(found):
        labels[members] = index
    return CondensedDirections(
        count=len(found),
        directions=U[[center for _, center, _ in found]],
        labels=labels,
        shares=torch.tensor([held for held, _, _ in found], dtype=torch.float64, device=W.device),
        null_share=null_share,
        exact=free_share <= null_share,
    )


def condensed_direction_count(W: Tensor, *, threshold: float = 0.95, signed: bool = False) -> Tensor:
    """Number of condensed directions of each matrix of a batch, (..., out, in) → (...)."""
    flat = matrices(W).flatten(0, -3) if W.ndim > 2 else W[None]
    counts = [condensed_directions(V, threshold=threshold, signed=signed).count for V in flat]
    return torch.tensor(counts, device=W.device).reshape(W.shape[:-2])


def _some_cap_may_count(U: Tensor, alive: Tensor, share: Tensor, threshold: float, null: float) -> bool:
    """False if no cap around any neuron holds more than the null, so that none need be looked for."""
    if len(U) > _SMALL:
        return True
    living = U[alive]
    neighbors = (living @ living.mT).abs() > threshold
    return bool((neighbors.double() @ share[alive]).max() > null * (1 + _ROUNDING))


def _one_matrix(W: Tensor) -> Tensor:
    matrices(W)
    if W.ndim != 2:
        raise ValueError(f"W: expected one matrix (out, in), got shape {tuple(W.shape)}")
    return W.detach()


def _norms(W: Tensor) -> Tensor:
    largest = W.abs().amax()
    norms: Tensor = torch.linalg.vector_norm(W.double() / largest, dim=-1)
    return norms


def _unit_rows(W: Tensor) -> Tensor:
    # Dividing by the largest entry first keeps squares of 1e-30 or 1e30 inside the dtype's range.
    scaled = W / W.abs().amax(-1, keepdim=True)
    unit: Tensor = scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return unit


def _weights(W: Tensor, amplitude: Tensor | None) -> Tensor:
    if amplitude is None:
        return torch.ones(len(W), dtype=torch.float64, device=W.device)
    if amplitude.shape != W.shape[:1]:
        raise ValueError(f"amplitude: expected shape {tuple(W.shape[:1])}, got {tuple(amplitude.shape)}")
    amplitude = amplitude.detach().double().to(W.device)
    if not bool(torch.isfinite(amplitude).all()) or bool((amplitude < 0).any()):
        raise ValueError("amplitude: expected finite, nonnegative weights")
    total = float(amplitude.sum())
    if not (total > 0 and math.isfinite(total)):
        raise ValueError("amplitude: expected a positive, finite sum of the weights")
    return amplitude / amplitude.max()


def _heaviest_first(U: Tensor, weight: Tensor, alive: Tensor) -> Tensor:
    """Indices of the living neurons by descending weight; ties by their content."""
    d = U.shape[1]
    # A fixed irrational direction tells different contents apart; equal contents may stand anyhow.
    probe = torch.sqrt(torch.arange(2, d + 2, dtype=torch.float64, device=U.device)) % 1
    content = (U * probe.to(U.dtype)).sum(-1)
    keys: tuple[NDArray[np.float64], ...] = (
        content.double().cpu().numpy(),
        -weight.cpu().numpy(),
    )
    order = torch.from_numpy(np.lexsort(keys)).to(U.device)
    return order[alive[order]]
