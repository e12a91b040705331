"""Output of all commands: the console, the files they write, and JSON without NaN."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# With these a cell of a spreadsheet becomes a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class PipedConsole(Console):
    """A console that raises where its output is closed, instead of exiting without a word."""

    def on_broken_pipe(self) -> None:
        """Pass the error on; called while it is handled."""
        raise BrokenPipeError


def console() -> Console:
    """The console on which tables are printed, with text as it is: names of a file may look like markup."""
    # Piped output has no width of its own; a table cut at 80 columns would lose numbers.
    width = None if sys.stdout.isatty() else 180
    return PipedConsole(width=width, markup=False, emoji=False, highlight=False)


def require_outputs(sources: Sequence[Path] = (), **files: Path | None) -> None:
    """Refuse, before anything is read, output files that cannot be written or would replace what is read.

    Args:
        sources: Files and folders that are read.
        files: Output file by option.

    Raises:
        ValueError: The folder of a file does not exist, the file is a folder, it may not be written, it is
            one of the sources or in one, or two options give the same file; the message names the option.
    """
    given = {option: file for option, file in files.items() if file is not None}
    for option, file in given.items():
        if file.is_dir():
            raise ValueError(f"{option}: expected a file, got the folder {str(file)!r}")
        if not file.parent.is_dir():
            raise ValueError(f"{option}: expected a file in an existing folder, got {str(file)!r}")
        if file.exists() and any(_holds(source, file) for source in sources):
            raise ValueError(f"{option}: {str(file)!r} belongs to the checkpoint itself; give another file")
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise ValueError(f"{option}: {str(file)!r} may not be written")
    # Two options may give one device.
    resolved = {option: f.resolve() for option, f in given.items() if f.is_file() or not f.exists()}
    for option, file in resolved.items():
        other = next(other for other, known in resolved.items() if known == file)
        if other != option:
            raise ValueError(f"{option}: the same file as {other}, {str(given[option])!r}")


def _holds(source: Path, file: Path) -> bool:
    if source.is_dir():
        return any(inner.exists() and inner.samefile(file) for inner in source.iterdir())
    return source.exists() and source.samefile(file)


def written(writers: Mapping[str, tuple[Path | None, Callable[[Path], object]]]) -> list[str]:
    """Write output files, all of them even if one fails.

    Args:
        writers: The file by option, None if it is not given, and what writes it.

    Returns:
        What failed, in one sentence each.
    """
    failures = []
    for option, (file, write) in writers.items():
        if file is None:
            continue
        try:
            write(file)
        except OSError as error:
            failures.append(f"{option}: {str(file)!r} was not written: {error.strerror or error}")
    return failures


def require_figure(option: str, file: Path) -> None:
    """Refuse a name that does not end in the format of a figure.

    Raises:
        ValueError: The name ends in none; the message names the option.
    """
    if file.suffix.lower() not in (".pdf", ".png", ".svg"):
        raise ValueError(f"{option}: expected a file that ends in .pdf, .png or .svg, got {file.name!r}")


def write_figure(file: Path, figure: Figure) -> None:
    """Write a figure in the format in which the file's name ends."""
    from lowcomplex.plots import style

    # In memory first: what matplotlib raises when it fails to write depends on the format.
    content = BytesIO()
    with style():
        figure.savefig(content, format=file.suffix.lower().removeprefix("."))
    file.write_bytes(content.getvalue())


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table; names that a spreadsheet would take for formulas get an apostrophe in front."""
    names = ["'" + name if name.startswith(_FORMULAS) else name for name in table["name"]]
    table.assign(name=names).to_csv(path, index=False)


def write_json(path: Path, content: Any) -> None:
    """Write tables and records; NaN and infinity become null."""
    path.write_text(json.dumps(_json(content), indent=1, allow_nan=False))


def _json(content: Any) -> Any:
    """The same content in JSON's types, which have no NaN and no infinity: those become null."""
    if isinstance(content, dict):
        return {str(key): _json(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_json(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
