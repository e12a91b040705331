"""Tables of checkpoints: read with a progress bar, and printed."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich import box
from rich.table import Table
from tqdm import tqdm

from lowcomplex import checkpoints, matrices
from lowcomplex._names import printable
from lowcomplex.cli._output import console

if TYPE_CHECKING:
    import pandas as pd

_CAPTION = (
    "in brackets: random Gaussian weights of the same shape; of condensed directions, the share of the "
    "neurons that they hold; +: the search was cut short"
)
_GAMMA_CAPTION = "std: root mean square of the entries"

# Columns of a terminal in which any table has room.
_UNBOUNDED = 10_000
# Reasons, and skipped tensors of one reason, that are listed one by one.
_LISTED = 8
# Digits of a commit that are shown.
_COMMIT = 7


class Kind(NamedTuple):
    """A kind of table.

    Attributes:
        table_of: Reads the table of a checkpoint.
        cells: Cells of a row by the title of their column; the second argument ends the names of columns.
        drawn: Names of the columns that a figure over training shows.
        caption: The text below the table.
    """

    table_of: Callable[..., checkpoints.CheckpointTable]
    cells: Callable[[Mapping[str, Any], str], dict[str, str]]
    drawn: Callable[[], list[str]]
    caption: str


class Found(NamedTuple):
    """The table of a checkpoint.

    Attributes:
        label: What messages call the checkpoint.
        table: Its table.
        remark: Why the table is one of before; None if it is not.
    """

    label: str
    table: checkpoints.CheckpointTable
    remark: str | None = None


def read_table(
    kind: Kind,
    path: str,
    chosen: Mapping[str, Any],
    *,
    revision: str | None = None,
    subfolder: str | None = None,
) -> Found:
    """The table of a checkpoint, with a progress bar in a terminal.

    Of a model on the hub, a table that was measured before is taken if nothing changed, or if the hub cannot
    be asked.

    Raises:
        ValueError: The checkpoint cannot be read, or holds no weight matrix.
        OSError: It cannot be read.
    """
    measured = kind.table_of.__name__
    try:
        source = checkpoints.located(path, revision, subfolder=subfolder)
    except (ConnectionError, checkpoints.OfflineError) as error:
        earlier = checkpoints.kept_before(
            path, revision, subfolder=subfolder, measured=measured, options=chosen
        )
        if earlier is None:
            raise
        label = checkpoints.label_of(path, revision, subfolder=subfolder) or path
        remark = f"{error}; shown is what was measured here before, at commit {earlier.commit[:_COMMIT]}"
        return Found(label, earlier.table, remark)
    if isinstance(source, checkpoints.HubPath):
        found = checkpoints.kept(source, measured, chosen, lambda: _read(kind, source, chosen))
    else:
        found = _read(kind, source, chosen)
    if found.table.empty:
        others = [item for item in found.skipped if item.reason not in (matrices.VECTOR, matrices.LEFT_OUT)]
        reasons = {f"{printable(item.name)}: {printable(item.reason)}" for item in others}
        listed = [*sorted(reasons)[:_LISTED], *(["…"] if len(reasons) > _LISTED else [])]
        detail = f" ({'; '.join(listed)})" if reasons else ""
        raise ValueError(f"{source}: holds no weight matrix to measure{detail}")
    return Found(str(source), found)


def _read(
    kind: Kind, path: Path | checkpoints.HubPath, chosen: Mapping[str, Any]
) -> checkpoints.CheckpointTable:
    live = sys.stderr.isatty()
    total = len(checkpoints.names(path)) if live else None
    title = printable(path.name or str(path))
    with tqdm(total=total, desc=title, unit=" tensors", leave=False, disable=not live) as bar:
        return kind.table_of(path, **chosen, progress=lambda _: bar.update())


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


def print_table(frame: pd.DataFrame, kind: Kind, ends: tuple[str, ...]) -> None:
    """Print a table, with the columns of all `ends` in one cell; in a narrow terminal on several lines."""
    rows = []
    for record in frame.to_dict("records"):
        row = {str(column): value for column, value in record.items()}
        found = [kind.cells(row, end) for end in ends]
        cells = {"name": printable(row["name"]), "shape": " x ".join(str(size) for size in row["shape"])}
        for title in found[0]:
            parts = list(dict.fromkeys(one[title] for one in found))
            cells[title] = " → ".join(part or "-" for part in parts)
        rows.append(cells)
    page = console()
    table = _filled(Table(caption=kind.caption, caption_justify="left"), rows)
    if page.measure(table, options=page.options.update(max_width=_UNBOUNDED)).maximum > page.width:
        narrow = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1, 0, 0),
            leading=1,
            caption=kind.caption,
            caption_justify="left",
        )
        table = _filled(narrow, list(map(_broken, rows)))
    page.print(table)


def _filled(table: Table, rows: Sequence[Mapping[str, str]]) -> Table:
    """The table with one column per cell of its rows."""
    for title in rows[0]:
        is_number = title not in ("name", "shape")
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(title, justify=justify, no_wrap=title != "name", overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    return table


def _broken(row: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row on several lines: the shape below the name, each number on a line."""
    numbers = {
        title.replace(" ", "\n"): cell for title, cell in row.items() if title not in ("name", "shape")
    }
    broken = {title: c.replace(" (", "\n(").replace(" → ", " →\n") for title, c in numbers.items()}
    return {"name": f"{row['name']}\n{row['shape']}", **broken}


def print_skipped(skipped: Sequence[matrices.Skipped], prefix: str) -> None:
    """Print what was not measured, and why; tensors in great number in one line per reason."""
    vectors = sum(item.reason == matrices.VECTOR for item in skipped)
    if vectors:
        print(f"{printable(prefix)}{vectors} vectors and scalars (biases, gains) not measured")
    left_out = sum(item.reason == matrices.LEFT_OUT for item in skipped)
    if left_out:
        print(f"{printable(prefix)}{left_out} tensors left out by --match or --skip")
    groups: dict[str, list[matrices.Skipped]] = {}
    for item in skipped:
        if item.reason not in (matrices.VECTOR, matrices.LEFT_OUT):
            groups.setdefault(_in_general(item.reason), []).append(item)
    for reason, items in groups.items():
        if len(items) > _LISTED:
            several = f"{len(items)} tensors, such as {printable(items[0].name)}"
            print(f"{printable(prefix)}skipped {several}: {reason}")
        else:
            for item in items:
                print(f"{printable(prefix)}skipped {printable(item.name)}: {printable(item.reason)}")


def _in_general(reason: str) -> str:
    """A reason without the name of the weight that it speaks of."""
    of_weights = {
        matrices.PART: "parts of weights that are measured as a whole",
        matrices.COMPANION: "belong to quantized weights",
    }
    return next((said for start, said in of_weights.items() if reason.startswith(start)), printable(reason))


MEASURED = Kind(checkpoints.measure_table, _measured_cells, lambda: ["gamma", *_headlines()], _CAPTION)
PLACED = Kind(checkpoints.gamma_table, _gamma_cells, lambda: ["gamma"], _GAMMA_CAPTION)
