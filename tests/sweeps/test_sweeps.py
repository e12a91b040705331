import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pydantic
import pytest
import torch
import xarray as xr

import toy
from lowcomplex import sweeps
from lowcomplex.sweeps._batches import batches

BAD_NAMES = ("../up", "a/b", "/etc/up", "..", ".hidden", "", "a\\b", "a\0", "a\nb", "n" * 101, None)


def _run(folder: Path, workers: int = 0, **values) -> sweeps.Summary:
    return sweeps.run(toy.sweep(**values), folder, workers=workers, progress=False)


def _load(folder: Path, **values) -> xr.Dataset:
    return sweeps.load(toy.sweep(**values), folder).load()


def test_grid_varies_the_last_field_fastest() -> None:
    configs = sweeps.grid(toy.Toy, gamma=(0.3, 0.8), seed=(0, 1), seconds=1.0)
    assert [(c.gamma, c.seed, c.seconds) for c in configs] == [
        (0.3, 0, 1.0),
        (0.3, 1, 1.0),
        (0.8, 0, 1.0),
        (0.8, 1, 1.0),
    ]
    with pytest.raises(ValueError, match="gamma"):
        sweeps.grid(toy.Toy, gamma=())
    with pytest.raises(pydantic.ValidationError, match="gama"):
        sweeps.grid(toy.Toy, gama=1.0, gamma=1.0)


def test_hash_names_content_and_version() -> None:
    config = toy.Toy(gamma=0.1)
    assert config.hash == toy.Toy(gamma=0.1, seed=0).hash
    assert len({config.hash, toy.Toy(gamma=0.1, seed=1).hash, toy.Toy(gamma=0.1 + 1e-16).hash}) == 3

    class Changed(toy.Toy):
        pass

    Changed.__name__ = "Toy"
    assert Changed(gamma=0.1).hash == config.hash
    Changed.version = 2
    assert Changed(gamma=0.1).hash != config.hash


def test_hash_is_the_same_in_another_process() -> None:
    here = Path(toy.__file__).parent
    code = f"import sys; sys.path.insert(0, {str(here)!r}); import toy; print(toy.Toy(gamma=1/3).hash)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == toy.Toy(gamma=1 / 3).hash


def test_only_what_is_new_is_computed(tmp_path: Path) -> None:
    assert _run(tmp_path).computed == 6
    summary = _run(tmp_path, gamma=(0.3, 0.5, 0.8))
    assert (summary.computed, summary.cached) == (3, 6)
    assert _run(tmp_path).cached == 6


def test_dataset_has_the_dimensions_of_the_grid(tmp_path: Path) -> None:
    _run(tmp_path)
    dataset = _load(tmp_path)
    assert dict(dataset.sizes) == {"gamma": 2, "seed": 3, "step": 50, "part": 3}
    cell = toy.measure(toy.Toy(gamma=0.8, seed=2))
    xr.testing.assert_equal(dataset["walk"].sel(gamma=0.8, seed=2, drop=True), cell["walk"])
    assert dataset["phase"].sel(gamma=0.3).values.tolist() == ["large"] * 3
    # What a cell did not record is missing, not invented.
    assert dataset["length"].sel(gamma=0.3, seed=0).isnull().sum() == 2
    assert dataset.attrs["sweep_hash"] == toy.sweep().hash
    assert "numpy" in dataset.attrs


def test_a_position_that_no_cell_has_is_missing(tmp_path: Path) -> None:
    configs = (*sweeps.grid(toy.Toy, gamma=(0.3, 0.8), seed=0), toy.Toy(gamma=0.8, seed=1))
    ragged = sweeps.Sweep("ragged", toy.measure, configs, ("gamma", "seed"))
    sweeps.run(ragged, tmp_path, workers=0, progress=False)
    dataset = sweeps.load(ragged, tmp_path)
    assert dataset["walk"].isnull().all("step").values.tolist() == [[False, True], [False, False]]
    xr.testing.assert_equal(
        dataset["walk"].sel(gamma=0.8, seed=1, drop=True), toy.measure(configs[-1])["walk"]
    )


def test_open_by_name(tmp_path: Path) -> None:
    sweeps.run(toy.sweep(), tmp_path / "study", workers=0, progress=False)
    xr.testing.assert_identical(sweeps.open("study/toy", folder=tmp_path).load(), _load(tmp_path / "study"))
    with pytest.raises(FileNotFoundError, match="study/toy"):
        sweeps.open("study/toi", folder=tmp_path)


