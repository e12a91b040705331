"""What a trained network answers on the anchor task, and which kind of solution that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lowcomplex.tasks.anchor import AnchorBatch, AnchorTask, Answer, Word
from lowcomplex.tasks.anchor_functions import KEYS

Phase = Literal["inferential", "symmetric", "neither", "not converged"]
Logits = Callable[[Tensor], Tensor]

LARGEST_DEVIATION = 20


@dataclass(frozen=True)
class AnchorAnswers:
    """The accuracies of a network on the anchor task.

    Attributes:
        seen_train_keys: Accuracy on trained pairs and training keys.
        seen_test_keys: Accuracy on trained pairs and keys held out at their position.
        inferential: Share of answers on the probed pairs that compose their anchors.
        symmetric: Share of answers on the probed pairs that mirror the trained pair; NaN if the mirrored
            pair is not trained either.
        offsets: Offsets -20..20 from the key.
        deviation_share: Share of answers on the probed pairs at each offset from the key (the
            shortest around the circle, where anchors act on it); the rest lies further away.
    """

    seen_train_keys: float
    seen_test_keys: float
    inferential: float
    symmetric: float
    offsets: Int[Tensor, "41"]
    deviation_share: Float[Tensor, "41"]

    @property
    def phase(self) -> Phase:
        """The kind of solution; see `phase`."""
        return phase(self.seen_train_keys, self.inferential, self.symmetric)


class AnchorProbe:
    """Fixed evaluation sequences of the anchor task, drawn once so that steps can be compared.

    Args:
        task: The task.
        generator: Source of the sequences.
        pair: The unseen pair whose answers tell the kind of solution; the task's unseen words together if
            None, and none if it has no unseen pair.
        samples: Sequences for each accuracy.

    Raises:
        ValueError: `pair` is trained, or mirrors and composes to the same answer.
    """

    def __init__(
        self,
        task: AnchorTask,
        generator: torch.Generator,
        *,
        pair: Word | None = None,
        samples: int = 1000,
    ) -> None:
        unseen = tuple(word for word in task.words if word not in task.seen)
        if pair is not None and tuple(pair) not in unseen:
            raise ValueError(f"pair: expected an unseen pair out of {unseen}, got {pair}")
        words = unseen if pair is None else (tuple(pair),)
        mirrored = {word: task.symmetric(word) for word in words if _mirror_is_trained(task, word)}
        same = [word for word, function in mirrored.items() if function == task.inferential(word)]
        if same:
            raise ValueError(f"pair: composing and mirroring give the same answer on {same[0]}")
        self._task = task
        self._mirrors = bool(words) and len(mirrored) == len(words)
        self.train = task.sample(samples, generator, keys="train")
        self.test = task.sample(samples, generator, keys="test")
        self.unseen = task.sample(samples, generator, pairs=words, keys="all") if words else None

    @torch.no_grad()
    def __call__(self, logits: Logits) -> AnchorAnswers:
        """Ask a network.

        Args:
            logits: Maps (n, 9) tokens to (n, vocabulary) logits at the last position.

        Returns:
            Its accuracies and its answers on the unseen pairs.
        """
        inferential = symmetric = math.nan
        offsets = torch.arange(-LARGEST_DEVIATION, LARGEST_DEVIATION + 1)
        deviation_share = torch.full(offsets.shape, math.nan, dtype=torch.float64)
        if self.unseen is not None:
            given = logits(self.unseen.tokens).argmax(-1)
            inferential = self._share(self.unseen, given, "inferential")
            if self._mirrors:
                symmetric = self._share(self.unseen, given, "symmetric")
            deviation = given - self.unseen.keys
            if self._task.functions != "translations":
                deviation = (deviation + KEYS // 2) % KEYS - KEYS // 2
            offsets = offsets.to(given.device)
            deviation_share = (deviation[:, None] == offsets).double().mean(0)
        return AnchorAnswers(
            seen_train_keys=_accuracy(logits, self.train),
            seen_test_keys=_accuracy(logits, self.test),
            inferential=inferential,
            symmetric=symmetric,
            offsets=offsets,
            deviation_share=deviation_share,
        )

    def _share(self, batch: AnchorBatch, given: Tensor, kind: Answer) -> float:
        return float((given == self._task.answers(batch.keys, batch.anchors, kind)).double().mean())


def _mirror_is_trained(task: AnchorTask, word: Word) -> bool:
    """Whether mirroring the unseen pairs of a word leads to one that is trained."""
    pairs = [pair for pair in itertools.pairwise(word) if pair in task.unseen]
    return not any((b, a) in task.unseen for a, b in pairs)


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
