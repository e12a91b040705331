"""The commands that measure a checkpoint and find its place on the γ axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lowcomplex import checkpoints
from lowcomplex._endings import ending_in_words, say
from lowcomplex._names import printable
from lowcomplex.cli._output import (
    require_figure,
    require_outputs,
    write_csv,
    write_figure,
    write_json,
    written,
)
from lowcomplex.cli._tables import MEASURED, PLACED, Kind, print_skipped, print_table, read_table

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

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
Subfolder = Annotated[
    str | None,
    Parameter(
        help="Folder inside the models on the hub, such as unet of one for diffusers. A local path names it "
        "itself."
    ),
]
Revisions = Annotated[
    str | None,
    Parameter(
        help="FIRST..LAST, such as step0..step1000: all branches and tags of the model on the hub between "
        "these, as a series over training. The table shows the first and the last; files hold all of them."
    ),
]
Layouts = Annotated[
    list[str] | None,
    Parameter(
        help="PATTERN=LAYOUT: how the matrices are stored whose name matches the pattern. LAYOUT is linear, "
        "embedding, 'channels-first embedding' (1, d, height, width), convolution, 'transposed "
        "convolution', input-output (GPT-2's Conv1D), stacked "
        "(experts as (…, out, in)), 'stacked input-output' (experts as (…, in, out)), 'input by heads' "
        "(XLNet's queries, (in, heads, head)) or 'output by heads' ((out, heads, head)). Repeatable.",
        negative=(),
    ),
]
Match = Annotated[
    list[str] | None,
    Parameter(
        help="Read only tensors whose name matches this shell pattern, such as ``*attn*``. Repeatable.",
        negative=(),
    ),
]
Skip = Annotated[
    list[str] | None,
    Parameter(help="Do not read tensors whose name matches this shell pattern. Repeatable.", negative=()),
]
Csv = Annotated[Path | None, Parameter(help="Also write the table with all its columns to this CSV file.")]
Json = Annotated[Path | None, Parameter(help="Also write the table to this JSON file, as a list of records.")]
Netcdf = Annotated[
    Path | None,
    Parameter(help="Also write the numbers to this netCDF file, over layers and the steps of a series."),
]
Plot = Annotated[
    Path | None,
    Parameter(
        help="Also draw the table into this file, which ends in .pdf, .png or .svg; a series of many "
        "matrices as a heat map of layer × step."
    ),
]


@ending_in_words
def measure(
    path: Source,
    after: After = None,
    *,
    revision: Revision = None,
    revisions: Revisions = None,
    subfolder: Subfolder = None,
    layout: Layouts = None,
    match: Match = None,
    skip: Skip = None,
    csv: Csv = None,
    json: Json = None,
    netcdf: Netcdf = None,
    plot: Plot = None,
) -> int:
    """Rank and condensation of every weight matrix of a checkpoint, beside those of random weights."""
    options = _Options(revision, revisions, subfolder, layout, match, skip, csv, json, netcdf, plot)
    return _report(MEASURED, path, after, options)


@ending_in_words
def gamma(
    path: Source,
    after: After = None,
    *,
    revision: Revision = None,
    revisions: Revisions = None,
    subfolder: Subfolder = None,
    layout: Layouts = None,
    match: Match = None,
    skip: Skip = None,
    csv: Csv = None,
    json: Json = None,
    netcdf: Netcdf = None,
    plot: Plot = None,
) -> int:
    """The place of each weight matrix of a checkpoint on the γ axis: -log(std) / log(d_in)."""
    options = _Options(revision, revisions, subfolder, layout, match, skip, csv, json, netcdf, plot)
    return _report(PLACED, path, after, options)


@dataclass(frozen=True)
class _Options:
    revision: str | None
    revisions: str | None
    subfolder: str | None
    layout: list[str] | None
    match: list[str] | None
    skip: list[str] | None
    csv: Path | None
    json: Path | None
    netcdf: Path | None
    plot: Path | None


@dataclass(frozen=True)
class _Report:
    """What a command prints and writes.

    Attributes:
        shown: The table that is printed.
        ends: How the names of the columns end that are printed in one cell.
        frame: The table that is written.
        record: Makes the dataset that is written.
        draw: Draws a figure into a file.
        skipped: What was not measured, with the checkpoint's name in front if there are several.
        remarks: Sentences about the whole; None counts for none.
    """

    shown: pd.DataFrame
    ends: tuple[str, ...]
    frame: pd.DataFrame
    record: Callable[[], xr.Dataset]
    draw: Callable[[Path], object]
    skipped: list[tuple[str, checkpoints.CheckpointTable]]
    remarks: Sequence[str | None] = ()


def _report(kind: Kind, path: str, after: str | None, options: _Options) -> int:
    """Read a checkpoint, two, or a series, print their table, and write it to the files that are given."""
    files = {name: getattr(options, name) for name in ("csv", "json", "netcdf", "plot")}
    try:
        require_outputs([Path(source) for source in (path, after) if source is not None], **files)
        if options.plot is not None:
            require_figure("plot", options.plot)
        chosen = {
            "layout": dict(_pattern_and_layout(option) for option in options.layout or ()),
            "match": options.match,
            "skip": options.skip,
        }
        if options.revisions is None:
            report = _of_one_or_two(kind, path, after, options, chosen)
        elif after is not None or options.revision is not None:
            raise ValueError("revisions: expected neither another checkpoint nor --revision beside it")
        else:
            report = _of_series(kind, path, options.revisions, options.subfolder, chosen)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        say(error)
        return 2
    # Before anything is printed: a reader such as `head` may close standard output.
    failures = written(
        {
            "csv": (options.csv, lambda file: write_csv(file, report.frame)),
            "json": (options.json, lambda file: write_json(file, report.frame.to_dict("records"))),
            "netcdf": (options.netcdf, lambda file: report.record().to_netcdf(file, engine="h5netcdf")),
            "plot": (options.plot, report.draw),
        }
    )
    print_table(report.shown, kind, report.ends)
    for prefix, one in report.skipped:
        print_skipped(one.skipped, prefix)
    for message in (*report.remarks, *failures):
        if message is not None:
            say(message)
    return 2 if failures else 0


def _of_one_or_two(
    kind: Kind, path: str, after: str | None, options: _Options, chosen: dict[str, Any]
) -> _Report:
    asked = [(path, options.revision, options.subfolder)]
    if after is not None:
        asked.append((after, None, None if checkpoints.hub_name(after) is None else options.subfolder))
    read = [read_table(kind, one, chosen, revision=own, subfolder=folder) for one, own, folder in asked]
    found, remarks = [one.table for one in read], [one.remark for one in read]
    frame = found[0].table
    if after is not None:
        frame = checkpoints.side_by_side(*(one.table for one in found))
        if len(frame) == sum(len(one.table) for one in found):
            first, second = (one.table["name"].iloc[0] for one in found)
            remarks.append(
                f"no name and shape is in both checkpoints: the first holds {first}, the second {second}"
            )

    def draw(file: Path) -> None:
        from lowcomplex import plots

        write_figure(file, plots.plot_checkpoint(frame.assign(name=frame["name"].map(printable))))

    prefixes = [""] if after is None else [f"{one.label}: " for one in read]
    return _Report(
        frame,
        ("",) if after is None else ("_before", "_after"),
        frame,
        lambda: checkpoints.over_steps({0: frame}).isel(step=0, drop=True),
        draw,
        list(zip(prefixes, found, strict=True)),
        remarks,
    )


def _of_series(kind: Kind, path: str, between: str, subfolder: str | None, chosen: dict[str, Any]) -> _Report:
    import pandas as pd

    steps, unreachable = checkpoints.kept_revisions(path, between)
    read = {
        revision: read_table(kind, path, chosen, revision=revision, subfolder=subfolder) for revision in steps
    }
    found = {revision: one.table for revision, one in read.items()}
    remarks = [unreachable, *(one.remark for one in read.values())]
    tables = [one.table for one in found.values()]
    frame = pd.concat(
        [
            table.assign(revision=revision, step=steps[revision])
            for revision, table in zip(found, tables, strict=True)
        ],
        ignore_index=True,
    )
    record = checkpoints.over_steps(dict(zip(steps.values(), tables, strict=True)))

    def draw(file: Path) -> None:
        from lowcomplex import plots

        shown = record.assign_coords(layer=[printable(name) for name in record["layer"].values])
        write_figure(file, plots.plot_record(shown, kind.drawn()))

    first, *_, last = *found, *found
    return _Report(
        checkpoints.side_by_side(tables[0], tables[-1]),
        ("_before", "_after"),
        frame[["revision", "step", *tables[0].columns]],
        lambda: record,
        draw,
        [("", found[first])],
        [
            f"{len(found)} revisions of {path}: the table shows {first} → {last}; --csv, --json, --netcdf "
            "and --plot take all",
            next(filter(None, remarks), None),
        ],
    )


def _pattern_and_layout(option: str) -> tuple[str, str]:
    pattern, separator, layout = option.rpartition("=")
    if not (pattern and separator and layout):
        raise ValueError(f"layout: expected PATTERN=LAYOUT, got {option!r}")
    return pattern, layout
