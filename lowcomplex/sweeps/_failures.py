"""Tracebacks of failed cells, kept beside the results."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from lowcomplex.sweeps._config import Config


def record_failure(folder: Path, config: Config, failure: str) -> None:
    """Write a failed cell's config and traceback to FOLDER/failures/HASH.txt, if the disk allows it."""
    path = _path(folder, config.hash)
    with contextlib.suppress(OSError):  # The summary has the traceback too.
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{json.dumps(config.content(), indent=1)}\n\n{failure}", encoding="utf-8")


def forget_failure(folder: Path, config: Config) -> None:
    """Remove the record of a cell that has succeeded since."""
    with contextlib.suppress(OSError):
        _path(folder, config.hash).unlink(missing_ok=True)


def end_of_failure(folder: Path, key: str) -> str | None:
    """How the traceback of the cell with that hash ends, and where it is kept; None if it has not failed."""
    path = _path(folder, key)
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else ''} ({path})"


def _path(folder: Path, key: str) -> Path:
    return folder / "failures" / f"{key}.txt"
