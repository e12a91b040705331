"""Check the predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.table import Table

from lowcomplex import checks
from lowcomplex.cli._output import console, require_folder, write_json


def check(
    *names: str,
    json: Path | None = None,
    junit: Path | None = None,
    seed: int = 0,
    workers: int = 2,
) -> int:
    """Do the predictions hold? Exit code 1 if a verdict is not the expected one.

    Parameters
    ----------
    names
        Predictions to check; all of them if none is named.
    json
        Write the verdicts there.
    junit
        Write the verdicts there, as JUnit XML.
    seed
        Seed of data and weights.
    workers
        Processes to run checks in.
    """
    live = sys.stderr.isatty()
    try:
        require_folder(json=json, junit=junit)
        verdicts = checks.run_all(
            names or None,
            seed=seed,
            workers=workers,
            progress=(lambda name: print(f"  {name} done", file=sys.stderr)) if live else None,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    console().print(_verdict_table(verdicts))
    for verdict in verdicts:
        if isinstance(verdict, checks.CheckError):
            print(f"{verdict.name} could not run:\n{verdict.error}", file=sys.stderr)
    if json is not None:
        write_json(json, [_verdict_record(verdict) for verdict in verdicts])
    if junit is not None:
        _write_junit(junit, verdicts)
    unexpected = [verdict.name for verdict in verdicts if not verdict.as_expected]
    print(
        f"{len(verdicts) - len(unexpected)} of {len(verdicts)} verdicts as expected"
        + (f"; not: {', '.join(unexpected)}" if unexpected else "")
    )
    return 1 if unexpected else 0


def _verdict_table(verdicts: list[checks.Verdict | checks.CheckError]) -> Table:
    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_column("quantity", max_width=70)
    for column in ("predicted", "measured", "tolerance"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("verdict", "control"):
        table.add_column(column, no_wrap=True)
    table.add_column("seconds", justify="right")
    for verdict in verdicts:
        if isinstance(verdict, checks.CheckError):
            table.add_row(verdict.name, "could not run", "", "", "", "[red]error[/red]", "", "")
            continue
        word = "holds" if verdict.passed else "refuted"
        table.add_row(
            verdict.name,
            verdict.quantity,
            f"{verdict.predicted:.4g}",
            f"{verdict.measured:.4g}",
            f"{verdict.tolerance:.2g}",
            word if verdict.as_expected else f"[red]{word}[/red]",
            verdict.control,
            f"{verdict.seconds:.1f}",
        )
    return table


def _verdict_record(verdict: checks.Verdict | checks.CheckError) -> dict[str, Any]:
    if isinstance(verdict, checks.CheckError):
        return {"name": verdict.name, "seed": verdict.seed, "error": verdict.error, "as_expected": False}
    return verdict.to_dict()


def _write_junit(path: Path, verdicts: list[checks.Verdict | checks.CheckError]) -> None:
    failures = sum(not v.as_expected for v in verdicts)
    suite = ElementTree.Element(
        "testsuite", name="lowcomplex check", tests=str(len(verdicts)), failures=str(failures)
    )
    for verdict in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname="lowcomplex.checks", name=verdict.name)
        if isinstance(verdict, checks.CheckError):
            ElementTree.SubElement(case, "error", message="could not run").text = verdict.error
            continue
        case.set("time", f"{verdict.seconds:.3f}")
        if not verdict.as_expected:
            text = f"{verdict.quantity}: predicted {verdict.predicted:g}, measured {verdict.measured:g}, "
            text += f"tolerance {verdict.tolerance:g}, control {verdict.control}"
            ElementTree.SubElement(case, "failure", message="not as expected").text = text
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
