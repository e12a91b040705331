from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from matplotlib.figure import Figure as Canvas

import synthetic
from experiments._cluster_options import door
from experiments._study import Study
from experiments.hypotheses.registered import Hypothesis
from lowcomplex import checks, sweeps
from lowcomplex.checks import Comparison, Control, Verdict
from paper_figs import Figure
from paper_figs import reproduce as job

FIGURES = ("gamma_law", "anchor_offsets")
STUDIES = ("gamma_axis", "anchor_gamma")


class FakeConfig(sweeps.Config):
    study: str
    seed: int = 0


def fake_measure(config: FakeConfig) -> xr.Dataset:
    if (Path.cwd() / "fail").exists() and config.study == "anchor_gamma":
        raise RuntimeError("planted failure")
    return synthetic.dataset(config.study)


def _findings(dataset: xr.Dataset) -> tuple[str, ...]:
    return (f"{dataset.sizes['gamma']} rates were tried.",)


def _study(name: str) -> Study:
    return Study(
        name=name,
        title=f"What does {name} ask?",
        config=FakeConfig,
        measure=fake_measure,
        presets={"quick": {"study": name}},
        dimensions=(),
        findings=_findings,
        order=0,
        seconds=0.1,
    )


def _figure(name: str) -> Figure:
    """A figure that is drawn in milliseconds; the real ones have tests of their own."""

    def draw(dataset: xr.Dataset) -> Canvas:
        canvas = Canvas(figsize=(1, 1))
        canvas.subplots().plot(dataset["gamma"])
        return canvas

    return Figure(
        name=name,
        study=dict(zip(FIGURES, STUDIES, strict=True))[name],
        caption=lambda dataset: f"caption of {name}",
        draw=draw,
        numbers=lambda dataset: dataset["gamma"].to_dataframe(name="rate"),
    )


def _verdict(measured: float = 1.0) -> Verdict:
    comparison = Comparison("slope", 1.0, measured, 0.1, "because")
    control = Control("violated", (Comparison("slope", 1.0, 2.0, 0.1, "because"),))
    return Verdict("gamma_law", "source", 0, (comparison,), (control,), "holds", 0.1)


class _Checks:
    """Stands in for the checks: counts how often they ran."""

    def __init__(self) -> None:
        self.runs = 0
        self.measured = 1.0

    def __call__(self, **_: Any) -> list[Verdict | checks.CheckError]:
        self.runs += 1
        return [_verdict(self.measured)]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Checks:
    runner = _Checks()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "names", lambda: FIGURES)
    monkeypatch.setattr(job, "studies", lambda: tuple(map(_study, STUDIES)))
    monkeypatch.setattr(job, "figure", _figure)
    monkeypatch.setattr(checks, "run_all", runner)
    monkeypatch.setattr(job.registered, "load", lambda: ())
    return runner