def test_cells_are_plain_netcdf_with_their_config(tmp_path: Path) -> None:
    _run(tmp_path, gamma=0.3, seed=(0,))
    (path,) = (tmp_path / "cells" / "data").glob("*.nc")
    with xr.open_dataset(path, engine="h5netcdf") as cell:
        content = json.loads(cell.attrs["config"])
        assert content["fields"]["gamma"] == 0.3
        assert cell.attrs["config_hash"] == toy.Toy(gamma=0.3).hash


def test_processes_give_the_same_values(tmp_path: Path) -> None:
    assert _run(tmp_path / "two", workers=2).computed == 6
    _run(tmp_path / "here")
    xr.testing.assert_identical(_load(tmp_path / "two"), _load(tmp_path / "here"))


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_cell_is_named_set_aside_and_recomputed(tmp_path: Path, damage: str, capsys) -> None:
    _run(tmp_path)
    expected = _load(tmp_path)
    path = sorted((tmp_path / "cells" / "data").glob("*.nc"))[2]
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "truncate":
        path.write_bytes(content[:100])
    else:
        path.unlink()
    with pytest.raises(sweeps.DamagedCellError, match=path.name):
        _load(tmp_path)
    summary = _run(tmp_path)
    assert (summary.computed, summary.cached) == (1, 5)
    assert path.name in capsys.readouterr().err
    assert path.with_name(f"{path.name}.corrupt").exists() == (damage != "remove")
    xr.testing.assert_identical(_load(tmp_path), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failing_cell_does_not_stop_the_sweep(tmp_path: Path, workers: int) -> None:
    summary = _run(tmp_path, workers=workers, fails=True)
    assert summary.computed == 4
    assert len(summary.failed) == 2
    assert all("does not work" in trace for trace in summary.failed.values())
    (first, _) = sorted((tmp_path / "failures").iterdir())
    assert "does not work" in first.read_text()
    with pytest.raises(FileNotFoundError, match="2 of 6"):
        _load(tmp_path, fails=True)


@pytest.mark.parametrize("kind", [toy.resumably, toy.together, toy.together_resumably])
def test_batches_and_checkpoints_change_no_value(tmp_path: Path, kind) -> None:
    sweep = toy.sweep(kind)
    summary = sweeps.run(sweep, tmp_path / "kind", workers=0, progress=False)
    assert (summary.computed, summary.cached) == (6, 0)
    _run(tmp_path / "plain")
    xr.testing.assert_identical(sweeps.load(sweep, tmp_path / "kind").load(), _load(tmp_path / "plain"))


def test_batches_agree_in_all_other_fields() -> None:
    grid = sweeps.grid(toy.Toy, seconds=(0.0, 1.0), gamma=(0.3, 0.8), seed=(0, 1, 2))
    found = batches(grid, ("gamma", "seed"), 4)
    assert [len(batch) for batch in found] == [4, 2, 4, 2]
    assert [config for batch in found for config in batch] == list(grid)
    assert all(len({config.seconds for config in batch}) == 1 for batch in found)
    assert [len(batch) for batch in batches(grid, ("seed",), 64)] == [3, 3, 3, 3]
    assert len(batches(grid, (), 64)) == 12


def test_missing_cells_are_batched_anew(tmp_path: Path) -> None:
    sweeps.run(toy.sweep(toy.together, seed=(0, 2)), tmp_path, workers=0, progress=False)
    summary = sweeps.run(toy.sweep(toy.together), tmp_path, workers=0, progress=False)
    assert (summary.computed, summary.cached) == (2, 4)


def test_a_batch_of_the_wrong_length_is_a_failure(tmp_path: Path) -> None:
    sweep = sweeps.Sweep(
        "toy", lambda configs: [], toy.sweep().configs, ("gamma", "seed"), together=("seed",)
    )
    summary = sweeps.run(sweep, tmp_path, workers=0, progress=False)
    assert len(summary.failed) == 6
    assert "one dataset for each of 3 configs, got 0" in next(iter(summary.failed.values()))


def test_unknown_fields_and_empty_batches() -> None:
    configs = toy.sweep().configs
    with pytest.raises(ValueError, match=r"together: .*did you mean 'gamma'"):
        sweeps.Sweep("toy", toy.together, configs, ("gamma", "seed"), together=("gama",))
    with pytest.raises(ValueError, match="batch"):
        sweeps.Sweep("toy", toy.together, configs, ("gamma", "seed"), together=("gamma",), batch=0)


def test_plain_lines_when_not_on_a_terminal(tmp_path: Path, capsys) -> None:
    sweeps.run(toy.sweep(fails=True), tmp_path, workers=0)
    assert capsys.readouterr().err == "toy: 6 of 6 cells, 1 running, 2 failed, 0 s left\n"


def test_what_cannot_be_right_is_refused_when_the_sweep_is_made(tmp_path: Path) -> None:
    class Other(toy.Toy):
        pass

    right = {
        "name": "toy",
        "measure": toy.measure,
        "configs": toy.sweep().configs,
        "dimensions": ("gamma", "seed"),
    }
    for wrong, said in (
        ({"dimensions": ("gamma",)}, "dimensions: .* differ in seed; every swept field must be a dimension"),
        ({"dimensions": ("gama", "seed")}, "dimensions: .*did you mean 'gamma'"),
        ({"dimensions": "gamma"}, "dimensions: expected a tuple, got 'gamma'"),
        ({"dimensions": ("gamma", "seed", "seed")}, "dimensions: expected each field once"),
        ({"configs": ()}, "configs: expected at least one config"),
        ({"configs": (1, 2)}, "configs: expected instances of lowcomplex.sweeps.Config, got 1"),
        ({"configs": (toy.Toy(gamma=1), toy.Toy(gamma=1.0))}, "configs: expected each config once"),
        ({"configs": (toy.Toy(gamma=1), Other(gamma=2))}, r"configs: .* one class, got toy\.Toy and .*Other"),
        ({"measure": None}, "measure: expected a function of a config, got None"),
        ({"batch": 2.5}, "batch: expected at least one cell, got 2.5"),
        *(({"name": name}, "name: expected a plain file name") for name in BAD_NAMES),
    ):
        with pytest.raises(ValueError, match=said):
            sweeps.Sweep(**{**right, **wrong})
    with pytest.raises(ValueError, match=r"workers: .* got 'two'"):
        sweeps.run(sweeps.Sweep(**right), tmp_path, workers="two")
    assert not list(tmp_path.iterdir())


def test_a_grid_takes_arrays_ranges_and_fields_of_tuples() -> None:
    class Run(sweeps.Config):
        gamma: float
        seed: int = 0
        widths: tuple[int, ...] = (2,)
        betas: tuple[float, float] | None = None

    grid = partial(sweeps.grid, Run)
    assert [run.gamma for run in grid(gamma=np.linspace(0.5, 1, 3))] == [0.5, 0.75, 1.0]
    assert [run.seed for run in grid(gamma=torch.tensor(0.5), seed=range(3))] == [0, 1, 2]
    assert grid(gamma=np.float64(0.5), seed=np.int64(3)) == (Run(gamma=0.5, seed=3),)
    assert [run.gamma for run in grid(gamma=(1 / n for n in (1, 2)))] == [1.0, 0.5]
    assert [run.widths for run in grid(gamma=1, widths=(8, 8))] == [(8, 8)]
    assert [run.widths for run in grid(gamma=1, widths=((8, 8), (4,)))] == [(8, 8), (4,)]
    assert [run.betas for run in grid(gamma=1, betas=(None, (0.9, 0.99)))] == [None, (0.9, 0.99)]
    assert grid(gamma=np.array([0.5]))[0].hash == grid(gamma=0.5)[0].hash
    with pytest.raises(ValueError, match="gamma: expected at least one value"):
        grid(gamma=np.array([]))


def test_tuples_label_a_dimension_by_their_text(tmp_path: Path) -> None:
    class Run(sweeps.Config):
        widths: tuple[int, ...]

    configs = sweeps.grid(Run, widths=((8, 8), (4,)))
    sweep = sweeps.Sweep("toy", lambda run: xr.Dataset({"depth": len(run.widths)}), configs, ("widths",))
    sweeps.run(sweep, tmp_path / "study", workers=0, progress=False)
    dataset = sweeps.load(sweep, tmp_path / "study")
    assert dataset["depth"].sel(widths="[8, 8]") == 2
    xr.testing.assert_identical(sweeps.open("study/toy", folder=tmp_path), dataset)


def test_a_partial_load_leaves_out_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with pytest.raises(FileNotFoundError, match="6 of 6"):
        sweeps.load(toy.sweep(), folder, partial=True)
    _run(folder, fails=True)
    values = {"fails": True}
    with pytest.warns(UserWarning, match="2 of 6 cells are NaN: 2 failed and 0 are missing"):
        part = sweeps.load(toy.sweep(**values), folder, partial=True)
    with pytest.warns(UserWarning, match="2 failed"):
        xr.testing.assert_identical(sweeps.open("study/toy", folder=tmp_path, partial=True), part)
    failed = part.attrs["failed"].splitlines()
    assert len(failed) == 2
    assert all("seed = 1: RuntimeError: the second seed does not work (" in line for line in failed)
    assert part.attrs["missing"] == ""
    larger = toy.sweep(**values, seed=(0, 1, 2, 3))
    with pytest.warns(UserWarning, match="4 of 8 cells are NaN: 2 failed and 2 are missing"):
        assert "seed = 3" in sweeps.load(larger, folder, partial=True).attrs["missing"]
    assert part.sizes["seed"] == 3
    assert part["walk"].isnull().all("step").sel(seed=1).all()
    _run(tmp_path / "whole")
    whole = sweeps.load(toy.sweep(), tmp_path / "whole")
    xr.testing.assert_equal(part["walk"].sel(seed=[0, 2]), whole["walk"].sel(seed=[0, 2]))


def test_the_end_of_a_program_in_a_cell_is_a_failure(tmp_path: Path) -> None:
    def measure(config: toy.Toy) -> xr.Dataset:
        if config.seed == 1:
            sys.exit(3)
        return toy.measure(config)

    sweep = sweeps.Sweep("toy", measure, toy.sweep(gamma=0.3).configs, ("gamma", "seed"))
    summary = sweeps.run(sweep, tmp_path, workers=0, progress=False)
    assert summary.computed == 2
    (failure,) = summary.failed.values()
    assert failure.endswith("SystemExit: 3\n")


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (xr.Dataset({"v": 1.0}, attrs={"converged": True}), "bool"),
        (xr.Dataset({"v": 1.0}, attrs={"note": None}), "note"),
        (xr.Dataset({"train/loss": 1.0}), "train/loss"),
        (xr.Dataset({3: ("step", [1.0])}), "'3'"),
    ],
)
def test_what_netcdf_cannot_hold_stops_at_the_first_cell(
    tmp_path: Path, dataset: xr.Dataset, said: str
) -> None:
    calls = []

    def measure(config: toy.Toy) -> xr.Dataset:
        calls.append(config)
        return dataset

    sweep = sweeps.Sweep("toy", measure, toy.sweep().configs, ("gamma", "seed"))
    with pytest.raises(
        sweeps.UnstorableError, match=rf"measure: the dataset of Toy\(gamma=0.3, seed=0.*{said}"
    ):
        sweeps.run(sweep, tmp_path, workers=0, progress=False)
    assert len(calls) == 1


