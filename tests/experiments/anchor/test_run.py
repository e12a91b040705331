"""Runs on the anchor task: interrupted, diverged, of the papers' sizes, and with one part at γ."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch.nn import functional

import synthetic
import tiny
from experiments import _recipe, studies, study
from experiments.anchor.config import AnchorConfig
from lowcomplex import sweeps
from lowcomplex.tasks import AnchorTask
from lowcomplex.training import Checkpoint, adamw

TINY = tiny.grid("anchor_gamma")
ANCHOR = [each.name for each in studies() if issubclass(each.config, AnchorConfig)]
# Ensembles have no preset of the papers' sizes.
OF_PAPERS = [name for name in ANCHOR if "paper" in study(name).presets]


def test_an_anchor_cell_continues_from_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interruption(BaseException):
        pass

    tiny = replace(
        study("anchor_gamma"),
        presets={"tiny": TINY | {"gamma": (0.8,), "seed": (1,), "steps": 6}},
    )
    tiny.run("tiny", tmp_path / "alone", workers=0)
    batches, stop_at = 0, 4
    sample = AnchorTask.sample

    def sample_and_stop(task: AnchorTask, n: int, *arguments: Any, **options: Any) -> Any:
        nonlocal batches
        if n == TINY["batch"]:
            batches += 1
            if batches == stop_at:
                raise Interruption
        return sample(task, n, *arguments, **options)

    monkeypatch.setattr(AnchorTask, "sample", sample_and_stop)
    every_two = partial(Checkpoint, every_seconds=2, clock=lambda: batches)
    monkeypatch.setattr(_recipe, "Checkpoint", every_two)
    for _ in range(2):
        batches = 0
        with pytest.raises(Interruption):
            tiny.run("tiny", tmp_path, workers=0)
    (config,) = tiny.sweep("tiny").configs
    checkpoints = tiny.folder(tmp_path) / "checkpoints"
    assert [path.name for path in checkpoints.iterdir()] == [config.hash]
    batches, stop_at = 0, 0
    assert tiny.run("tiny", tmp_path, workers=0).computed == 1
    assert 0 < batches < 4
    assert not list(checkpoints.iterdir())
    continued, uninterrupted = tiny.load("tiny", tmp_path), tiny.load("tiny", tmp_path / "alone")
    xr.testing.assert_identical(continued, uninterrupted)


def test_a_diverged_run_is_recorded_and_left_out() -> None:
    anchor = study("anchor_gamma")
    (config,) = sweeps.grid(anchor.config, **TINY | {"gamma": 0.4, "seed": 0, "learning_rate": 1e30})
    record = anchor.measure(config)
    assert str(record["phase"].values) == "not converged"
    np.testing.assert_array_equal(record["training_loss"].notnull(), record["step"] == 0)
    assert int(record["diverged_at"]) == 1
    said = " ".join(map(str, anchor.findings(synthetic.diverged(synthetic.anchor_gamma()))))
    assert "not converged" in said
    assert "nan" not in said


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_PAPERS)
def test_the_papers_own_networks_start_and_take_a_step(name: str) -> None:
    config: Any = study(name).sweep("paper").configs[-1]
    model, task = config.model(torch.Generator().manual_seed(0)), config.task()
    batch = task.sample(8, torch.Generator().manual_seed(1))
    optimizer = adamw(model, config.learning_rate, weight_decay=config.weight_decay)
    start = {parameter: value.detach().clone() for parameter, value in model.named_parameters()}
    functional.cross_entropy(model.last(batch.tokens), batch.labels).backward()
    optimizer.step()
    for parameter, value in model.named_parameters():
        assert torch.isfinite(value).all(), parameter
        assert not torch.equal(value, start[parameter]) or parameter.endswith("key.bias"), parameter


def test_a_part_at_gamma_leaves_the_others_at_one_half() -> None:
    def weights(**fields: Any) -> dict[str, Any]:
        model = AnchorConfig(seed=0, **fields).model(torch.Generator().manual_seed(0))
        return {name: weight.detach() for name, weight in model.named_parameters()}

    half, none = weights(gamma=0.5), weights(gamma=0.8, part="none")
    assert all(torch.equal(none[name], half[name]) for name in half)
    queries = weights(gamma=0.8, part="query-key")
    small = {name for name in half if not torch.equal(queries[name], half[name])}
    assert small == {f"blocks.{b}.{part}.weight" for b in range(3) for part in ("query", "key")}
    ratio = queries["blocks.0.query.weight"] / half["blocks.0.query.weight"]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 64 ** (0.5 - 0.8)))
