"""The contents of a sweep's folder, and what can be removed from it."""

import os
from pathlib import Path

import pytest

import toy
from lowcomplex import sweeps
from lowcomplex.sweeps._claims import claims


def _run(folder: Path, **values) -> None:
    sweeps.run(toy.sweep(**values), folder, workers=0, progress=False)


def _damage(folder: Path, config: sweeps.Config) -> Path:
    path = sweeps.Store(folder / "cells").path(config.hash)
    path.write_bytes(path.read_bytes()[:-1])
    return path


def test_every_state(tmp_path: Path) -> None:
    sweep = toy.sweep(fails=True)
    assert sweeps.status(sweep, tmp_path / "nothing").counts["missing"] == 6
    _run(tmp_path, fails=True, gamma=0.3)
    _damage(tmp_path, sweep.configs[2])
    with claims(tmp_path / "cells") as registry:
        registry.claim([sweep.configs[3].hash])
        found = sweeps.status(sweep, tmp_path)
        registry.release([sweep.configs[3].hash])
    assert [cell.state for cell in found.cells] == [
        "finished",
        "failed",
        "damaged",
        "running",
        "missing",
        "missing",
    ]
    assert "RuntimeError: the second seed does not work" in found.cells[1].detail
    assert "checksum" in found.cells[2].detail
    assert f"process {os.getpid()}" in found.cells[3].detail
    assert str(found) == "6 cells: 1 finished, 1 running, 1 failed, 1 damaged, 2 missing"
    assert not found.is_finished


def test_clean_keeps_what_is_needed(tmp_path: Path) -> None:
    _run(tmp_path)
    sweep = toy.sweep()
    damaged = _damage(tmp_path, sweep.configs[0])
    _run(tmp_path)
    cells, checkpoints, failures = (tmp_path / name for name in ("cells", "checkpoints", "failures"))
    checkpoints.mkdir()
    failures.mkdir()
    missing = toy.Toy(gamma=0.9)
    needless = [
        damaged.with_name(f"{damaged.name}.corrupt"),
        cells / "data" / "save-tmp-1234-cell.nc",
        cells / "beats" / "1234",
        checkpoints / sweep.configs[0].hash,
        checkpoints / f"{missing.hash}-0123456789abcdef",
        checkpoints / f"{missing.hash}.tmp",
        tmp_path / ".toy.123.unfinished.json",
        failures / f"{sweep.configs[0].hash}.txt",
        failures / f"{missing.hash}.txt",
    ]
    for path in needless:
        path.write_text("left behind")
    notes = tmp_path / ".notes"  # Not ours.
    notes.touch()
    assert {item.path for item in sweeps.clean(tmp_path, dry_run=True)} == set(needless)
    assert all(path.exists() for path in needless)
    with claims(cells) as registry:
        registry.claim([missing.hash])
        reasons = {item.reason for item in sweeps.clean(tmp_path, dry_run=True)}
        registry.release([missing.hash])
    assert "a killed process left it unfinished" not in reasons
    removed = sweeps.clean(tmp_path)
    assert sum(item.bytes for item in removed) == 9 * len("left behind")
    assert not any(path.exists() for path in needless)
    assert notes.exists()
    assert sweeps.status(sweep, tmp_path).is_finished
    assert sweeps.clean(tmp_path) == ()


def test_stale_cells_go_only_when_asked(tmp_path: Path) -> None:
    _run(tmp_path, gamma=(0.1, 0.3, 0.8))
    _run(tmp_path)
    assert sweeps.clean(tmp_path) == ()
    removed = sweeps.clean(tmp_path, stale=True)
    assert len(removed) == 3
    assert not any(item.path.exists() for item in removed)
    assert all(item.bytes > 0 for item in removed)
    assert sweeps.status(toy.sweep(), tmp_path).is_finished
    assert sweeps.status(toy.sweep(gamma=0.1), tmp_path).counts["missing"] == 3
    assert not list((tmp_path / "cells" / "data").glob("*.corrupt"))


def test_clean_refuses_what_it_cannot_know(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        sweeps.clean(tmp_path / "nothing")
    _run(tmp_path)
    (tmp_path / "toy.json").write_text("[]")
    with pytest.raises(ValueError, match="manifest"):
        sweeps.clean(tmp_path, stale=True)
