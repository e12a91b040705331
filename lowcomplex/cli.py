"""The command line: measure a checkpoint, place it on the γ axis, check the predictions."""

from __future__ import annotations

import json as json_module
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import cyclopts
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from lowcomplex import checkpoints, checks

if TYPE_CHECKING:
    import pandas as pd

_CAPTION = (
    "in brackets: random Gaussian weights of the same shape; of condensed directions, the share of the "
    "neurons that they hold; +: the search was cut short"
)
_VECTOR = "vector or scalar"

app = cyclopts.App(
    name="lowcomplex",
    help="How complex is the solution that training found, and does theory say so?",
)


@app.command
def measure(
    path: Path,
    after: Path | None = None,
    *,
    layout: list[str] | None = None,
    csv: Path | None = None,
    json: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Rank and condensation of every weight matrix of a checkpoint, beside what random weights give.

    Parameters
    ----------
    path
        A .safetensors file, a torch state dict, or a folder of either, such as a Hugging Face model's.
    after
        Another checkpoint of the same network, to stand beside the first: before and after training, say.
    layout
        How matrices are stored whose names do not tell, as PATTERN=LAYOUT, where LAYOUT is linear, embedding,
        convolution, "transposed convolution" or input-output (GPT-2's Conv1D); repeatable.
    csv
        Also write the table there, with all measures and the quantiles of random weights.
    json
        Also write the table there, as a list of records.
    plot
        Also draw the table there, as PDF, PNG or SVG by the file's ending.
    """
    return _report(checkpoints.measure_table, _measured_cells, path, after, layout, csv, json, plot)


@app.command
def gamma(
    path: Path,
    after: Path | None = None,
    *,
    layout: list[str] | None = None,
    csv: Path | None = None,
    json: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Where each weight matrix of a checkpoint stands on the γ axis: -log(std) / log(d_in).

    Parameters
    ----------
    path
        A .safetensors file, a torch state dict, or a folder of either, such as a Hugging Face model's.
    after
        Another checkpoint of the same network, to stand beside the first: before and after training, say.
    layout
        How matrices are stored whose names do not tell, as PATTERN=LAYOUT, where LAYOUT is linear, embedding,
        convolution, "transposed convolution" or input-output (GPT-2's Conv1D); repeatable.
    csv
        Also write the table there.
    json
        Also write the table there, as a list of records.
    plot
        Also draw the table there, as PDF, PNG or SVG by the file's ending.
    """
    return _report(checkpoints.gamma_table, _gamma_cells, path, after, layout, csv, json, plot)


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


def _report(
    table_of: Callable[..., checkpoints.CheckpointTable],
    cells: Callable[[Mapping[str, Any], str], dict[str, str]],
    path: Path,
    after: Path | None,
    layout: list[str] | None,
    csv: Path | None,
    json: Path | None,
    plot: Path | None,
) -> int:
    """Read one checkpoint or two, print their table, and write it where asked."""
    try:
        if plot is not None:
            _require_writable_figure(plot)
        layouts = dict(_pattern_and_layout(option) for option in layout or ())
        found = [_read(table_of, p, layouts) for p in (path, after) if p is not None]
        frame = found[0].table
        if after is not None:
            frame = checkpoints.side_by_side(*(one.table for one in found))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    _print(frame, cells, ("",) if after is None else ("_before", "_after"))
    for one, source in zip(found, (path, after), strict=False):
        _print_skipped(one.skipped, "" if after is None else f"{source}: ")
    if csv is not None:
        frame.to_csv(csv, index=False)
    if json is not None:
        _write_json(json, frame.to_dict("records"))
    if plot is not None:
        from lowcomplex import plots

        with plots.style():
            plots.plot_checkpoint(frame).savefig(plot)
    return 0


def _read(
    table_of: Callable[..., checkpoints.CheckpointTable], path: Path, layout: Mapping[str, str]
) -> checkpoints.CheckpointTable:
    live = sys.stderr.isatty()
    total = len(checkpoints.names(path)) if live else None
    with tqdm(total=total, desc=path.name, unit=" tensors", leave=False, disable=not live) as bar:
        found = table_of(path, layout=layout, progress=lambda _: bar.update())
    if found.table.empty:
        reasons = {f"{item.name}: {item.reason}" for item in found.skipped if item.reason != _VECTOR}
        detail = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        raise ValueError(f"{path}: holds no weight matrix to measure{detail}")
    return found


def _pattern_and_layout(option: str) -> tuple[str, str]:
    pattern, separator, layout = option.rpartition("=")
    if not (pattern and separator and layout):
        raise ValueError(f"layout: expected PATTERN=LAYOUT, got {option!r}")
    return pattern, layout


def _require_writable_figure(plot: Path) -> None:
    if plot.suffix.lower() not in (".pdf", ".png", ".svg"):
        raise ValueError(f"plot: expected a file that ends in .pdf, .png or .svg, got {plot.name!r}")


def _measured_cells(row: Mapping[str, Any], end: str) -> dict[str, str]:
    cells = {"γ": _number(row[f"gamma{end}"])}
    for measure in ("effective_rank", "stable_rank", "participation_ratio"):
        cells[measure.replace("_", " ")] = _number(row[f"{measure}{end}"])
        # Before and after have one null between them.
        if end != "_before":
            cells[measure.replace("_", " ")] += f" ({_number(row[f'random_{measure}'])})"
    count, exact = row[f"condensed_directions{end}"], row[f"condensed_exact{end}"]
    cells["condensed directions"] = "" if math.isnan(count) else f"{count:.0f}" if exact else f"{count:.0f}+"
    if count > 0:
        cells["condensed directions"] += f" ({row[f'condensed_share{end}']:.1%})"
    return cells


def _gamma_cells(row: Mapping[str, Any], end: str) -> dict[str, str]:
    return {
        "γ": _number(row[f"gamma{end}"]),
        "standard error": _number(row["standard_error"]),
        "std": _number(row[f"std{end}"]),
        "d_in": f"{row['d_in']} ({row['rule']})",
    }


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def _print(
    frame: pd.DataFrame, cells: Callable[[Mapping[str, Any], str], dict[str, str]], ends: tuple[str, ...]
) -> None:
    table = Table(caption=_CAPTION if cells is _measured_cells else None, caption_justify="left")
    table.add_column("name", overflow="fold")
    table.add_column("shape", no_wrap=True)
    for number, record in enumerate(frame.to_dict("records")):
        row = {str(column): value for column, value in record.items()}
        found = [cells(row, end) for end in ends]
        if number == 0:
            for title in found[0]:
                table.add_column(title, justify="right", no_wrap=True)
        shape = " x ".join(str(size) for size in row["shape"])
        values = []
        for title in found[0]:
            parts = list(dict.fromkeys(one[title] for one in found))
            values.append(" → ".join(part or "-" for part in parts))
        table.add_row(row["name"], shape, *values)
    _console().print(table)


def _print_skipped(skipped: Sequence[checkpoints.Skipped], prefix: str) -> None:
    vectors = sum(item.reason == _VECTOR for item in skipped)
    if vectors:
        print(f"{prefix}{vectors} vectors and scalars (biases, gains) not measured")
    for item in skipped:
        if item.reason != _VECTOR:
            print(f"{prefix}skipped {item.name}: {item.reason}")


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
