"""The main job: train, measure, check, draw, report. `python -m paper_figs.reproduce`."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cyclopts
import xarray as xr

from experiments import RESULTS, studies
from experiments._cluster_options import Jobs, door, in_one_line
from experiments._data import load
from experiments._study import Study
from experiments.hypotheses import evidence, registered, table
from lowcomplex.sweeps import Cluster, StorageError, Store, versions
from paper_figs import _pages, _papers, _report, _verdicts, figure, names
from paper_figs._files import write

TITLE = "How complex is what training found? Measured over the initialization rate γ, and against theory"
MAIN = "anchor_accuracies"

app = cyclopts.App(
    name="python -m paper_figs.reproduce",
    help="Run the main job: studies, checks, figures, report.",
    error_formatter=in_one_line,
)


@app.default
def main(
    *,
    preset: str = "quick",
    workers: int = 2,
    folder: Path = RESULTS,
    jobs: Jobs = None,
) -> int:
    """Compute what is missing, draw every figure, and write FOLDER/report.html and papers.html.

    What is finished is not computed again, so that an interrupted job goes on where it was.

    Parameters
    ----------
    preset
        quick or full; docs/explanation/studies.md says how long each takes, and the job's first lines what is
        left.
    workers
        Processes, one thread each.
    folder
        Where everything is written.
    jobs
        Train as jobs of a cluster; checks and figures stay here.
    """
    try:
        if jobs is not None:
            jobs.require()
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return reproduce(preset, workers, folder, jobs)
    except (ValueError, StorageError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. Every finished run is kept in {folder}; the same command goes on from there.",
            file=sys.stderr,
        )
        return 130


def reproduce(preset: str, workers: int, folder: Path, cluster: Cluster | None = None) -> int:
    """The main job.

    Args:
        preset: Which of the studies' grids.
        workers: Number of processes.
        folder: Folder of the results.
        cluster: The cluster to train on; processes of this machine if None.

    Returns:
        0 if every run finished, every figure was drawn and every verdict is the expected one, else 1.

    Raises:
        ValueError: An unknown preset, or a negative number of workers.
    """
    start = time.perf_counter()
    all_studies = studies()
    _announce(all_studies, preset, workers, folder)
    problems: list[str] = []
    findings: list[_report.Found] = []
    provenance: dict[str, dict[str, Any]] = {}
    captions = _draw("", xr.Dataset(), folder / "figures", problems)
    datasets: dict[str, xr.Dataset] = {}
    for chosen in all_studies:
        _say(f"\n{chosen.name}: {chosen.title}")
        if _is_computed(chosen, preset):
            dataset = _run(chosen, preset, workers, folder, cluster, problems)
        else:
            dataset = _stored(chosen, preset, folder)
        if dataset is None:
            continue
        found = _report.Found(chosen.name, chosen.title, chosen.findings(dataset))
        findings.append(found)
        for finding in found.findings:
            _say(f"  - {finding}")
        captions |= _draw(chosen.name, dataset, folder / "figures", problems)
        datasets[chosen.name] = dataset
        made_by = str(dataset.attrs.get("preset", preset))
        runs = len(chosen.sweep(made_by).configs)
        provenance[f"{chosen.name}: {runs} runs"] = _config(chosen, made_by, dataset)
    judgments = _judge(datasets, problems)
    if judgments:
        judged = table.dataset(judgments)
        captions |= _draw(table.NAME, judged, folder / "figures", problems)
    verdicts = _check(folder / "checks.json", workers, problems)
    provenance["Versions"] = versions()
    page = _report.report_page(
        title=TITLE,
        verdicts=verdicts,
        figures=[
            _pages.picture(name, captions[name], folder / "figures", figure(name).study)
            for name in names()
            if name in captions
        ],
        findings=findings,
        provenance=provenance,
        problems=problems,
        hypotheses=table.report(judgments),
        main=MAIN,
        claims=_papers.entries(folder / "figures"),
    )
    write(folder / "report.html", page.encode())
    write(folder / "papers.html", _papers.page(folder / "figures").encode())
    for problem in problems:
        _say(f"PROBLEM: {problem}")
    _say(f"\nDone in {_duration(time.perf_counter() - start)}{', with problems' if problems else ''}.")
    _say(f"{folder / 'papers.html'}")
    _say(f"{folder / 'report.html'}")
    return 1 if problems else 0


def _announce(all_studies: Sequence[Study], preset: str, workers: int, folder: Path) -> None:
    if workers < 0:
        raise ValueError(f"workers: expected zero or more processes, got {workers}")
    computed = [chosen for chosen in all_studies if _is_computed(chosen, preset)]
    grids = [chosen.sweep(preset).configs for chosen in computed]
    _say(
        f"Main job, preset {preset}, {workers} workers. It can be interrupted at any time and started again."
    )
    total = 0.0
    for chosen, configs in zip(computed, grids, strict=True):
        cells = Store(chosen.folder(folder) / "cells")
        missing = sum(config.hash not in cells for config in configs)
        seconds = missing * chosen.seconds / max(workers, 1)
        total += seconds
        estimate = f", about {_duration(seconds)}" if missing else ""
        _say(f"  {chosen.name:24s} {missing:3d} of {len(configs):3d} runs to compute{estimate}")
    if total:
        _say(f"About {_duration(total)} of training on two cores, then the checks and figures.")


def _is_computed(chosen: Study, preset: str) -> bool:
    return chosen.routine or preset != "quick"


def _stored(chosen: Study, preset: str, folder: Path) -> xr.Dataset | None:
    """What there is of a study that this preset does not compute."""
    for wanted in ("full", preset):
        try:
            dataset = load(chosen.name, wanted, folder)
        except FileNotFoundError:
            continue
        _say(f"  not computed in this preset; from {dataset.attrs['origin']}")
        return dataset
    _say("  not computed in this preset, and no dataset of it comes with the code yet")
    return None


def _run(
    chosen: Study, preset: str, workers: int, folder: Path, cluster: Cluster | None, problems: list[str]
) -> xr.Dataset | None:
    """Compute the missing runs of a study; its dataset, or None if a run failed."""
    summary = chosen.run(preset, folder, workers=workers, cluster=cluster)
    _say(
        f"  {summary.computed} runs computed, {summary.cached} found finished, "
        f"{len(summary.failed)} failed, {_duration(summary.seconds)}"
    )
    if summary.failed:
        problems.append(
            f"{chosen.name}: {len(summary.failed)} of {len(chosen.sweep(preset).configs)} runs failed, so "
            f"its figures are missing; tracebacks are in {chosen.folder(folder) / 'failures'}"
        )
        return None
    return chosen.load(preset, folder)


def _judge(datasets: Mapping[str, xr.Dataset], problems: list[str]) -> tuple[evidence.Judgment, ...]:
    """What the runs say of the registered hypotheses; nothing if they cannot be read."""
    _say("\nhypotheses, as they were registered before their runs were seen")
    try:
        judgments = evidence.evaluate(registered.load(), datasets)
    except (ValueError, OSError) as error:
        problems.append(f"hypotheses: {error}")
        return ()
    for judgment in judgments:
        _say(f"  {judgment.hypothesis.name}: {judgment.sentence}")
    return judgments


def _draw(chosen: str, dataset: xr.Dataset, folder: Path, problems: list[str]) -> dict[str, str]:
    """Draw what has changed of a study's figures; captions of the figures that are there."""
    captions = {}
    for item in (figure(name) for name in names()):
        if item.study != chosen:
            continue
        try:
            if not item.is_current(dataset, folder):
                item.save(dataset, folder)
                _say(f"  drew {folder / item.name}.pdf")
            captions[item.name] = item.caption(dataset)
        except Exception as error:  # One figure that fails must not cost the report.
            traceback.print_exc()
            problems.append(f"figure {item.name}: {type(error).__name__}: {error}")
    return captions


