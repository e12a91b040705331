"""`python -m experiments`: run one study, from a checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cyclopts

from experiments import RESULTS, Study, studies, study
from experiments._cluster_options import Jobs, door, in_one_line
from experiments._data import load_available
from experiments.hypotheses import designs, evidence, experiments, registered, table
from lowcomplex import sweeps

DATA = Path("paper_figs/data")

app = cyclopts.App(
    name="python -m experiments", help="Run a study: train, measure, store.", error_formatter=in_one_line
)


@app.default
def main(
    name: str | None = None,
    *,
    preset: str = "quick",
    workers: int = 2,
    folder: Path = RESULTS,
    reduce: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    jobs: Jobs = None,
) -> int:
    """Compute the missing runs of a study, then say what was found; without a name, list the studies.

    Parameters
    ----------
    name
        The study.
    preset
        quick, full, or another that the list names; docs/explanation/studies.md says how long the first two
        take.
    workers
        Processes, one thread each.
    folder
        Where results are stored.
    reduce
        Also write the reduced dataset that figures draw from to paper_figs/data/.
    jobs
        Run as jobs of a cluster.
    """
    if name is None:
        for listed in studies():
            sizes = ", ".join(f"{p}: {len(listed.sweep(p).configs)} runs" for p in listed.presets)
            print(f"{listed.name:24s} {listed.title} ({sizes})")
        return 0
    try:
        chosen = study(name)
        chosen.sweep(preset)
        if jobs is not None:
            jobs.require()
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        summary = chosen.run(preset, folder, workers=workers, cluster=jobs)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ninterrupted; finished runs are kept in {chosen.folder(folder)}", file=sys.stderr)
        return 130
    print(
        f"{name}: {summary.computed} runs computed, {summary.cached} found finished, "
        f"{len(summary.failed)} failed, {summary.seconds:.0f} s"
    )
    if summary.failed:
        print(f"tracebacks are in {chosen.folder(folder) / 'failures'}", file=sys.stderr)
        return 1
    dataset = chosen.load(preset, folder)
    for sentence in chosen.findings(dataset):
        print(f"- {sentence}")
    if reduce:
        path = DATA / f"{name}.nc"
        packed = {
            key: {"zlib": True, "complevel": 9, "shuffle": True}
            for key, v in dataset.data_vars.items()
            if v.dtype.kind == "f"
        }
        dataset.assign_attrs(preset=preset).to_netcdf(path, engine="h5netcdf", encoding=packed)
        print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


@app.command
def resume(
    name: str,
    *,
    preset: str = "quick",
    workers: int = 2,
    folder: Path = RESULTS,
    jobs: Jobs = None,
) -> int:
    """Go on with a study that was interrupted: the same as running it again.

    Finished runs are kept, long ones continue from their checkpoints, and jobs that are still queued or
    running are waited for.

    Parameters
    ----------
    name
        The study.
    preset
        Which of its grids.
    workers
        Processes, one thread each.
    folder
        Where results are stored.
    jobs
        Run as jobs of a cluster.
    """
    return main(name, preset=preset, workers=workers, folder=folder, jobs=jobs)


@app.command
def status(name: str | None = None, *, preset: str = "quick", folder: Path = RESULTS) -> int:
    """Say how far a study is, or all of them, without computing anything.

    Parameters
    ----------
    name
        The study; all of them if it is left out.
    preset
        Which of its grids.
    folder
        Where results are stored.
    """
    try:
        chosen = _studies(name)
        found = {each.name: sweeps.status(each.sweep(preset), each.folder(folder)) for each in chosen}
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for each in chosen:
        print(f"{each.name:24s} {preset}, {found[each.name]}")
        for cell in found[each.name].cells:
            if cell.detail:
                print(f"  {_fields(cell.config, each.dimensions)} {cell.state}: {cell.detail}")
    return 0


@app.command
def clean(
    name: str | None = None,
    *,
    stale: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    dry_run: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    folder: Path = RESULTS,
) -> int:
    """Remove what interrupted, failed and damaged runs left behind; finished runs stay.

    Parameters
    ----------
    name
        The study; all that have results if it is left out.
    stale
        Also remove finished runs that no grid has any more: what a changed config left behind.
    dry_run
        Only say what would be removed.
    folder
        Where results are stored.
    """
    try:
        folders = [each.folder(folder) for each in _studies(name)]
        removed = [
            file
            for place in folders
            if name is not None or place.is_dir()
            for file in sweeps.clean(place, stale=stale, dry_run=dry_run)
        ]
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for file in removed:
        print(f"{file.path}: {file.reason}")
    size = sum(file.bytes for file in removed)
    print(f"{len(removed)} files, {size / 1e6:.1f} MB {'would be removed' if dry_run else 'removed'}")
    return 0


@app.command
def hypotheses(*, preset: str = "full", folder: Path = RESULTS) -> int:
    """Say what the runs there are say of the registered hypotheses; nothing is computed but statistics.

    Parameters
    ----------
    preset
        Which of the studies' grids.
    folder
        Where results are stored. A study without finished runs there is read from paper_figs/data/.
    """
    try:
        asked, counted = registered.load(), experiments.load()
        studies = [test.study for hypothesis in asked for test in hypothesis.test]
        studies += [study for experiment in counted for study in experiment.studies]
        datasets, reasons = load_available(studies, preset, folder)
        judgments = evidence.evaluate(asked, datasets)
        reports = [experiments.evaluate(experiment, datasets) for experiment in counted]
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for name, dataset in datasets.items():
        print(f"{name}: {dataset.attrs['origin']}")
    for reason in reasons.values():
        print(reason)
    for line in (*table.lines(judgments), *(line for report in reports for line in report.lines())):
        print(line)
    return 0


@app.command
def power(name: str) -> int:
    """Say what a registered design can detect, from its numbers alone: before its runs, or without them.

    Parameters
    ----------
    name
        The hypothesis or the experiment, such as E1.
    """
    try:
        for line in designs.lines(name, registered.load(), experiments.load()):
            print(line)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _studies(name: str | None) -> list[Study]:
    return list(studies()) if name is None else [study(name)]


def _fields(config: sweeps.Config, dimensions: tuple[str, ...]) -> str:
    return ", ".join(f"{field} = {getattr(config, field)}" for field in dimensions)


if __name__ == "__main__":
    sys.exit(door(app))
