"""The checks' verdicts, kept until the code that they judge changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import lowcomplex
from lowcomplex import predictions
from lowcomplex.sweeps import versions
from paper_figs._files import source_digest, write

Verdicts = list[dict[str, Any]]


def stored(path: Path) -> Verdicts | None:
    """The verdicts in a file, if this code and these library versions gave them; else None."""
    try:
        content = json.loads(path.read_text())
        return list(content["verdicts"]) if content["digest"] == digest() else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def run(path: Path, workers: int) -> Verdicts:
    """Run every check and store the verdicts.

    Args:
        path: The file to store them in.
        workers: Number of processes.

    Returns:
        `Verdict.to_dict` of each check, and the prediction's `statement`.
    """
    from lowcomplex import checks

    verdicts = [
        {**verdict.to_dict(), "statement": getattr(predictions, verdict.name).statement}
        for verdict in checks.run_all(workers=workers)
    ]
    write(path, json.dumps({"digest": digest(), "verdicts": verdicts}, indent=1).encode())
    return verdicts


def digest() -> str:
    """SHA-256 over the library's source files and the versions of what they compute with."""
    code = source_digest(Path(lowcomplex.__file__).parent)
    return hashlib.sha256(json.dumps([code, versions()], sort_keys=True).encode()).hexdigest()
