"""What a record costs beside the training between two."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lowcomplex import Tracker, initialize
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask
from lowcomplex.training import adamw, train
from ratios import ratio


def test_one_record_against_the_hundred_steps_between_two() -> None:
    """The anchor study records 25 times in 2,500 steps."""
    task, data = AnchorTask(), torch.Generator().manual_seed(1)
    model = Transformer(task.vocabulary, task.length, 64, 1, 64, 128, 3, "pre")
    initialize(model, 0.8, generator=torch.Generator().manual_seed(0))
    tracker = Tracker(model, ("effective_rank", "stable_rank", "condensed_directions"))

    def loss(_: nn.Module) -> Tensor:
        batch = task.sample(256, data)
        return functional.cross_entropy(model.last(batch.tokens), batch.labels)

    optimizer = adamw(model, 1e-3, weight_decay=0.01)
    ratio(tracker.record, lambda: train(model, loss, steps=100, optimizer=optimizer), rounds=5)
