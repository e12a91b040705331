"""The commands that measure a checkpoint and find its place on the γ axis."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.table import Table
from tqdm import tqdm

from lowcomplex import checkpoints, matrices
from lowcomplex._endings import ending_in_words, say
from lowcomplex._names import printable
from lowcomplex.cli._output import (
    console,
    require_figure,
    require_outputs,
    write_csv,
    write_figure,
    write_json,
    written,
)

if TYPE_CHECKING:
    import pandas as pd

_CAPTION = (
    "in brackets: random Gaussian weights of the same shape; of condensed directions, the share of the "
    "neurons that they hold; +: the search was cut short"
)
_GAMMA_CAPTION = "std: root mean square of the entries"

# Reasons that the error of a checkpoint without matrices lists.
_LISTED = 8

Source = Annotated[
    str,
    Parameter(
        help="A .safetensors file, a torch state dict, a folder of either, or a model on the hub: OWNER/NAME "
        "or hub:NAME, with @REVISION if it is not the main branch. What exists here, begins with . or /, or "
        "ends as a file of weights does is never looked for on the hub."
    ),
]
After = Annotated[
    str | None,
    Parameter(
        help="Another checkpoint of the same network, shown beside the first, such as one after training."
    ),
]
Revision = Annotated[
    str | None, Parameter(help="Branch, tag or commit of the first checkpoint, which is a model on the hub.")
]
Layouts = Annotated[
    list[str] | None,
    Parameter(
        help="PATTERN=LAYOUT: how the matrices are stored whose name matches the pattern. LAYOUT is linear, "
        "embedding, convolution, 'transposed convolution', input-output (GPT-2's Conv1D), stacked "
        "(experts as (…, out, in)) or 'stacked input-output' (experts as (…, in, out)). Repeatable.",
        negative=(),
    ),
]
Csv = Annotated[Path | None, Parameter(help="Also write the table with all its columns to this CSV file.")]
Json = Annotated[Path | None, Parameter(help="Also write the table to this JSON file, as a list of records.")]
Plot = Annotated[
    Path | None, Parameter(help="Also draw the table into this file, which ends in .pdf, .png or .svg.")
]


@ending_in_words
def measure(
    path: Source,
    after: After = None,
    *,
    revision: Revision = None,
    layout: Layouts = None,
    csv: Csv = None,
    json: Json = None,
    plot: Plot = None,
) -> int:
    """Rank and condensation of every weight matrix of a checkpoint, beside those of random weights."""
    return _report(checkpoints.measure_table, _measured_cells, path, after, revision, layout, csv, json, plot)


@ending_in_words
def gamma(
    path: Source,
    after: After = None,
    *,
    revision: Revision = None,
    layout: Layouts = None,
    csv: Csv = None,
    json: Json = None,
    plot: Plot = None,
) -> int:
    """The place of each weight matrix of a checkpoint on the γ axis: -log(std) / log(d_in)."""
    return _report(checkpoints.gamma_table, _gamma_cells, path, after, revision, layout, csv, json, plot)


def _report(
    table_of: Callable[..., checkpoints.CheckpointTable],
    cells: Callable[[Mapping[str, Any], str], dict[str, str]],
    path: str,
    after: str | None,
    revision: str | None,
    layout: list[str] | None,
    csv: Path | None,
    json: Path | None,
    plot: Path | None,
) -> int:
    """Read one checkpoint or two, print their table, and write it to the files that are given."""
    given = [path] if after is None else [path, after]
    try:
        require_outputs([Path(source) for source in given], csv=csv, json=json, plot=plot)
        if plot is not None:
            require_figure("plot", plot)
        layouts = dict(_pattern_and_layout(option) for option in layout or ())
        sources = [checkpoints.located(path, revision), *map(checkpoints.located, given[1:])]
        found = [_read(table_of, source, layouts) for source in sources]
        frame = found[0].table
        if after is not None:
            frame = checkpoints.side_by_side(*(one.table for one in found))
    except (OSError, ValueError, ModuleNotFoundError) as error:
        say(error)
        return 2
    # Before anything is printed: a reader such as `head` may close standard output.
    failures = written(
        {
            "csv": (csv, lambda file: write_csv(file, frame)),
            "json": (json, lambda file: write_json(file, frame.to_dict("records"))),
            "plot": (plot, lambda file: _draw(file, frame)),
        }
    )
    _print(frame, cells, ("",) if after is None else ("_before", "_after"))
    for one, source in zip(found, sources, strict=True):
        _print_skipped(one.skipped, "" if after is None else f"{source}: ")
    if after is not None and len(frame) == sum(len(one.table) for one in found):
        first, second = (one.table["name"].iloc[0] for one in found)
        say(f"no name and shape is in both checkpoints: the first holds {first}, the second {second}")
    for failure in failures:
        say(failure)
    return 2 if failures else 0


def _draw(file: Path, frame: pd.DataFrame) -> None:
    from lowcomplex import plots

    write_figure(file, plots.plot_checkpoint(frame.assign(name=frame["name"].map(printable))))


def _read(
    table_of: Callable[..., checkpoints.CheckpointTable],
    path: Path | checkpoints.HubPath,
    layout: Mapping[str, str],
) -> checkpoints.CheckpointTable:
    live = sys.stderr.isatty()
    total = len(checkpoints.names(path)) if live else None
    with tqdm(
        total=total, desc=printable(path.name or str(path)), unit=" tensors", leave=False, disable=not live
    ) as bar:
        found = table_of(path, layout=layout, progress=lambda _: bar.update())
    if found.table.empty:
        others = [item for item in found.skipped if item.reason != matrices.VECTOR]
        reasons = {f"{printable(item.name)}: {printable(item.reason)}" for item in others}
        listed = [*sorted(reasons)[:_LISTED], *(["…"] if len(reasons) > _LISTED else [])]
        detail = f" ({'; '.join(listed)})" if reasons else ""
        raise ValueError(f"{path}: holds no weight matrix to measure{detail}")
    return found


def _pattern_and_layout(option: str) -> tuple[str, str]:
    pattern, separator, layout = option.rpartition("=")
    if not (pattern and separator and layout):
        raise ValueError(f"layout: expected PATTERN=LAYOUT, got {option!r}")
    return pattern, layout


def _measured_cells(row: Mapping[str, Any], end: str) -> dict[str, str]:
    cells = {"γ": _number(row[f"gamma{end}"])}
    for measure in _headlines():
        cells[measure.replace("_", " ")] = _number(row[f"{measure}{end}"])
        # The null depends on the shape alone: it is shown once for before and after.
        if end != "_before":
            cells[measure.replace("_", " ")] += f" ({_number(row[f'random_{measure}'])})"
    count, exact = row[f"condensed_directions{end}"], row[f"condensed_exact{end}"]
    cells["condensed directions"] = "" if math.isnan(count) else f"{count:.0f}" if exact else f"{count:.0f}+"
    if count > 0:
        cells["condensed directions"] += f" ({row[f'condensed_share{end}']:.1%})"
    return cells


def _headlines() -> list[str]:
    from lowcomplex.measures import weight_measures

    records = weight_measures()
    return [name for name, record in records.items() if record.headline and record.details is None]


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
    caption = _CAPTION if cells is _measured_cells else _GAMMA_CAPTION
    table = Table(caption=caption, caption_justify="left")
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
        table.add_row(printable(row["name"]), shape, *values)
    console().print(table)


def _print_skipped(skipped: Sequence[matrices.Skipped], prefix: str) -> None:
    vectors = sum(item.reason == matrices.VECTOR for item in skipped)
    if vectors:
        print(f"{printable(prefix)}{vectors} vectors and scalars (biases, gains) not measured")
    for item in skipped:
        if item.reason != matrices.VECTOR:
            print(f"{printable(prefix)}skipped {printable(item.name)}: {printable(item.reason)}")
