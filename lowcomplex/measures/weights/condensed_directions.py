"""Condensation: do neurons point in few directions?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex._numbers import real, whole
from lowcomplex.measures._neurons import one_matrix, unit_rows
from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._slices import row_slices
from lowcomplex.measures._spectra import largest_entry
from lowcomplex.measures._validation import matrices
from lowcomplex.measures.weight_measure import WeightMeasure
from lowcomplex.nulls import largest_random_share, random_condensed_directions

# Up to this many neurons, the products of all pairs are cheaper than a search that finds nothing.
_ALL_PAIRS = 4096
# Default number of caps examined among more neurons than that.
_MOST = 256
# Number of centers whose caps are examined by one product.
_BATCH = 16
# Shares are sums of many weights: one that equals the null must not pass it by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CondensedDirections:
    """The directions that neurons condense to.

    Attributes:
        count: Number of condensed directions.
        directions: (count, in) unit vectors: the heaviest neuron of each, heaviest share first.
        labels: (out,) index of each neuron's direction; -1 for a neuron that belongs to none.
        shares: (count,) share of the weight that each direction holds.
        null_share: Share that random directions exceed with a probability of at most 1 %. A direction counts
            only if it holds more.
        exact: False if `max_directions` ended the search while a further direction was possible.
    """

    count: int
    directions: Float[Tensor, "count inputs"]
    labels: Int[Tensor, "neurons"]
    shares: Float[Tensor, "count"]
    null_share: float
    exact: bool


def condensed_directions(
    W: Float[Tensor, "neurons inputs"],
    *,
    amplitude: Float[Tensor, "neurons"] | None = None,
    threshold: float = 0.95,
    signed: bool = False,
    max_directions: int | None = None,
) -> CondensedDirections:
    """The few directions that the neurons of a layer point to, if they condense.

    A direction is a cap: the heaviest free neuron takes every free neuron with |cos| > threshold (cos if
    signed), again until none is left. Caps cannot chain as connected components do: random neurons in two or
    three dimensions do not form one direction. With amplitudes, a neuron's weight is its amplitude. Without
    them every neuron has the same weight, and the neuron of the largest norm comes first. Ties are broken by
    the neurons' content, never by their index. A cap counts as a direction if its share of the weight exceeds
    that of the largest cap of random directions (`lowcomplex.nulls.largest_random_share`).

    Args:
        W: (out, in), one matrix; a neuron is a row, with its bias appended where the theory has it.
        amplitude: (out,) nonnegative weights, such as the product of input and output norm.
        threshold: Cosine of the cap's opening angle, in [0, 1).
        signed: Tell a direction from its opposite.
        max_directions: Largest number of caps examined. If None, all caps of up to 4096 neurons, which makes
            the result exact, and 256 caps of more neurons.

    Returns:
        The directions, their shares and the null. Invariant under permutations of the neurons,
        rotations of the input space and, without amplitudes, the scale of W.

    Null:
        `lowcomplex.nulls.random_condensed_directions`.

    Cost:
        Memory O(out · in), time O(out · in) per cap.

    Misleads:
        The count depends on the threshold: a fan of neurons wider than a cap is several directions or none,
        so vary it. With few inputs caps of random neurons are large, and small groups are not counted.

    Raises:
        TypeError: `W` is not a floating-point tensor; another argument has the wrong type.
        ValueError: `W` is not one matrix, is empty or not finite; every neuron is zero; `amplitude` has
            another shape, a negative or no positive entry; `threshold` is outside [0, 1); `max_directions` is
            not positive.

    Example:
        >>> W = torch.tensor([[1.0, 0.0]] * 20 + [[0.0, -3.0]] * 20)
        >>> condensed_directions(W).shares
        tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    W = at_least_single(one_matrix(W))
    real(threshold, "threshold")
    if not isinstance(signed, bool):
        raise TypeError(f"signed: expected True or False, got {signed!r}")
    if max_directions is not None and whole(max_directions, "max_directions") < 1:
        raise ValueError(f"max_directions: expected a positive number of caps, got {max_directions}")
    m, d = W.shape
    weights = _weights(W, amplitude)
    largest = float(largest_entry(W))
    # Inside this range neither products nor norms leave that of single precision, and W need not be copied.
    if not 1e-25 < largest < 1e25 and largest > 0:
        W = W / largest
    norms, content = _norms_and_contents(W)
    alive = (norms > 0) & (weights > 0)
    if not bool(alive.any()):
        raise ValueError("W: expected a direction, got only neurons that are zero or have zero amplitude")
    uneven = amplitude is not None
    null_share = largest_random_share(
        int(alive.sum()),
        d,
        threshold,
        signed=signed,
        weights=weights[alive].cpu().numpy() if uneven else None,
    )
    share = (weights if uneven else torch.ones_like(norms)) * alive
    search = _Search(
        W,
        norms.to(W.dtype) * threshold,
        share / share.sum(),
        _heaviest_first(weights if uneven else norms, content, alive),
        signed,
        null_share * (1 + _ROUNDING),
    )
    if max_directions is None:
        max_directions = m if m <= _ALL_PAIRS else _MOST
    exact = search.run(max_directions)
    found = sorted(search.found, key=lambda cap: -cap[0])
    labels = torch.full((m,), -1, dtype=torch.long, device=W.device)
    for index, (_, members) in enumerate(found):
        labels[members] = index
    return CondensedDirections(
        count=len(found),
        directions=unit_rows(W[[int(members[0]) for _, members in found]]),
        labels=labels,
        shares=torch.tensor([held for held, _ in found], dtype=torch.float64, device=W.device),
        null_share=null_share,
        exact=exact,
    )


