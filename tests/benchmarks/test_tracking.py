"""What recording costs beside the training between two records."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from experiments.anchor.token_map import TokenMap
from lowcomplex import Tracker, initialize
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorProbe, AnchorTask
from lowcomplex.tasks.anchor import ALL_PAIRS
from lowcomplex.tracking import log_linear_steps
from lowcomplex.training import adamw, train
from ratios import ratio

STEPS = 2500


@pytest.mark.parametrize("gamma", [0.5, 0.8])
def test_ranks_and_directions_of_all_layers_at_the_default_steps(gamma: float) -> None:
    _, record, between = _anchor_study(gamma, ("effective_rank", "stable_rank", "condensed_directions"))
    between_two = STEPS / (len(log_linear_steps(STEPS)) - 1)
    ratio(record, lambda: between(round(between_two)), rounds=3, bar=0.05)


def test_all_that_the_anchor_study_records() -> None:
    task_and_probe, record, between = _anchor_study(
        0.8,
        ("effective_rank", "stable_rank", "participation_ratio", "numerical_rank", "condensed_directions"),
        whole=True,
    )
    between_two = round(STEPS / (len(log_linear_steps(STEPS, early=10, late=15)) - 1))
    print("\nweights, answers and token map:", end="")
    ratio(record, lambda: between(between_two), rounds=3)
    print("the answers alone:", end="")
    ratio(task_and_probe, lambda: between(between_two), rounds=3)


def _anchor_study(
    gamma: float, measures: tuple[str, ...], *, whole: bool = False
) -> tuple[Callable[[], object], Callable[[], object], Callable[[int], object]]:
    """The probe, one record, and training for a number of steps."""
    task, data = AnchorTask(), torch.Generator().manual_seed(1)
    model = Transformer(task.vocabulary, task.length, 64, 1, 64, 128, 3, "pre")
    initialize(model, gamma, generator=torch.Generator().manual_seed(0))
    evaluation = torch.Generator().manual_seed(2)
    probe, token_map = AnchorProbe(task, evaluation, samples=500), TokenMap(task, ALL_PAIRS, evaluation)

    def answers() -> xr.DataArray:
        found = probe(model.last)
        return xr.DataArray([found.seen_train_keys, found.inferential], dims="group")

    def loss(_: nn.Module) -> Tensor:
        batch = task.sample(256, data)
        return functional.cross_entropy(model.last(batch.tokens), batch.labels)

    quantities = {"accuracy": answers, **token_map.quantities(model)} if whole else None
    tracker = Tracker(model, measures, quantities=quantities)
    optimizer = adamw(model, 1e-3, weight_decay=0.01)

    def between(steps: int) -> object:
        return train(model, loss, steps=steps, optimizer=optimizer, clip_norm=1.0)

    return answers, tracker.record, between
