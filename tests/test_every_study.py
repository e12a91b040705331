"""What every study owes: grids of its dimensions, a current dataset, and a run from config to figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import synthetic
import synthetic_sequences
import tiny
from experiments import Study, _studies, studies, study
from experiments._data import DATA, load
from experiments._findings import Setting
from experiments.anchor.config import AnchorConfig
from lowcomplex import sweeps
from paper_figs import figure, names

NAMES = [each.name for each in studies()]
# Rows of the anchor family that differ in nothing else differ from each other in their grids alone.
PLAIN = {"gamma", "seed", "depth", "steps", "learning_rate", "weight_decay", "part", "modulus"}


def _runs_anchor(chosen: Study) -> bool:
    return chosen.config is AnchorConfig


def _repeats_another(chosen: Study) -> bool:
    """Whether another study differs in numbers only, so that this one's tiny run is left to `make study`."""
    if not _runs_anchor(chosen) or chosen.name == "anchor_gamma":
        return False
    kinds = {each.name: set(each.presets["full"]) - PLAIN for each in studies() if _runs_anchor(each)}
    first = next(name for name, kind in kinds.items() if kind == kinds[chosen.name])
    return first != chosen.name


def test_studies_are_found_in_order_and_have_one_name_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [each.order for each in studies()] == sorted(each.order for each in studies())
    assert len(set(NAMES)) == len(NAMES)
    grids = _studies.importlib.import_module("experiments.gamma_law.grids")
    monkeypatch.setattr(grids, "STUDIES", 2 * grids.STUDIES)
    with pytest.raises(ValueError, match="several named gamma_axis"):
        _studies.studies.__wrapped__()


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_grids_of_their_dimensions(name: str) -> None:
    chosen = study(name)
    assert chosen.title.endswith("?")
    assert chosen.seconds > 0
    for preset in chosen.presets:
        configs = chosen.sweep(preset).configs
        values = [[getattr(config, field) for config in configs] for field in chosen.dimensions]
        assert len(configs) == np.prod([len(set(column)) for column in values])
        others = {
            config.model_copy(update=dict.fromkeys(chosen.dimensions)).model_dump_json() for config in configs
        }
        assert len(others) == 1, "runs differ in a field that is no dimension"
    quick, full = (chosen.sweep(preset).configs for preset in ("quick", "full"))
    assert {config.hash for config in quick} <= {config.hash for config in full}
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        chosen.sweep("quik")


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_dataset_is_that_of_the_present_grid(name: str, tmp_path: Path) -> None:
    chosen = study(name)
    stored = load(name, "full", tmp_path)
    assert stored.attrs["study"] == name
    sweep = chosen.sweep(str(stored.attrs["preset"]))
    assert stored.attrs["sweep_hash"] == sweep.hash
    for field in chosen.dimensions:
        assert stored.sizes[field] == len({getattr(config, field) for config in sweep.configs})


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if _repeats_another(study(n)) else []) for n in NAMES],
)
def test_from_config_to_findings_and_figures(name: str, tmp_path: Path) -> None:
    small = replace(study(name), presets={"tiny": tiny.grid(name)})
    summary = small.run("tiny", tmp_path, workers=0)
    assert summary.computed == len(small.sweep("tiny").configs)
    assert not summary.failed
    dataset = small.load("tiny", tmp_path)
    assert dataset.attrs["study"] == name
    with xr.open_dataset(DATA / f"{name}.nc", engine="h5netcdf") as stored:
        assert {k: v.dims for k, v in dataset.variables.items()} == {
            k: v.dims for k, v in stored.variables.items()
        }
    for finding in small.findings(dataset):
        assert str(finding).strip()
        if isinstance(finding, Setting):
            # The row says what the sentence says, which gives no number of runs if none converged.
            said = str(finding).replace("no run converged", str(dataset.sizes["seed"]))
            assert all(value in said for value in (*finding.at.values(), *finding.found.values()))
    if name in synthetic.ANCHOR_RUNS or name in synthetic_sequences.GROUPS or name == "anchor_mechanism":
        _assert_same_schema(dataset, synthetic.dataset(name))
    for item in map(figure, names()):
        if item.study == name:
            assert item.draw(dataset) is not None
            assert len(item.numbers(dataset))


def _assert_same_schema(real: xr.Dataset, planted: xr.Dataset) -> None:
    """The planted data that figures are tested with have the shape of a run's."""
    assert set(real.data_vars) == set(planted.data_vars)
    assert set(planted.attrs) <= set(real.attrs)
    for variable in real.data_vars:
        assert set(real[variable].dims) == set(planted[variable].dims), variable
    for coordinate in ("group", "pairs", "component", "classes", "offset", "token"):
        if coordinate in planted.coords:
            np.testing.assert_array_equal(real[coordinate].values, planted[coordinate].values)
    if "fraction" in planted.coords:  # In a run of few steps several fractions are one record.
        assert np.isin(real["fraction"].values, planted["fraction"].values).all()


@pytest.mark.parametrize("name", [n for n in NAMES if not _runs_anchor(study(n)) or n == "anchor_gamma"])
def test_a_run_repeats_bit_for_bit(name: str) -> None:
    chosen = study(name)
    configs = sweeps.grid(chosen.config, **tiny.grid(name))
    if not chosen.together:
        xr.testing.assert_identical(chosen.measure(configs[-1]), chosen.measure(configs[-1]))
        return
    # However the runs are batched.
    for config, together in zip(configs, chosen.measure(configs), strict=True):
        xr.testing.assert_identical(together, chosen.measure((config,))[0])
