"""Output of all commands: the console, the files they write, and JSON without NaN."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

from rich.console import Console


def console() -> Console:
    """The console on which tables are printed."""
    # Piped output has no width of its own; a table cut at 80 columns would lose numbers.
    return Console() if sys.stdout.isatty() else Console(width=180)


def require_folder(**files: Path | None) -> None:
    """Refuse, before anything long is computed, an output file whose folder does not exist.

    Raises:
        ValueError: A folder does not exist; the message names the option.
    """
    for option, file in files.items():
        if file is not None and not file.parent.is_dir():
            raise ValueError(f"{option}: expected a file in an existing folder, got {str(file)!r}")


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
