"""`python -m experiments`, on a study that takes no time."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import synthetic_hypotheses
import toy
from experiments import Study, __main__
from experiments._cluster_options import door
from experiments.hypotheses import registered
from lowcomplex import sweeps


@pytest.fixture(autouse=True)
def _toy_study(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(
        name="toy",
        title="Does it work?",
        config=toy.Toy,
        measure=toy.measure,
        presets={
            "quick": {"gamma": (0.3, 0.8), "seed": 0},
            "failing": {"gamma": 0.3, "seed": (0, 1), "fails": True},
        },
        dimensions=("gamma", "seed"),
        findings=lambda dataset: (f"{dataset.sizes['gamma']} gammas were walked.",),
        order=0,
        seconds=0.1,
    )
    monkeypatch.setattr(__main__, "studies", lambda: (study,))
    monkeypatch.setattr(__main__, "study", {"toy": study}.__getitem__)


def _door(*tokens: Any) -> int:
    try:
        code = door(__main__.app, [str(token) for token in tokens])
    except SystemExit as end:
        return int(str(end.code))
    return code


def test_runs_and_resumes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert _door("toy", "--folder", tmp_path, "--workers", 0) == 0
    said = capfd.readouterr().out
    assert "toy: 2 runs computed, 0 found finished, 0 failed" in said
    assert "- 2 gammas were walked." in said
    assert _door("resume", "toy", "--folder", tmp_path, "--workers", 0) == 0
    assert "toy: 0 runs computed, 2 found finished, 0 failed" in capfd.readouterr().out


def test_failures_end_with_one_and_say_where_they_are(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _door("toy", "--preset", "failing", "--folder", tmp_path, "--workers", 0) == 1
    heard = capfd.readouterr()
    assert "1 runs computed, 0 found finished, 1 failed" in heard.out
    assert f"tracebacks are in {tmp_path / 'toy' / 'failures'}" in heard.err
    (trace,) = (tmp_path / "toy" / "failures").iterdir()
    assert "does not work" in trace.read_text()


def test_says_what_a_design_can_detect(capfd: pytest.CaptureFixture[str]) -> None:
    assert _door("power", "E1") == 0
    assert "primary: at γ = .9" in capfd.readouterr().out
    assert _door("power", "E0") == 2
    assert "name: expected one of H1" in capfd.readouterr().err


def test_says_how_far_a_study_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert _door("status", "--folder", tmp_path) == 0
    assert capfd.readouterr().out.split() == ["toy", "quick,", "2", "cells:", "2", "missing"]
    assert not any(tmp_path.iterdir())
    _door("toy", "--preset", "failing", "--folder", tmp_path, "--workers", 0)
    capfd.readouterr()
    assert _door("status", "toy", "--preset", "failing", "--folder", tmp_path) == 0
    first, second = capfd.readouterr().out.splitlines()
    assert first.split() == ["toy", "failing,", "2", "cells:", "1", "finished,", "1", "failed"]
    assert second.startswith("  gamma = 0.3, seed = 1 failed: RuntimeError: the second seed does not work")
    assert str(tmp_path / "toy" / "failures") in second


def test_cleans(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert _door("clean", "--folder", tmp_path) == 0
    assert capfd.readouterr().out == "0 files, 0.0 MB removed\n"
    _door("toy", "--folder", tmp_path, "--workers", 0)
    (cell, _) = sorted((tmp_path / "toy" / "cells" / "data").glob("*.nc"))
    aside = cell.with_name(f"{cell.name}.corrupt")
    aside.write_bytes(bytes(2_000_000))
    for arguments, is_left in ((("toy", "--dry-run"), True), (("toy", "--stale"), False)):
        capfd.readouterr()
        assert _door("clean", *arguments, "--folder", tmp_path) == 0
        said = capfd.readouterr().out.splitlines()
        assert said[0] == f"{aside}: was set aside as damaged"
        assert said[1] == f"1 files, 2.0 MB {'would be removed' if is_left else 'removed'}"
        assert aside.exists() == is_left
    assert _door("toy", "--folder", tmp_path, "--workers", 0) == 0
    assert "2 found finished" in capfd.readouterr().out
    assert _door("clean", "toy", "--folder", tmp_path / "nowhere") == 2
    assert "no such folder" in capfd.readouterr().err


def test_an_interruption_is_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "run", interrupted)
    assert _door("toy", "--folder", tmp_path) == 130
    assert f"interrupted; finished runs are kept in {tmp_path / 'toy'}" in capfd.readouterr().err


def test_runs_as_jobs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = str(Path(toy.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])))
    options = ("--cluster", "local", "--parallel", 1, "--cells-per-job", 2, "--setup", "export READY=1")
    assert _door("toy", "--folder", tmp_path, *options) == 0
    assert "toy: 2 runs computed" in capfd.readouterr().out
    configs = sweeps.grid(toy.Toy, gamma=(0.3, 0.8), seed=0)
    found = sweeps.load(sweeps.Sweep("quick", toy.measure, configs, ("gamma",)), tmp_path / "toy")
    for config in configs:
        cell = toy.measure(config)
        xr.testing.assert_equal(found["walk"].sel(gamma=config.gamma, drop=True), cell["walk"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--cluster", "slrum"),
            'Invalid value "slrum" for --cluster. Choose from: "slurm", "local". Did you mean "slurm"?',
        ),
        (("--cluster", "slurm"), "sbatch and srun: not found"),
        (("--cluster", "local", "--minutes", 0), "minutes: expected a whole number of at least 1, got 0"),
        (("--gpus", 1), "cluster: expected --cluster slurm or --cluster local with the jobs' options"),
        (("--preset", "quik"), "did you mean 'quick'"),
        (("--workers", -1), "workers: expected zero or more processes, got -1"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    options: tuple[Any, ...],
    said: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _door("toy", "--folder", tmp_path, *options) == 2
    heard = capfd.readouterr()
    assert said in heard.err
    assert len(heard.err.strip().splitlines()) == 1
    assert not heard.out
    assert not (tmp_path / "toy").exists()


def test_hypotheses_are_told_from_what_runs_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judgments = synthetic_hypotheses.judgments()
    hypotheses = tuple(judgment.hypothesis for judgment in judgments)
    monkeypatch.setattr(registered, "load", lambda: hypotheses)
    runs = synthetic_hypotheses.runs().assign_attrs(origin="planted runs")
    found = ({"simulated": runs}, {"anchor_three": "no finished sweep"})
    monkeypatch.setattr(__main__, "load_available", lambda *_: found)
    assert __main__.hypotheses() == 0
    said = capsys.readouterr().out
    assert "simulated: planted runs" in said
    for judgment in judgments:
        assert judgment.sentence.split(":")[0] in said
    assert "no finished sweep" in said

    def broken() -> None:
        raise ValueError("hypotheses.toml: planted")

    monkeypatch.setattr(registered, "load", broken)
    assert __main__.hypotheses() == 2
    assert "planted" in capsys.readouterr().err


def _words(config: toy.Toy) -> xr.Dataset:
    return xr.Dataset({"phase": "short" if config.gamma < 0.5 else "much longer", "loss": 0.5})


def test_the_reduced_dataset_keeps_all_that_runs_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = replace(__main__.study("toy"), measure=_words)
    monkeypatch.setattr(__main__, "study", {"toy": study}.__getitem__)
    monkeypatch.setattr(__main__, "DATA", tmp_path)
    assert _door("toy", "--folder", tmp_path, "--workers", 0, "--reduce") == 0
    stored = xr.load_dataset(tmp_path / "toy.nc", engine="h5netcdf")
    assert stored["phase"].squeeze("seed").values.tolist() == ["short", "much longer"]
    assert stored.attrs["preset"] == "quick"
