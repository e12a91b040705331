"""How every study trains a transformer: the fields that its configs share, and one recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lowcomplex import sweeps
from lowcomplex.networks import Transformer
from lowcomplex.tracking import Tracker
from lowcomplex.training import Checkpoint, TrainingResult, adamw, train, warmup_cosine

# Number of updates whose losses are averaged.
LOSS_WINDOW = 20


class NetworkConfig(sweeps.Config):
    """Sizes of a transformer, and the shape of its learning rate's schedule (`warmup_cosine`)."""

    depth: int
    width: int = 64
    heads: int = 1
    head_width: int = 64
    feedforward: int = 128
    norm: Literal["pre", "post", "none"] = "pre"
    activation: Literal["relu", "gelu"] = "relu"
    warmup: float = 0.5
    floor: float = 0.05

    def transformer(self, vocabulary: int, length: int) -> Transformer:
        """The network, before its weights are put at a rate."""
        return Transformer(
            vocabulary,
            length,
            self.width,
            self.heads,
            self.head_width,
            self.feedforward,
            self.depth,
            self.norm,
            self.activation,
        )


class Schedule(Protocol):
    """The fields of a config that the recipe uses."""

    @property
    def steps(self) -> int:
        """Number of updates."""

    @property
    def learning_rate(self) -> float:
        """The largest learning rate."""

    @property
    def weight_decay(self) -> float:
        """Decoupled weight decay."""

    @property
    def warmup(self) -> float:
        """Share of the updates in which the rate grows."""

    @property
    def floor(self) -> float:
        """The last rate, as a share of the largest."""


def fit(
    model: Transformer,
    loss: Callable[[nn.Module], Tensor],
    schedule: Schedule,
    *,
    trackers: Sequence[Tracker],
    data: torch.Generator,
    checkpoint: Path | None,
) -> TrainingResult:
    """Train with AdamW under a warm-up and a cosine, with gradients clipped at norm 1; the last state counts.

    Args:
        model: At its initialization; changed in place.
        loss: The loss of one minibatch, drawn anew at each call.
        schedule: A config.
        trackers: Record the network before each update and at the end.
        data: Source of the minibatches; saved with the checkpoint.
        checkpoint: File to which the run is saved now and then.

    Returns:
        Losses, and whether the run diverged.
    """

    def record(step: int) -> None:
        for tracker in trackers:
            tracker.step()

    first, *others = trackers
    return train(
        model,
        loss,
        steps=schedule.steps,
        optimizer=adamw(model, schedule.learning_rate, weight_decay=schedule.weight_decay),
        schedule=partial(warmup_cosine, warmup=schedule.warmup, floor=schedule.floor),
        clip_norm=1.0,
        before_step=record,
        checkpoint=Checkpoint(checkpoint, tracker=first, objects=others, generators=[data])
        if checkpoint
        else None,
    )


def recent_mean(losses: np.ndarray, step: int) -> float:
    """Mean minibatch loss of the last updates before a step; of the first batch at step 0."""
    recent = losses[max(0, step - LOSS_WINDOW) : max(step, 1)]
    return float(recent.mean()) if len(recent) else np.nan


def stream(seed: int, index: int) -> torch.Generator:
    """Independent streams, so that a run's data do not depend on how its weights were drawn."""
    state = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))
