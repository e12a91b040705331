"""A member of the study of seeds trains as the same network does alone, on the same minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from torch.nn import functional

from experiments._layers import QUERY
from experiments._recipe import stream
from experiments.anchor.schema import GROUPS
from experiments.seeds.config import AnchorSeedConfig
from experiments.seeds.run import measure
from lowcomplex import stable_rank, sweeps
from lowcomplex.tasks import AnchorProbe
from lowcomplex.training import MemberBatches, adamw, train, warmup_cosine


@pytest.fixture
def _in_double() -> Iterator[None]:
    """So that what training amplifies of rounding stays far below what it does."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _configs(**other: float) -> tuple[AnchorSeedConfig, ...]:
    fields = {"width": 12, "head_width": 12, "feedforward": 20, "steps": 20, "batch": 16, "sequences": 20}
    fields |= {"learning_rate": 1e-2} | other
    return sweeps.grid(AnchorSeedConfig, gamma=(0.6,), seed=(3, 4, 5), **fields)


@pytest.mark.usefixtures("_in_double")
def test_a_member_trains_as_the_same_network_alone() -> None:
    configs = _configs()
    together = measure(configs)
    for config, record in zip(configs, together, strict=True):
        task, model = config.task(), config.model(stream(config.seed, 0))
        data = task.sample(config.sequences * len(task.seen), stream(config.seed, 1))
        batches = MemberBatches(len(data.keys), config.batch, (stream(config.seed, 3).initial_seed(),))

        def loss(_: nn.Module, model=model, data=data, batches=batches) -> torch.Tensor:
            (at,) = batches.draw()
            return functional.cross_entropy(model.last(data.tokens[at]), data.labels[at])

        train(
            model,
            loss,
            steps=config.steps,
            optimizer=adamw(model, config.learning_rate, weight_decay=config.weight_decay),
            schedule=partial(warmup_cosine, warmup=config.warmup, floor=config.floor),
            clip_norm=1.0,
        )
        rank = stable_rank(model.blocks[0].query.weight.detach())
        final = record.isel(step=-1)
        assert float(final["stable_rank"].sel(layer=QUERY)) == pytest.approx(float(rank), rel=1e-6)
        answers = AnchorProbe(task, stream(config.seed, 2), samples=500)(model.last)
        for group in GROUPS:
            assert float(final["accuracy"].sel(group=group)) == getattr(answers, group)
    ranks = [float(record["stable_rank"].isel(step=-1).sel(layer=QUERY)) for record in together]
    assert len(set(ranks)) == len(ranks), "seeds are different runs"


def test_a_member_that_diverges_is_recorded_and_leaves_the_others_alone() -> None:
    bad, good = measure(_configs(learning_rate=1e30)), measure(_configs())
    assert {int(record["diverged_at"]) for record in good} == {-1}
    for record in bad:
        assert int(record["diverged_at"]) > 0
        assert str(record["phase"].values) == "not converged"
        assert np.isnan(record["accuracy"].isel(step=-1)).all()
        assert record.sizes == good[0].sizes


def test_an_interrupted_ensemble_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.seeds import run

    configs = _configs()
    whole = measure(configs)
    draws, original = [0], MemberBatches.draw

    def draw(batches: MemberBatches) -> torch.Tensor:
        draws[0] += 1
        if draws[0] == 12:
            raise KeyboardInterrupt
        return original(batches)

    monkeypatch.setattr(MemberBatches, "draw", draw)
    monkeypatch.setattr(run, "Checkpoint", partial(run.Checkpoint, every_seconds=0))
    with pytest.raises(KeyboardInterrupt):
        measure(configs, tmp_path / "run")
    assert (tmp_path / "run").exists()
    draws[0] = 100
    for record, expected in zip(measure(configs, tmp_path / "run"), whole, strict=True):
        xr.testing.assert_identical(record, expected)
    assert draws[0] < 100 + configs[0].steps, "it began anew"
