"""Manifests: the cells of a sweep, in a file of the sweep's name that is readable without its code."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydantic

from lowcomplex.sweeps._config import Config, digest
from lowcomplex.sweeps._errors import reading, writing

# Left behind by a process that is killed while it writes a manifest.
TEMPORARY_MANIFESTS = ".*.unfinished.json"


class Cell(pydantic.BaseModel):
    """One cell: the content of its config, and the hash of that content."""

    hash: str
    config: str
    version: int
    fields: dict[str, Any]


class Manifest(pydantic.BaseModel):
    """The cells of a sweep.

    Attributes:
        name: Name of the sweep.
        dimensions: Fields along which its cells are concatenated.
        hash: SHA-256 over the hashes of its cells.
        cells: Its cells, in the order of the grid.
    """

    name: str
    dimensions: tuple[str, ...]
    hash: str
    cells: tuple[Cell, ...]

    @pydantic.model_validator(mode="after")
    def _agrees(self) -> Manifest:
        for cell in self.cells:
            if cell.hash != digest(cell.model_dump(include={"config", "version", "fields"})):
                raise ValueError(f"the fields of the cell {cell.hash} are not those of its hash")
            if missing := set(self.dimensions) - set(cell.fields):
                raise ValueError(f"its cells have no field {', '.join(sorted(missing))}")
        if self.hash != digest([cell.hash for cell in self.cells]):
            raise ValueError("its hash is not that of its cells")
        return self


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


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: The file is no manifest, or its hashes are not those of its content.
        StorageError: The file cannot be read.
    """
    try:
        with reading(path):
            return Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except pydantic.ValidationError as error:
        reason = str(error.errors()[0]["msg"])
    except (ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}"
    except OSError as error:
        if error.__cause__ is None or getattr(error.__cause__, "errno", None) != errno.EISDIR:
            raise
        reason = "a folder"
    raise ValueError(
        f"{path}: expected a sweep's manifest ({reason}); running the sweep again writes it anew"
    )
