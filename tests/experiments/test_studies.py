"""Every study from config to findings, at tiny size."""

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
from experiments import NAMES, study
from experiments.__main__ import main
from experiments._anchor_run import AnchorConfig
from lowcomplex import sweeps
from lowcomplex.tasks import AnchorTask
from lowcomplex.training import Checkpoint, adamw
from paper_figs import NAMES as FIGURES
from paper_figs import figure

TINY: dict[str, dict[str, Any]] = {
    "gamma_axis": {
        "gamma": (0.1, 0.2, 0.3, 1.0, 1.25, 1.5),
        "depth": (2,),
        "seed": (0, 1),
        "width": 24,
        "samples": 3,
    },
    "two_layer_condensation": {
        "activation": ("tanh", "xtanh", "x2tanh"),
        "initialization": ("small", "large"),
        "seed": 0,
        "width": 12,
        "records": 8,
    },
    "frequency_principle": {"gamma": (0.4, 0.8), "seed": (0, 1), "width": 16, "steps": 30},
}
SEQUENCES = ("scan_generalization", "ontology_reasoning", "addition_block")
for _name in SEQUENCES:
    TINY[_name] = {
        "arm": ("small", "large"),
        "examples": (20,),
        "seed": (0, 1),
        "depth": 1,
        "width": 8,
        "head_width": 8,
        "feedforward": 8,
        "steps": 4,
        "batch": 4,
    }
ANCHOR = [name for name in NAMES if name.startswith("anchor_")]
SMALL = {"depth": 2, "width": 16, "heads": 2, "head_width": 8, "feedforward": 16, "steps": 10, "batch": 16}
for _name in ANCHOR:
    # The study's own choices, one value of each swept field but γ, and a network that takes no time.
    TINY[_name] = SMALL | {
        field: value[-1:] if isinstance(value, tuple) else value
        for field, value in study(_name).presets["full"].items()
        if field not in SMALL
    }
    TINY[_name] |= {field: (SMALL[field],) for field in study(_name).dimensions if field in SMALL}
TINY["anchor_gamma"] |= {"gamma": (0.4, 0.8), "seed": (0, 1)}


# They differ from the others in their grids alone.
GRIDS = ("depth", "weight_decay", "learning_rate", "rate_decay", "steps", "parts", "key_split")
SLOW = [f"anchor_{name}" for name in GRIDS]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in NAMES]
)
def test_from_config_to_findings_and_figures(name: str, tmp_path: Path) -> None:
    tiny = replace(study(name), presets={"tiny": TINY[name]})
    summary = tiny.run("tiny", tmp_path, workers=0)
    assert summary.computed == len(tiny.sweep("tiny").configs)
    assert not summary.failed
    dataset = tiny.load("tiny", tmp_path)
    assert set(tiny.dimensions) <= set(dataset.sizes)
    assert dataset.attrs["study"] == name
    assert all(sentence.strip() for sentence in tiny.findings(dataset))
    if name in ANCHOR:
        _assert_same_schema(dataset, synthetic.dataset(name))
    if name in SEQUENCES:
        planted = synthetic.dataset(name)
        assert {k: v.dims for k, v in dataset.data_vars.items()} == {
            k: v.dims for k, v in planted.data_vars.items()
        }
        assert dataset["group"].values.tolist() == planted["group"].values.tolist()
        assert set(planted.attrs) <= set(dataset.attrs)
    for item in map(figure, FIGURES):
        if item.study == name:
            assert item.draw(dataset) is not None
            assert len(item.numbers(dataset))


def _assert_same_schema(real: xr.Dataset, planted: xr.Dataset) -> None:
    """What figures are tested with is shaped as what runs give."""
    assert set(real.data_vars) == set(planted.data_vars)
    for variable in real.data_vars:
        assert set(real[variable].dims) == set(planted[variable].dims), variable
    for coordinate in ("group", "pairs", "component", "classes", "offset", "token", "fraction"):
        if coordinate in planted.coords:
            np.testing.assert_array_equal(real[coordinate].values, planted[coordinate].values)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ANCHOR[1:]])
