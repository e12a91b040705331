"""What a trained network answers on the anchor task, and which kind of solution that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lowcomplex.tasks.anchor import AnchorBatch, AnchorTask, Pair

Phase = Literal["inferential", "symmetric", "neither", "not converged"]
Logits = Callable[[Tensor], Tensor]

LARGEST_DEVIATION = 20


@dataclass(frozen=True)
class AnchorAnswers:
    """The accuracies of a network on the anchor task.

    Attributes:
        seen_train_keys: Accuracy on trained pairs and training keys.
        seen_test_keys: Accuracy on trained pairs and keys held out at their position.
        inferential: Share of answers on the probed pair that compose its anchors.
        symmetric: Share of answers on the probed pair that mirror the trained pair.
        offsets: (41,) offsets -20..20 from the key.
        deviation_share: (41,) share of answers on the probed pair at each offset from the key; the
            rest of the answers lies further away.
    """

    seen_train_keys: float
    seen_test_keys: float
    inferential: float
    symmetric: float
    offsets: Tensor
    deviation_share: Tensor

    @property
    def phase(self) -> Phase:
        """The kind of solution; see `phase`."""
        return phase(self.seen_train_keys, self.inferential, self.symmetric)


class AnchorProbe:
    """Fixed evaluation sequences of the anchor task, drawn once so that steps can be compared.

    Args:
        task: The task.
        generator: Source of the sequences.
        pair: The unseen pair whose answers tell the kind of solution.
        samples: Sequences for each accuracy.

    Raises:
        ValueError: `pair` is trained, or mirrors and composes to the same answer.
    """

    def __init__(
        self,
        task: AnchorTask,
        generator: torch.Generator,
        *,
        pair: Pair = (4, 3),
        samples: int = 1000,
    ) -> None:
        if pair in task.seen:
            raise ValueError(f"pair: expected an unseen pair out of {task.unseen}, got {pair}")
        self.inferential_offset = task.inferential_offset(pair)
        self.symmetric_offset = task.symmetric_offset(pair)
        if self.inferential_offset == self.symmetric_offset:
            raise ValueError(f"pair: composing and mirroring give the same answer on {pair}")
        self.train = task.sample(samples, generator, keys="train")
        self.test = task.sample(samples, generator, keys="test")
        self.unseen = task.sample(samples, generator, pairs=(pair,), keys="all")

    @torch.no_grad()
    def __call__(self, logits: Logits) -> AnchorAnswers:
        """Ask a network.

        Args:
            logits: Maps (n, 9) tokens to (n, vocabulary) logits at the last position.

        Returns:
            Its accuracies and its answers on the unseen pair.
        """
        deviation = logits(self.unseen.tokens).argmax(-1) - self.unseen.keys
        offsets = torch.arange(-LARGEST_DEVIATION, LARGEST_DEVIATION + 1, device=deviation.device)
        return AnchorAnswers(
            seen_train_keys=_accuracy(logits, self.train),
            seen_test_keys=_accuracy(logits, self.test),
            inferential=_share(deviation, self.inferential_offset),
            symmetric=_share(deviation, self.symmetric_offset),
            offsets=offsets,
            deviation_share=(deviation[:, None] == offsets).double().mean(0),
        )


def phase(
    seen_train_keys: float,
    inferential: float,
    symmetric: float,
    *,
    converged: float = 0.9,
    majority: float = 0.5,
) -> Phase:
    """The kind of solution, from the accuracies.

    Args:
        seen_train_keys: Accuracy on trained pairs and training keys.
        inferential: Share of composed answers on the unseen pair.
        symmetric: Share of mirrored answers on the unseen pair.
        converged: Smallest `seen_train_keys` of a run that learned its task.
        majority: A kind of answer given more often than this names the solution.

    Returns:
        "not converged" if the task was not learned, else "inferential" or "symmetric" where that
        answer has the majority, else "neither".

    Example:
        >>> phase(1.0, 0.8, 0.1)
        'inferential'
    """
    if not seen_train_keys >= converged:
        return "not converged"
    if inferential > majority:
        return "inferential"
    if symmetric > majority:
        return "symmetric"
    return "neither"


def _accuracy(logits: Logits, batch: AnchorBatch) -> float:
    return float((logits(batch.tokens).argmax(-1) == batch.labels).double().mean())


def _share(deviation: Tensor, offset: int) -> float:
    return float((deviation == offset).double().mean())
