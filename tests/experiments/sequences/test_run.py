"""Studies whose answers are sequences: their runs' settings, and that runs of the papers' sizes start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny
from experiments import studies, study
from experiments.sequences import run as running
from experiments.sequences import tasks
from experiments.sequences.config import SequenceConfig
from experiments.sequences.run import run
from lowcomplex import sweeps
from lowcomplex.initialization import effective_gamma
from lowcomplex.tasks import AdditionTask, exact_answers

STUDIES = [each.name for each in studies() if issubclass(each.config, SequenceConfig)]
TINY: dict[str, Any] = dict(tiny.TRANSFORMER)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_the_papers_sizes_start_and_take_a_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = study(name)
    config = chosen.sweep("paper").configs[-1]
    assert (config.width, config.heads, config.norm, config.batch) == (400, 1, "post", 2048)
    # The whole network, but few sequences.
    monkeypatch.setattr(running, "EVALUATED", 2)
    monkeypatch.setattr(tasks, "_accuracy_by_tens", lambda *_: np.zeros((10, 10)))
    record = chosen.measure(config.model_copy(update={"steps": 1, "batch": 2, "examples": 60}))
    assert int(record["diverged_at"]) == -1
    assert record["step"].values.tolist() == [0, 1]
    assert bool(np.isfinite(record["training_loss"]).all())


@pytest.mark.parametrize("name", STUDIES)
def test_a_run_that_diverges_is_recorded(name: str) -> None:
    chosen = study(name)
    (config,) = sweeps.grid(chosen.config, arm="large", examples=20, seed=0, learning_rate=1e30, **TINY)
    record = chosen.measure(config)
    assert not bool(record["converged"])
    assert np.isnan(float(record["steps_to_convergence"]))
    assert int(record["diverged_at"]) >= 0
    assert record.sizes["step"] == 5
    assert bool(record["training_loss"].isnull()[-1])


def test_arms_start_and_decay_as_they_say() -> None:
    small, large = (SequenceConfig(arm=arm, examples=10, seed=3) for arm in ("small", "large"))
    assert (small.gamma, small.weight_decay, large.gamma, large.weight_decay) == (0.8, 1.0, 0.5, 0.01)
    for config in (small, large):
        table = effective_gamma(config.model(20, 8, torch.Generator().manual_seed(0)))
        assert table["gamma"].to_numpy() == pytest.approx(config.gamma, abs=0.05)


def test_a_network_that_learns_converges_and_knows_what_it_was_given() -> None:
    task = AdditionTask()
    generator = torch.Generator().manual_seed(0)
    examples, others = (task.sample(n, generator) for n in (16, 40))
    config = SequenceConfig(
        arm="large", examples=16, seed=0, **TINY | {"steps": 150, "width": 32, "feedforward": 32, "batch": 16}
    ).model_copy(update={"learning_rate": 1e-2, "warmup": 0.1})
    model = config.model(task.vocabulary, task.length, generator)
    record = run(config, model, examples, {"others": others})
    assert bool(record["converged"])
    trained = record["accuracy"].sel(group="train")
    reached = float(record["steps_to_convergence"])
    assert 0 < reached <= 150
    assert bool((trained.where(record["step"] >= reached, drop=True) > 0.9).all())
    before = trained.where(record["step"] < reached, drop=True)
    assert float(before[-1]) <= 0.9
    with torch.no_grad():
        share = exact_answers(model(others.tokens), others.labels).double().mean()
    assert float(record["accuracy"].sel(group="others")[-1]) == pytest.approx(float(share))


def test_addition_is_read_off_by_tens() -> None:
    class Adder(torch.nn.Module):
        """Adds rightly unless both tens are 4."""

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            a, b = 10 * tokens[:, 0] + tokens[:, 1] - 33, 10 * tokens[:, 3] + tokens[:, 4] - 33
            total = torch.where((tokens[:, 0] == 7) & (tokens[:, 3] == 7), a + b + 1, a + b)
            said = torch.zeros_like(tokens)
            said[:, 5:] = torch.stack((total // 100, total // 10 % 10, total % 10), 1) + 3
            return torch.nn.functional.one_hot(said, 13).float()

    tens = tasks._accuracy_by_tens(Adder(), AdditionTask())  # type: ignore[arg-type]
    expected = np.ones((10, 10))
    expected[4, 4] = 0
    np.testing.assert_array_equal(tens, expected)