def condensed_direction_count(
    W: Float[Tensor, "*batch neurons inputs"], *, threshold: float = 0.95, signed: bool = False
) -> Int[Tensor, "*batch"]:
    """Number of condensed directions of each matrix.

    Args:
        W: (..., out, in), as for `condensed_directions`, like `threshold` and `signed`.
        threshold: Cosine of the cap's opening angle, in [0, 1).
        signed: Tell a direction from its opposite.

    Returns:
        (...) integers from 0, for a zero matrix and where no group is larger than by chance.

    Null:
        `lowcomplex.nulls.random_condensed_directions`.

    Cost:
        One call of `condensed_directions` per matrix.

    Misleads:
        The count leaves out how many neurons follow: one direction of all neurons and one of a tenth of them
        both count 1. Else it misleads where `condensed_directions` does.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity; `threshold` is not in [0, 1).
    """
    matrices(W)
    flat = W.flatten(0, -3) if W.ndim > 2 else W[None]
    counts = [
        condensed_directions(V, threshold=threshold, signed=signed).count if bool(V.any()) else 0
        for V in flat
    ]
    return torch.tensor(counts, dtype=torch.long, device=W.device).reshape(W.shape[:-2])


def _details(W: Tensor) -> dict[str, float | bool]:
    """Number of directions, the share of the neurons that they hold, and whether the search was exact."""
    if not bool(W.any()):
        return {"condensed_directions": 0, "condensed_share": 0.0, "condensed_exact": True}
    found = condensed_directions(W)
    return {
        "condensed_directions": found.count,
        "condensed_share": float(found.shares.sum()),
        "condensed_exact": found.exact,
    }


MEASURE = WeightMeasure(
    name="condensed_directions",
    function=condensed_direction_count,
    null=random_condensed_directions,
    order=100,
    details=_details,
    headline=True,
)


