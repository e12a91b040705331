"""Costs as ratios of two programs timed in turns in one run; `make bench`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lowcomplex import Tracker, initialize
from lowcomplex.measures import condensed_directions, rank_measures
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask
from lowcomplex.training import adamw, train


def _ratio(ours: Callable[[], object], other: Callable[[], object], rounds: int) -> None:
    """Print the time of ours over that of the other, timed in turns."""
    ours(), other()
    ratios = []
    for _ in range(rounds):
        start = time.perf_counter()
        ours()
        middle = time.perf_counter()
        other()
        ratios.append((middle - start) / (time.perf_counter() - middle))
    print(f"\nratio {statistics.median(ratios):.3f} (range {min(ratios):.3f} to {max(ratios):.3f})")


@pytest.mark.parametrize("shape", [(8, 64, 64), (1000, 384)])
def test_all_rank_measures_against_one_decomposition(shape: tuple[int, ...]) -> None:
    W = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    _ratio(lambda: rank_measures(W), lambda: torch.linalg.svdvals(W.double()), 9)


def test_condensed_directions_against_one_product_of_all_pairs() -> None:
    W = torch.randn(1000, 384, generator=torch.Generator().manual_seed(0))
    _ratio(lambda: condensed_directions(W), lambda: W @ W.mT, 9)


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
    _ratio(tracker.record, lambda: train(model, loss, steps=100, optimizer=optimizer), 5)