def _check(path: Path, workers: int, problems: list[str]) -> _verdicts.Verdicts:
    """The verdicts of all checks, run unless this code has given them before."""
    verdicts = _verdicts.stored(path)
    if verdicts is None:
        _say("\nchecks: predictions against small trainings")
        verdicts, errors = _verdicts.run(path, workers, lambda name: _say(f"  {name} has run"))
        for error in errors:
            _say(error.error)
            problems.append(f"check of {error.name} could not run: {error.error.strip().splitlines()[-1]}")
    else:
        _say("\nchecks: nothing changed since they ran")
    for verdict in verdicts:
        outcome = "holds" if verdict["passed"] else "refuted"
        _say(
            f"  {verdict['name']:24s} {outcome:8s} {verdict['quantity']}: predicted "
            f"{verdict['predicted']:.4g}, measured {verdict['measured']:.4g}, control {verdict['control']}"
        )
        if not verdict["as_expected"]:
            problems.append(
                f"{verdict['name']}: expected {verdict['expected']}, found {outcome}, "
                f"control {verdict['control']}"
            )
    return verdicts


def _config(chosen: Study, preset: str, dataset: xr.Dataset) -> dict[str, Any]:
    """What the study's runs depended on: swept fields, fixed fields, hash, versions."""
    configs = chosen.sweep(preset).configs
    fields = [config.model_dump() for config in configs]
    values = {name: list(dict.fromkeys(map(_hashable, (f[name] for f in fields)))) for name in fields[0]}
    return {
        **{
            name: found[0] if len(found) == 1 else ", ".join(map(str, found))
            for name, found in values.items()
        },
        "preset": preset,
        "sweep_hash": dataset.attrs["sweep_hash"],
        **{name: dataset.attrs[name] for name in versions() if name in dataset.attrs},
    }


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(door(app))
