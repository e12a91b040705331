"""Tracebacks of failed cells, kept beside the results."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from lowcomplex.sweeps._config import Config


def record_failure(folder: Path, config: Config, failure: str) -> None:
    """Write a failed cell's config and traceback to FOLDER/failures/HASH.txt, if the disk allows it."""
    path = failure_path(folder, config)
    with contextlib.suppress(OSError):  # The summary has the traceback too.
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{json.dumps(config.content(), indent=1)}\n\n{failure}", encoding="utf-8")


def forget_failure(folder: Path, config: Config) -> None:
    """Remove the record of a cell that has succeeded since."""
    with contextlib.suppress(OSError):
        failure_path(folder, config).unlink(missing_ok=True)


def failure_path(folder: Path, config: Config) -> Path:
    """Where a cell's failure is recorded."""
    return folder / "failures" / f"{config.hash}.txt"
