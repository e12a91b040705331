"""The command that checks the predictions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from tqdm import tqdm

from lowcomplex import checks
from lowcomplex._endings import ending_in_words, say
from lowcomplex.cli._output import console, require_outputs, write_json, written
from lowcomplex.cli._verdicts import Outcome, record, repetition_table, verdict_table, write_junit


@ending_in_words
def check(
    *names: str,
    json: Path | None = None,
    junit: Path | None = None,
    seed: int = 0,
    seeds: int = 1,
    workers: int = 2,
) -> int:
    """Do the predictions hold? Exit code 1 if a verdict is not the expected one.

    With --seeds N, every check runs over N draws of data and weights, and the exit code is 1 if the rate at
    which it holds, or at which its controls are rejected, is below 99 in 100 beyond its 95 % interval.

    Parameters
    ----------
    names
        Predictions to check; all of them if none is named.
    json
        Also write the verdicts to this JSON file.
    junit
        Also write the verdicts to this JUnit XML file.
    seed
        Seed of data and weights; with --seeds, the first one.
    seeds
        Number of seeds.
    workers
        Number of processes that run checks.
    """
    try:
        require_outputs(json=json, junit=junit)
        if seed < 0:
            raise ValueError(f"seed: expected 0 or more, got {seed}")
        chosen = names or checks.names()
        with tqdm(total=len(chosen) * seeds, unit="check", disable=not sys.stderr.isatty()) as bar:

            def ended(*_: str | int) -> None:
                bar.update()

            if seeds == 1:
                verdicts = checks.run_all(chosen, seed=seed, workers=workers, progress=ended)
            else:
                repetitions = checks.repeat(chosen, seeds=seeds, first=seed, workers=workers, progress=ended)
    except ValueError as error:
        say(error)
        return 2
    if seeds == 1:
        errors = [verdict for verdict in verdicts if isinstance(verdict, checks.CheckError)]
        return _conclude(verdicts, verdict_table(verdicts), errors, json, junit)
    errors = [error for repetition in repetitions for error in repetition.errors]
    return _conclude(repetitions, repetition_table(repetitions), errors, json, junit)


def _conclude(
    outcomes: Sequence[Outcome],
    table: Table,
    errors: Sequence[checks.CheckError],
    json: Path | None,
    junit: Path | None,
) -> int:
    failures = written(
        {
            "json": (json, lambda file: write_json(file, [record(outcome) for outcome in outcomes])),
            "junit": (junit, lambda file: write_junit(file, outcomes)),
        }
    )
    console().print(table)
    for error in errors:
        print(f"{error.name} could not run (seed {error.seed}):\n{error.error}", file=sys.stderr)
    unexpected = [outcome.name for outcome in outcomes if not outcome.as_expected]
    print(
        f"{len(outcomes) - len(unexpected)} of {len(outcomes)} verdicts as expected"
        + (f"; not: {', '.join(unexpected)}" if unexpected else "")
    )
    for failure in failures:
        say(failure)
    return 2 if failures else 1 if unexpected else 0
