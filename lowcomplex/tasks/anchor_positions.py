"""Answers on the anchor task by the key's position: where their order is in plain sight, and where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lowcomplex.tasks.anchor import ALL_PAIRS, AnchorBatch, AnchorTask, Answer
from lowcomplex.tasks.anchor_functions import FIRST_KEY, KEYS, LAST_KEY

OrderPhase = Literal["composing", "order-blind", "memorizing", "neither", "not converged"]
UNORDERED_PAIRS = tuple((a, b) for a, b in ALL_PAIRS if a < b)
_KINDS: tuple[Answer, ...] = ("rule", "inferential", "symmetric")


@dataclass(frozen=True)
class PositionAnswers:
    """What a network answers on every pair of anchors, by the position of the key.

    At the last position the second anchor is the last token, so that the stream that answers shows the order
    of the anchors itself; at the others both anchors are read through attention.

    Attributes:
        seen_train_keys: Accuracy on trained pairs, training keys and trained positions.
        ruled: Share of answers that are the task's labels.
        composed: Share of answers that compose the two anchors.
        mirrored: Share of answers that are the labels of the two anchors in the other order.
        offset: The most frequent difference of answer and key (the shortest around the circle, where anchors
            act on it).
        offset_share: How frequent it is.
        swap_invariance: 1 - E|softmax(a, b) - softmax(b, a)|₁/2 over keys, for the unordered pairs 12, 13,
            14, 23, 24, 34: 1 if the answer does not change when the anchors are swapped, 0 if both answers
            never agree.
        unseen: Which pairs, in lexicographic order, are never trained.
    """

    seen_train_keys: float
    ruled: Float[Tensor, "16 positions"]
    composed: Float[Tensor, "16 positions"]
    mirrored: Float[Tensor, "16 positions"]
    offset: Int[Tensor, "16 positions"]
    offset_share: Float[Tensor, "16 positions"]
    swap_invariance: Float[Tensor, "6 positions"]
    unseen: tuple[int, ...]

    @property
    def order_gap(self) -> float:
        """Δ: composed answers on the unseen pairs where the order is in plain sight, less those elsewhere."""
        composed = self.composed[list(self.unseen)].mean(0)
        return float(composed[-1] - composed[:-1].mean())

    @property
    def phase(self) -> OrderPhase:
        """The kind of solution; see `order_phase`."""
        composed, mirrored = (part[list(self.unseen)].mean(0) for part in (self.composed, self.mirrored))
        return order_phase(self.seen_train_keys, composed, mirrored)


class PositionProbe:
    """Fixed sequences of every pair, position and key, drawn once so that steps can be compared.

    All pairs share one background per position and key, so that two orders of the same anchors differ in
    nothing else.

    Args:
        task: The task, with two anchors in a sequence.
        generator: Source of the backgrounds, and of the sequences for the accuracy.
        samples: Sequences for the accuracy on trained pairs.
        positions: Positions that are trained; all by default. The probe asks at every position.

    Raises:
        ValueError: The task has more than two anchors in a sequence, or `positions` is empty or unknown.
    """

    def __init__(
        self,
        task: AnchorTask,
        generator: torch.Generator,
        *,
        samples: int = 1000,
        positions: Sequence[int] | None = None,
    ) -> None:
        if task.anchors != 2:
            raise ValueError(f"task: expected two anchors in a sequence, got {task.anchors}")
        self._task = task
        self.train = task.sample(samples, generator, keys="train", positions=positions)
        self.every = _every_sequence(task, generator)
        self._answers = {kind: _labels(task, self.every, kind) for kind in _KINDS}

    @torch.no_grad()
    def __call__(self, logits: Callable[[Tensor], Tensor]) -> PositionAnswers:
        """Ask a network.

        Args:
            logits: Maps (n, 9) tokens to (n, vocabulary) logits at the last position.

        Returns:
            Its answers by pair and position.
        """
        shape = (len(ALL_PAIRS), len(self._task.positions), KEYS)
        found = logits(self.every.tokens).view(*shape, -1)
        given = found.argmax(-1)
        offsets = given - self.every.keys.view(shape)
        if self._task.functions != "translations":
            offsets = (offsets + KEYS // 2) % KEYS - KEYS // 2
        offset = offsets.mode(-1).values
        right = {
            kind: (given == answer.view(shape)).double().mean(-1) for kind, answer in self._answers.items()
        }
        accuracy = (logits(self.train.tokens).argmax(-1) == self.train.labels).double().mean()
        return PositionAnswers(
            seen_train_keys=float(accuracy),
            ruled=right["rule"],
            composed=right["inferential"],
            mirrored=right["symmetric"],
            offset=offset,
            offset_share=(offsets == offset[..., None]).double().mean(-1),
            swap_invariance=_swap_invariance(found),
            unseen=tuple(i for i, pair in enumerate(ALL_PAIRS) if pair not in self._task.seen),
        )


def order_phase(
    seen_train_keys: float,
    composed: Float[Tensor, " positions"],
    mirrored: Float[Tensor, " positions"],
    *,
    converged: float = 0.9,
    majority: float = 0.5,
) -> OrderPhase:
    """The kind of solution, from the answers on the unseen pair at each position of the key.

    Mirrored answers have two causes. A network that stored the exception for the unordered pair mirrors
    everywhere; one that composes, but does not see the order of the anchors where it must be read through
    attention, mirrors there alone and composes where the second anchor is the last token.

    Args:
        seen_train_keys: Accuracy on trained pairs and training keys.
        composed: Share of composed answers by position.
        mirrored: Share of mirrored answers by position.
        converged: Smallest `seen_train_keys` of a run that learned its task.
        majority: A kind of answer given more often than this names the solution.

    Returns:
        "not converged" if the task was not learned. Else, with means over all positions but the last:
        "composing" where composed answers have the majority; where mirrored ones have it, "order-blind" if
        composed answers have the majority at the last position, and "memorizing" if mirrored ones have it
        there, too; "neither" in every other case.

    Raises:
        ValueError: The shares are not of the same, two or more, positions.

    Example:
        >>> hidden = torch.zeros(6)
        >>> order_phase(1.0, torch.cat((hidden, torch.ones(1))), torch.cat((hidden + 1, torch.zeros(1))))
        'order-blind'
    """
    if composed.shape != mirrored.shape or composed.ndim != 1 or len(composed) < 2:
        raise ValueError(
            "composed, mirrored: expected shares at the same two or more positions, got shapes "
            f"{tuple(composed.shape)} and {tuple(mirrored.shape)}"
        )
    if not seen_train_keys >= converged:
        return "not converged"
    if composed[:-1].mean() > majority:
        return "composing"
    if mirrored[:-1].mean() > majority:
        if composed[-1] > majority:
            return "order-blind"
        if mirrored[-1] > majority:
            return "memorizing"
    return "neither"


def _every_sequence(task: AnchorTask, generator: torch.Generator) -> AnchorBatch:
    """Pairs by positions by keys; the background depends on position and key alone."""
    device = generator.device
    pairs = torch.tensor(ALL_PAIRS, device=device)
    positions = torch.tensor(list(task.positions), device=device)
    keys = torch.arange(FIRST_KEY, LAST_KEY + 1, device=device)
    background = torch.randint(
        FIRST_KEY, LAST_KEY + 1, (len(positions), KEYS, task.length), generator=generator, device=device
    )
    tokens = background.repeat(len(pairs), 1, 1, 1)
    for row, position in enumerate(task.positions):
        tokens[:, row, :, position] = keys
        tokens[:, row, :, position + 1 : position + 3] = pairs[:, None, :]
    anchors = pairs[:, None, None, :].expand(*tokens.shape[:3], 2)
    every = keys.expand(tokens.shape[:3])
    flat = every.reshape(-1)
    return AnchorBatch(
        tokens.flatten(0, 2), task.answers(flat, anchors.reshape(-1, 2)), flat, anchors.reshape(-1, 2)
    )


def _labels(task: AnchorTask, batch: AnchorBatch, kind: Answer) -> Int[Tensor, " n"]:
    """The labels of a kind of answer; "symmetric" is the rule with the anchors swapped, trained or not."""
    if kind == "symmetric":
        return task.answers(batch.keys, batch.anchors.flip(-1), "rule")
    return task.answers(batch.keys, batch.anchors, kind)


def _swap_invariance(logits: Float[Tensor, "16 positions keys vocabulary"]) -> Float[Tensor, "6 positions"]:
    shares = logits.softmax(-1)
    place = {pair: index for index, pair in enumerate(ALL_PAIRS)}
    forward = [place[pair] for pair in UNORDERED_PAIRS]
    backward = [place[pair[::-1]] for pair in UNORDERED_PAIRS]
    return 1 - (shares[forward] - shares[backward]).abs().sum(-1).double().mean(-1) / 2
