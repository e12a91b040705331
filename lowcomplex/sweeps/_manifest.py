"""Manifests: the cells of a sweep, in a file of the sweep's name that is readable without its code."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lowcomplex.sweeps._config import Config
from lowcomplex.sweeps._store import writing

# Left behind by a process that is killed while it writes a manifest.
TEMPORARY_MANIFESTS = ".*.unfinished.json"


def write_manifest(
    folder: Path, name: str, sweep_hash: str, dimensions: Sequence[str], configs: Sequence[Config]
) -> None:
    """Write FOLDER/NAME.json.

    Raises:
        StorageError: The disk is full, or the folder is read-only.
    """
    manifest = {
        "name": name,
        "dimensions": list(dimensions),
        "hash": sweep_hash,
        "cells": [{"hash": config.hash, **config.content()} for config in configs],
    }
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{name}.{os.getpid()}.unfinished.json"
        try:
            temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            temporary.replace(folder / f"{name}.json")
        finally:
            temporary.unlink(missing_ok=True)


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises:
        ValueError: The file is no manifest.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        known = {"name", "dimensions", "hash", "cells"} <= manifest.keys()
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError):
        known = False
    if not known:
        raise ValueError(f"{path}: expected a sweep's manifest; running the sweep again writes it anew")
    return dict(manifest)