def _run(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = job.reproduce("quick", 0, Path("results"))
    return status, capsys.readouterr().out


def test_the_main_job_ends_with_the_report(fake: _Checks, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = _run(capsys)
    assert status == 0
    assert said.splitlines()[-1] == "results/report.html"
    page = Path("results/report.html").read_text()
    for shown in (*FIGURES, "11 rates were tried.", "4 rates were tried.", "1 of 1 predictions"):
        assert shown in page
    assert page.count("<img") == 2
    for name in FIGURES:
        for suffix in ("pdf", "png", "svg", "csv"):
            assert Path(f"results/figures/{name}.{suffix}").is_file()


def test_a_second_run_repeats_nothing(fake: _Checks, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys)
    page = Path("results/report.html").read_bytes()
    drawn = {p: p.stat().st_mtime_ns for p in Path("results/figures").iterdir()}
    status, said = _run(capsys)
    assert (status, fake.runs) == (0, 1)
    assert "0 of   1 runs to compute" in said
    assert "drew" not in said
    assert {p: p.stat().st_mtime_ns for p in Path("results/figures").iterdir()} == drawn
    assert Path("results/report.html").read_bytes() == page


def test_checks_run_again_when_the_code_changed(fake: _Checks, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys)
    path = Path("results/checks.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "digest": "other"}))
    _run(capsys)
    assert fake.runs == 2


def test_a_failed_run_is_reported_and_mended(fake: _Checks, capsys: pytest.CaptureFixture[str]) -> None:
    Path("fail").touch()
    status, said = _run(capsys)
    assert status == 1
    assert "PROBLEM: anchor_gamma: 1 of 1 runs failed" in said
    page = Path("results/report.html").read_text()
    assert "1 of 1 runs failed" in page
    assert "figure-gamma_law" in page
    assert "figure-anchor_offsets" not in page
    Path("fail").unlink()
    status, _ = _run(capsys)
    assert status == 0
    assert "figure-anchor_offsets" in Path("results/report.html").read_text()


def test_registered_hypotheses_are_judged_by_the_runs(
    fake: _Checks, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    test = {"name": "rank falls", "statistic": "rank correlation", "direction": -1, "threshold": 0.4}
    test |= {"x": "gamma", "y": "stable_rank: block 1 query"}
    fields = {"title": "Something falls.", "unit": "run", "sample": 12, "rule": "all"}
    registered = [
        Hypothesis.model_validate(fields | {"name": name, "study": study, "test": [test]})
        for name, study in (("H1", "anchor_gamma"), ("H9", "anchor_three"))
    ]
    monkeypatch.setattr(job.registered, "load", lambda: registered)
    status, said = _run(capsys)
    assert status == 0
    assert "H1: Supported, on 11 of 12 registered runs" in said
    assert "H9: Not run, on 0 of 12 registered runs" in said
    page = Path("results/report.html").read_text()
    assert "Something falls." in page
    assert "no dataset of anchor_three" in page

    def broken() -> None:
        raise ValueError("hypotheses.toml: planted")

    monkeypatch.setattr(job.registered, "load", broken)
    status, said = _run(capsys)
    assert status == 1
    assert "PROBLEM: hypotheses: hypotheses.toml: planted" in said


def test_an_unexpected_verdict_fails_the_job(fake: _Checks, capsys: pytest.CaptureFixture[str]) -> None:
    fake.measured = 1.5
    status, said = _run(capsys)
    assert status == 1
    assert "PROBLEM: gamma_law: expected holds, found refuted" in said
    assert "0 of 1 predictions" in Path("results/report.html").read_text()


def test_checks_that_cannot_run_fail_the_job(
    fake: _Checks, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = checks.CheckError("balancedness", 0, "Traceback:\nArithmeticError: planted\n")
    monkeypatch.setattr(checks, "run_all", lambda **_: [_verdict(), error])
    status, said = _run(capsys)
    assert status == 1
    assert "PROBLEM: check of balancedness could not run: ArithmeticError: planted" in said
    assert "1 of 1 predictions" in Path("results/report.html").read_text()
    assert not Path("results/checks.json").exists()


def test_an_interrupt_says_how_to_go_on(
    fake: _Checks, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "reproduce", interrupted)
    assert job.main(preset="quick") == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_a_full_disk_is_no_traceback(
    fake: _Checks, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any, **__: Any) -> None:
        raise sweeps.StorageError("results/cells", "No space left on device")

    monkeypatch.setattr(sweeps, "run", no_room)
    assert job.main(preset="quick") == 2
    assert "cannot write to results/cells: No space left on device" in capsys.readouterr().err


def test_options_of_jobs_without_a_cluster_are_refused(
    fake: _Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        door(job.app, ["--gpus", "1"])
    assert "expected --cluster slurm or --cluster local" in capsys.readouterr().err
    assert not Path("results/report.html").exists()


def test_an_unknown_preset_is_refused(fake: _Checks, capsys: pytest.CaptureFixture[str]) -> None:
    assert job.main(preset="quik") == 2
    assert "did you mean 'quick'" in capsys.readouterr().err
    assert not Path("results/report.html").exists()


def test_what_is_not_computed_comes_from_the_largest_grid_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {"quick": xr.Dataset(attrs={"origin": "few runs"})}

    def load(name: str, preset: str, folder: Path) -> xr.Dataset:
        if preset not in there:
            raise FileNotFoundError(name)
        return there[preset]

    monkeypatch.setattr(job, "load", load)
    long = replace(_study("anchor_gamma"), routine=False)
    assert not job._is_computed(long, "quick")
    assert job._is_computed(long, "full")
    assert job._stored(long, "quick", tmp_path) is there["quick"]
    there["full"] = xr.Dataset(attrs={"origin": "all runs"})
    assert job._stored(long, "quick", tmp_path) is there["full"]
    there.clear()
    assert job._stored(long, "quick", tmp_path) is None
    assert "no dataset of it comes with the code yet" in capsys.readouterr().out
