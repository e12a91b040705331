"""The command line: measure a checkpoint, place it on the γ axis, check the predictions."""

from __future__ import annotations

import json as json_module
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import cyclopts
from rich.console import Console
from rich.table import Table

from lowcomplex import checkpoints, checks, initialization, nulls
from lowcomplex.measures import condensed_directions, rank_measures

if TYPE_CHECKING:
    import pandas as pd

app = cyclopts.App(
    name="lowcomplex",
    help="How complex is the solution that training found, and does theory say so?",
)


@app.command
def measure(path: Path, *, csv: Path | None = None, json: Path | None = None) -> int:
    """Rank and condensation of every weight matrix of a checkpoint, beside what random weights give.

    Parameters
    ----------
    path
        A .safetensors file, a torch state dict, or a folder of either.
    csv
        Also write the table there.
    json
        Also write the table there, as a list of records.
    """
    return _table(path, _measure_rows, csv, json, "no weight matrix to measure")


@app.command
def gamma(path: Path, *, csv: Path | None = None, json: Path | None = None) -> int:
    """Where each weight matrix of a checkpoint stands on the γ axis: -log(std) / log(d_in).

    Parameters
    ----------
    path
        A .safetensors file, a torch state dict, or a folder of either.
    csv
        Also write the table there.
    json
        Also write the table there, as a list of records.
    """
    return _table(path, _gamma_rows, csv, json, "no weight matrix")


@app.command
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
        verdicts = checks.run_all(
            names or None,
            seed=seed,
            workers=workers,
            progress=(lambda name: print(f"  {name} done", file=sys.stderr)) if live else None,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    _console().print(_verdict_table(verdicts))
    for verdict in verdicts:
        if isinstance(verdict, checks.CheckError):
            print(f"{verdict.name} could not run:\n{verdict.error}", file=sys.stderr)
    if json is not None:
        _write_json(json, [_verdict_record(verdict) for verdict in verdicts])
    if junit is not None:
        _write_junit(junit, verdicts)
    unexpected = [verdict.name for verdict in verdicts if not verdict.as_expected]
    print(
        f"{len(verdicts) - len(unexpected)} of {len(verdicts)} verdicts as expected"
        + (f"; not: {', '.join(unexpected)}" if unexpected else "")
    )
    return 1 if unexpected else 0


def _measure_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for name, weight in checkpoints.weights(path):
        if weight.ndim < 2 or not weight.is_floating_point() or weight.numel() == 0:
            continue
        matrix = weight.flatten(1).float()
        table = initialization.effective_gamma({name: weight})
        ranks = {key: float(value) for key, value in rank_measures(matrix).items()}
        m, n = matrix.shape
        rows.append(
            {
                "name": name,
                "shape": tuple(weight.shape),
                "gamma": float(table["gamma"].iloc[0]),
                "effective_rank": ranks["effective_rank"],
                "random_effective_rank": nulls.random_effective_rank(m, n).value,
                "stable_rank": ranks["stable_rank"],
                "random_stable_rank": nulls.random_stable_rank(m, n).value,
                "participation_ratio": ranks["participation_ratio"],
                "condensed_directions": condensed_directions(matrix).count,
            }
        )
    return rows


def _gamma_rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, weight in checkpoints.weights(path):
        if weight.ndim >= 2 and weight.is_floating_point() and weight.numel() > 0:
            table = initialization.effective_gamma({name: weight})
            rows.append({str(column): table[column].iloc[0] for column in table.columns})
    return rows


def _table(path: Path, rows_of: Any, csv: Path | None, json: Path | None, nothing: str) -> int:
    import pandas as pd

    try:
        rows = rows_of(path)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not rows:
        print(f"{path}: {nothing}", file=sys.stderr)
        return 2
    frame = pd.DataFrame(rows)
    _print(frame)
    if csv is not None:
        frame.to_csv(csv, index=False)
    if json is not None:
        _write_json(json, frame.to_dict("records"))
    return 0


def _print(frame: pd.DataFrame) -> None:
    import pandas as pd

    table = Table()
    for column in frame.columns:
        table.add_column(
            str(column), justify="right" if pd.api.types.is_numeric_dtype(frame[column]) else "left"
        )
    for _, row in frame.iterrows():
        table.add_row(*(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row))
    _console().print(table)


def _console() -> Console:
    # Piped output has no width of its own; a table cut at 80 columns would lose numbers.
    return Console() if sys.stdout.isatty() else Console(width=180)


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


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json_module.dumps(_json(content), indent=1, allow_nan=False))


def _json(content: Any) -> Any:
    """The same in JSON's types, which know no NaN and no infinity: null there."""
    if isinstance(content, dict):
        return {str(key): _json(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_json(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


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