def test_what_workers_cannot_import_is_said_before_they_start(tmp_path: Path) -> None:
    sweep = sweeps.Sweep("toy", lambda config: toy.measure(config), toy.sweep().configs, ("gamma", "seed"))
    with pytest.raises(ValueError, match=r"measure: .*top-level function .*workers=0"):
        sweeps.run(sweep, tmp_path, workers=1, progress=False)
    program = f"""
import sys
sys.path.insert(0, {str(Path(toy.__file__).parent)!r})
import toy
from lowcomplex import sweeps
def measure(config):
    return toy.measure(config)
sweep = sweeps.Sweep("toy", measure, toy.sweep().configs, ("gamma", "seed"))
sweeps.run(sweep, {str(tmp_path)!r}, workers=2)
"""
    script = tmp_path / "script.py"
    script.write_text(program)
    run = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert run.returncode == 1
    assert f"RuntimeError: {script}, line 9: workers import this script" in run.stderr.splitlines()[-1]
    assert not (tmp_path / "cells").exists()
    # As in a notebook.
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("measure: measure is defined in a notebook or an interactive session, which") == 1
    assert len(list((tmp_path / "cells").rglob("*.nc"))) == len(sweep.configs)


def test_negative_workers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers"):
        _run(tmp_path, workers=-1)
