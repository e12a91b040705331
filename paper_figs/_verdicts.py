"""The checks' verdicts, kept until the code that they judge changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lowcomplex
from lowcomplex import checks
from lowcomplex.checks import CheckError, Verdict
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


def run(
    path: Path, workers: int, progress: Callable[[str], None] | None = None
) -> tuple[Verdicts, list[CheckError]]:
    """Run every check; store the verdicts if all could run.

    Args:
        path: The file to store them in.
        workers: Number of processes.
        progress: Called with the name of each check that has ended.

    Returns:
        `Verdict.to_dict` of each check, and the prediction's `statement`; and the checks that could not run.
    """
    outcomes = checks.run_all(workers=max(workers, 1), progress=progress)
    errors = [outcome for outcome in outcomes if isinstance(outcome, CheckError)]
    verdicts = [
        {**outcome.to_dict(), "statement": checks.get(outcome.name).prediction.statement}
        for outcome in outcomes
        if isinstance(outcome, Verdict)
    ]
    if not errors:
        write(path, json.dumps({"digest": digest(), "verdicts": verdicts}, indent=1).encode())
    return verdicts, errors


def digest() -> str:
    """SHA-256 over the library's source files and the versions of what they compute with."""
    code = source_digest(Path(lowcomplex.__file__).parent)
    return hashlib.sha256(json.dumps([code, versions()], sort_keys=True).encode()).hexdigest()