class _Search:
    """Caps around the heaviest free neurons, over the rows that are still free.

    Cosines are never divided out: row · center is compared with the row's norm times the threshold. The free
    rows are copied only when half of the rows are taken, which keeps memory below that of two matrices. One
    product examines a batch of centers.
    """

    def __init__(
        self, W: Tensor, bounds: Tensor, share: Tensor, order: Tensor, signed: bool, null: float
    ) -> None:
        self._W, self._bounds, self._share = W, bounds, share
        self._order = order
        self._rows = torch.arange(len(W), device=W.device)
        self._free = share > 0
        self._signed, self._null = signed, null
        self.found: list[tuple[float, Tensor]] = []

    def run(self, max_directions: int) -> bool:
        """Examine caps until no further one can count; return False if the limit was reached first."""
        caps, free_share = 0, 1.0
        if len(self._order) <= _ALL_PAIRS and not self._some_cap_may_count():
            return True
        while free_share > self._null:
            if caps == max_directions:
                return False
            if len(self._order) <= len(self._W) // 2:
                self._keep_free_rows()
                if len(self._order) <= _ALL_PAIRS and not self._some_cap_may_count():
                    return True
            centers = self._order[: min(_BATCH, max_directions - caps)]
            inside = self._inside(centers)
            for index, center in enumerate(centers.tolist()):
                if not self._free[center]:
                    continue
                members = self._free & inside[:, index]
                members[center] = True
                held = float(self._share[members].sum())
                self._free &= ~members
                free_share -= held
                caps += 1
                if held > self._null:
                    members[center] = False
                    others = torch.nonzero(members).squeeze(1)
                    self.found.append((held, self._rows[torch.cat((centers[index : index + 1], others))]))
            self._order = self._order[self._free[self._order]]
        return True

    def _inside(self, centers: Tensor) -> Tensor:
        """Whether each row lies in the cap around each center, (rows, centers)."""
        products = self._W @ unit_rows(self._W[centers]).mT
        return (products if self._signed else products.abs_()) > self._bounds[:, None]

    def _keep_free_rows(self) -> None:
        kept = self._order
        self._W, self._bounds, self._share = self._W[kept], self._bounds[kept], self._share[kept]
        self._rows, self._free = self._rows[kept], self._free[kept]
        self._order = torch.arange(len(kept), device=kept.device)

    def _some_cap_may_count(self) -> bool:
        """False if no cap around a free neuron holds more than the null, and the search can end."""
        if len(self._order) == 0:
            return False
        free_share = self._share * self._free
        parts = torch.split(self._order, _BATCH * 16)
        return any(bool((free_share @ self._inside(part).double()).max() > self._null) for part in parts)


def _norms_and_contents(W: Tensor) -> tuple[Tensor, Tensor]:
    """Norm of each row in float64, and a number that tells rows of equal norm apart."""
    # A fixed irrational direction tells different contents apart; equal contents may come in any order.
    probe = torch.sqrt(torch.arange(2, W.shape[1] + 2, dtype=torch.float64, device=W.device)) % 1
    norms = torch.empty(len(W), dtype=torch.float64, device=W.device)
    contents = torch.empty_like(norms)
    start = 0
    for part in row_slices(W):
        double = part.double()
        rows = slice(start, start + len(part))
        norms[rows], contents[rows] = torch.linalg.vector_norm(double, dim=-1), double @ probe
        start = rows.stop
    return norms, contents


def _heaviest_first(weight: Tensor, content: Tensor, alive: Tensor) -> Tensor:
    """Indices of the neurons that are alive, by descending weight; ties are broken by content."""
    keys: tuple[NDArray[np.float64], ...] = (content.cpu().numpy(), -weight.cpu().numpy())
    order = torch.from_numpy(np.lexsort(keys)).to(alive.device)
    return order[alive[order]]


def _weights(W: Tensor, amplitude: Tensor | None) -> Tensor:
    if amplitude is None:
        return torch.ones(len(W), dtype=torch.float64, device=W.device)
    if not isinstance(amplitude, Tensor):
        raise TypeError(f"amplitude: expected a torch.Tensor, got {type(amplitude).__name__}")
    if amplitude.shape != W.shape[:1]:
        raise ValueError(f"amplitude: expected shape {tuple(W.shape[:1])}, got {tuple(amplitude.shape)}")
    amplitude = amplitude.detach().double().to(W.device)
    if not bool(torch.isfinite(amplitude).all()) or bool((amplitude < 0).any()):
        raise ValueError("amplitude: expected finite, nonnegative weights")
    total = float(amplitude.sum())
    if not (total > 0 and math.isfinite(total)):
        raise ValueError("amplitude: expected a positive, finite sum of the weights")
    return amplitude / amplitude.max()