def test_a_run_repeats_bit_for_bit(name: str) -> None:
    chosen = study(name)
    configs = sweeps.grid(chosen.config, **TINY[name])
    if not chosen.together:
        xr.testing.assert_identical(chosen.measure(configs[-1]), chosen.measure(configs[-1]))
        return
    # However the runs are batched.
    for config, together in zip(configs, chosen.measure(configs), strict=True):
        xr.testing.assert_identical(together, chosen.measure((config,))[0])


def test_an_anchor_cell_continues_from_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments import _anchor_run

    class Interruption(BaseException):
        pass

    tiny = replace(
        study("anchor_gamma"),
        presets={"tiny": TINY["anchor_gamma"] | {"gamma": (0.8,), "seed": (1,), "steps": 6}},
    )
    tiny.run("tiny", tmp_path / "alone", workers=0)
    batches, stop_at = 0, 4
    sample = AnchorTask.sample

    def sample_and_stop(task: AnchorTask, n: int, *arguments: Any, **options: Any) -> Any:
        nonlocal batches
        if n == TINY["anchor_gamma"]["batch"]:
            batches += 1
            if batches == stop_at:
                raise Interruption
        return sample(task, n, *arguments, **options)

    monkeypatch.setattr(AnchorTask, "sample", sample_and_stop)
    every_two = partial(Checkpoint, every_seconds=2, clock=lambda: batches)
    monkeypatch.setattr(_anchor_run, "Checkpoint", every_two)
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


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_grids_of_their_dimensions(name: str) -> None:
    chosen = study(name)
    quick, full = (chosen.sweep(preset).configs for preset in ("quick", "full"))
    assert {config.hash for config in quick} <= {config.hash for config in full}
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        chosen.sweep("quik")


def test_a_diverged_run_is_recorded_and_left_out() -> None:
    anchor = study("anchor_gamma")
    (config,) = sweeps.grid(
        anchor.config, **TINY["anchor_gamma"] | {"gamma": 0.4, "seed": 0, "learning_rate": 1e30}
    )
    record = anchor.measure(config)
    assert str(record["phase"].values) == "not converged"
    np.testing.assert_array_equal(record["training_loss"].notnull(), record["step"] == 0)
    assert int(record["diverged_at"]) == 1
    said = " ".join(anchor.findings(synthetic.diverged(synthetic.anchor_gamma())))
    assert "not converged" in said
    assert "nan" not in said


def test_the_law_of_gamma_is_found_at_tiny_size(tmp_path: Path) -> None:
    from experiments.gamma_axis import slopes

    tiny = replace(study("gamma_axis"), presets={"tiny": TINY["gamma_axis"] | {"width": 48}})
    tiny.run("tiny", tmp_path, workers=0)
    found = slopes(tiny.load("tiny", tmp_path))["slope"].squeeze("depth")
    assert float(found.sel(arm="lazy")) == pytest.approx(2, abs=0.3)
    assert float(found.sel(arm="rich")) == pytest.approx(1, abs=0.1)


def test_runs_that_did_not_converge_leave_the_slopes_alone() -> None:
    from experiments.gamma_axis import GAMMAS, findings, slopes

    gammas = np.array(GAMMAS)
    displacement = np.exp(np.where(gammas < 0.5, 2 * gammas, gammas + 0.5) * np.log(10.0))
    converged = np.ones((1, len(gammas), 2), dtype=bool)
    converged[0, -1, 1] = False
    values = np.repeat(displacement[None, :, None], 2, axis=2)
    values[0, -1, 1] = 1e6
    dims = ("depth", "gamma", "seed")
    dataset = xr.Dataset(
        {"relative_displacement": (dims, values), "converged": (dims, converged)},
        coords={"depth": [2], "gamma": gammas, "seed": [0, 1]},
        attrs={"width": 10},
    )
    np.testing.assert_allclose(slopes(dataset)["slope"].squeeze("depth"), [2, 1])
    assert "1 of 22 trainings did not reach" in findings(dataset)[-1]


def test_an_unknown_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("gama_axis") == 2
    assert "did you mean 'gamma_axis'" in capsys.readouterr().err
    assert main("gamma_axis", preset="ful") == 2
    assert "did you mean 'full'" in capsys.readouterr().err
    assert main() == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ANCHOR)
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
