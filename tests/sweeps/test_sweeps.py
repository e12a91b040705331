import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydantic
import pytest
import xarray as xr

import toy
from lowcomplex import sweeps


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


def test_killed_at_any_moment_and_resumed(tmp_path: Path) -> None:
    program = [sys.executable, toy.__file__, str(tmp_path / "killed"), "0.2", "2"]
    for wait in (1.5, 2.1, 2.7):
        process = subprocess.Popen(program)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    summary = _run(tmp_path / "killed", workers=2, seconds=0.2)
    assert summary.computed + summary.cached == 6
    _run(tmp_path / "whole", seconds=0.2)
    xr.testing.assert_identical(
        _load(tmp_path / "killed", seconds=0.2), _load(tmp_path / "whole", seconds=0.2)
    )


def test_two_sweeps_on_one_folder_compute_no_cell_twice(tmp_path: Path) -> None:
    program = [sys.executable, toy.__file__, str(tmp_path), "0.3", "1"]
    racers = [subprocess.Popen(program) for _ in range(2)]
    assert [racer.wait() for racer in racers] == [0, 0]
    index = [line for path in (tmp_path / "cells").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(index) == 6


def test_negative_workers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers"):
        _run(tmp_path, workers=-1)
