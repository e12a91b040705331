"""Minibatches and losses for all members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from lowcomplex._numbers import whole


class MemberBatches:
    """Minibatch indices for all members, each in an order of its own.

    Every member goes through all samples in a random order, and then in a new one; a last batch that would
    not be full is left out. A member's order depends on its seed alone. Generators draw once per
    epoch, not once per step.

    Args:
        samples: Number of samples.
        batch: Minibatch size.
        seeds: One for each member.

    Raises:
        ValueError: A batch of no samples or of more than there are, or no seeds.

    Example:
        >>> batches = MemberBatches(10, 4, seeds=(0, 1, 2))
        >>> batches.draw().shape
        torch.Size([3, 4])
    """

    def __init__(self, samples: int, batch: int, seeds: Sequence[int]) -> None:
        if not 1 <= batch <= samples:
            raise ValueError(f"batch: expected 1 to {samples} samples, got {batch}")
        if not seeds:
            raise ValueError("seeds: expected one for each member, got none")
        self._samples, self._batch = samples, batch
        self._generators = [torch.Generator().manual_seed(whole(seed, "seeds")) for seed in seeds]
        self._orders = torch.zeros(len(seeds), samples, dtype=torch.long)
        self._position = samples

    def draw(self) -> Int[Tensor, "members batch"]:
        """The next indices, on the CPU."""
        if self._position + self._batch > self._samples:
            for order, generator in zip(self._orders, self._generators, strict=True):
                torch.randperm(self._samples, generator=generator, out=order)
            self._position = 0
        start, self._position = self._position, self._position + self._batch
        return self._orders[:, start : self._position].clone()

    def state_dict(self) -> dict[str, Tensor]:
        """All that drawing changes."""
        return {
            "generators": torch.stack([generator.get_state() for generator in self._generators]),
            "orders": self._orders.clone(),
            "position": torch.tensor(self._position),
        }

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> None:
        """Continue where another was.

        Raises:
            ValueError: The state belongs to other sizes.
        """
        if state_dict["orders"].shape != self._orders.shape:
            raise ValueError(
                f"state_dict: expected orders {tuple(self._orders.shape)}, "
                f"got {tuple(state_dict['orders'].shape)}"
            )
        for generator, state in zip(self._generators, state_dict["generators"], strict=True):
            generator.set_state(state.clone())  # It reads from the start of the storage.
        self._orders.copy_(state_dict["orders"])
        self._position = int(state_dict["position"])


def member_cross_entropy(
    logits: Float[Tensor, "members n classes"], labels: Int[Tensor, " n"] | Int[Tensor, "members n"]
) -> Float[Tensor, " members"]:
    """Each member's mean cross-entropy, on labels that all members share or on labels of its own.

    Raises:
        ValueError: Shapes do not agree.

    Example:
        >>> member_cross_entropy(torch.zeros(2, 5, 4), torch.zeros(5, dtype=torch.long)).shape
        torch.Size([2])
    """
    if logits.ndim != 3 or labels.shape not in (logits.shape[:2], logits.shape[1:2]):
        raise ValueError(
            "logits, labels: expected (members, n, classes) and (n,) or (members, n), "
            f"got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    members, n = logits.shape[:2]
    asked = labels.expand(members, n).reshape(-1)
    losses = functional.cross_entropy(logits.flatten(0, 1), asked, reduction="none")
    return losses.view(members, n).mean(1)
