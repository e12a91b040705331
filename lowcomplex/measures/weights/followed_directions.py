"""How condensation spreads: condensed directions followed from step to step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lowcomplex.measures._validation import matrices
from lowcomplex.measures.weights.condensed_directions import CondensedDirections, condensed_directions


@dataclass(frozen=True)
class FollowedDirections:
    """Condensed directions with one identity over all steps.

    Attributes:
        labels: (steps, m) identity of each neuron's direction; -1 for a neuron that belongs to none.
            Identities are numbered in the order of birth, and by share within one step.
        shares: (steps, identities) share of the weight that each direction holds; 0 where it does not exist.
        counts: (steps,) number of directions at each step.
        joined: (m,) first step at which each neuron belongs to a direction; -1 if it never does.
        exact: (steps,) False where `max_directions` ended the search while a further direction was possible.
    """

    labels: Int[Tensor, "steps neurons"]
    shares: Float[Tensor, "steps identities"]
    counts: Int[Tensor, "steps"]
    joined: Int[Tensor, "neurons"]
    exact: Bool[Tensor, "steps"]


def followed_directions(
    path: Float[Tensor, "steps neurons inputs"],
    *,
    amplitude: Float[Tensor, "steps neurons"] | None = None,
    threshold: float = 0.95,
    signed: bool = False,
    max_directions: int | None = None,
) -> FollowedDirections:
    """Find the condensed directions of each step, and give a direction that persists one identity.

    A direction has the identity of the direction of the step before with which it shares neurons, in the
    assignment that shares most neurons in total (Kuhn 1955). A direction that shares none is new. Of two
    directions that merge, the one that gave more neurons lives on. The number of identities is how many
    directions there ever were; `counts` is how many there were at each step.

    Args:
        path: (steps, m, d) weights of one layer at recorded steps; a neuron is a row.
        amplitude: (steps, m) nonnegative weights of the neurons, as for `condensed_directions`.
        threshold: As for `condensed_directions`, like `signed` and `max_directions`.
        signed: Tell a direction from its opposite.
        max_directions: Largest number of caps examined per step.

    Returns:
        Labels, shares and counts over time, on the CPU. Equivariant under permutations of the neurons.

    Null:
        That of `condensed_directions` at each step; identities have none.

    Cost:
        One call of `condensed_directions` and one assignment per step.

    Misleads:
        A direction that flickers about the threshold gets a new identity each time it returns. Steps far
        apart lose identities, too, as neurons change sides between them.

    Raises:
        TypeError: `path` is not a floating-point tensor.
        ValueError: `path` is not (steps, m, d); and as for `condensed_directions`.

    Example:
        >>> apart, together = torch.eye(9)[[0] * 20 + [1] * 30], torch.eye(9)[[1] * 50]
        >>> followed_directions(torch.stack((apart, together))).shares
        tensor([[0.6000, 0.4000],
                [1.0000, 0.0000]], dtype=torch.float64)
    """
    path = matrices(path, "path")
    if path.ndim != 3:
        raise ValueError(f"path: expected (steps, m, d), got shape {tuple(path.shape)}")
    if amplitude is not None and amplitude.shape != path.shape[:2]:
        raise ValueError(f"amplitude: expected shape {tuple(path.shape[:2])}, got {tuple(amplitude.shape)}")
    found = [
        condensed_directions(
            W,
            amplitude=None if amplitude is None else amplitude[step],
            threshold=threshold,
            signed=signed,
            max_directions=max_directions,
        )
        for step, W in enumerate(path)
    ]
    labels = torch.full(path.shape[:2], -1, dtype=torch.long, device="cpu")
    identities: list[list[int]] = []
    born = 0
    for step, directions in enumerate(found):
        inherited = _inherited(labels[step - 1], directions, born) if step else {}
        own = []
        for index in range(directions.count):
            own.append(inherited.get(index, born))
            born += index not in inherited
        identities.append(own)
        known = directions.labels.cpu() >= 0
        labels[step, known] = torch.tensor(own, dtype=torch.long, device="cpu")[
            directions.labels.cpu()[known]
        ]
    shares = torch.zeros(len(path), born, dtype=torch.float64, device="cpu")
    for step, own in enumerate(identities):
        shares[step, own] = found[step].shares.cpu()
    member = labels >= 0
    return FollowedDirections(
        labels=labels,
        shares=shares,
        counts=torch.tensor([directions.count for directions in found], device="cpu"),
        joined=torch.where(member.any(0), member.int().argmax(0), -1),
        exact=torch.tensor([directions.exact for directions in found], device="cpu"),
    )


def _inherited(before: Tensor, directions: CondensedDirections, born: int) -> dict[int, int]:
    """Identity that each direction of a step inherits from the step before, by shared neurons."""
    from scipy.optimize import linear_sum_assignment

    after = directions.labels.cpu()
    both = (before >= 0) & (after >= 0)
    pairs = after[both] * born + before[both]
    shared = torch.bincount(pairs, minlength=directions.count * born).reshape(directions.count, born)
    rows, columns = linear_sum_assignment(shared.numpy(), maximize=True)
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if shared[int(row), int(column)] > 0
    }
