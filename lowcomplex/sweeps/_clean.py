"""Remove what interrupted, failed and damaged runs left behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lowcomplex.sweeps._errors import DamagedCellError, writing
from lowcomplex.sweeps._heartbeat import BEATS
from lowcomplex.sweeps._manifest import TEMPORARY_MANIFESTS, read_manifest
from lowcomplex.sweeps._status import running
from lowcomplex.sweeps._store import TEMPORARY_CELLS, Store


@dataclass(frozen=True)
class Removed:
    """A file that `clean` removed.

    Attributes:
        path: Where it was.
        bytes: How large it was.
        reason: Why it was not needed.
    """

    path: Path
    bytes: int
    reason: str


def clean(folder: Path | str, *, stale: bool = False, dry_run: bool = False) -> tuple[Removed, ...]:
    """Remove files that no sweep of a folder needs.

    These are:

    - results and checkpoints that were set aside as damaged;
    - tracebacks and checkpoints of cells that are finished, or that no sweep of the folder has;
    - what jobs of a cluster and killed processes left behind, if no cell is being computed now.

    Finished cells are kept unless `stale` is given.

    Args:
        folder: Where `run` stores its cells.
        stale: Also remove finished cells that no manifest in the folder names, such as those of a config
            that has changed since.
        dry_run: Remove nothing; return what would be removed.

    Returns:
        What was removed.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A manifest is damaged, so the cells that are needed are not known.
        StorageError: A file cannot be removed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    store = Store(folder / "cells")
    needed = {cell.hash for path in folder.glob("[!.]*.json") for cell in read_manifest(path).cells}
    removed = [_removed(path, reason) for path, reason in _leftovers(folder, store, needed)]
    unnamed = [key for key in store.finished() if stale and key not in needed]
    for key in unnamed:
        with contextlib.suppress(DamagedCellError):  # A line of the index that names no file of the store.
            removed.append(_removed(store.path(key), "no sweep of the folder has this cell"))
    if not dry_run:
        with writing(folder):
            for key in unnamed:
                aside = store.set_aside(key)
                if aside is not None and not aside.is_dir():
                    aside.unlink(missing_ok=True)
            for leftover in removed:
                if not leftover.path.is_dir():
                    leftover.path.unlink(missing_ok=True)
    return tuple(removed)


def _removed(path: Path, reason: str) -> Removed:
    return Removed(path, path.lstat().st_size if os.path.lexists(path) else 0, reason)


def _leftovers(folder: Path, store: Store, needed: set[str]) -> Iterator[tuple[Path, str]]:
    for path in _files(folder / "cells" / "data", folder / "checkpoints"):
        if path.suffix == ".corrupt":
            yield path, "was set aside as damaged"
    for path in _files(folder / "failures"):
        if path.stem in store:
            yield path, "the cell has succeeded since"
        elif path.stem not in needed:
            yield path, "no sweep of the folder has this cell"
    if running(folder):
        return
    for path in _files(folder / "checkpoints"):
        first = path.name[:64]
        if path.suffix:
            continue
        if first in store:
            yield path, "the cell is finished"
        elif first not in needed:
            yield path, "no sweep of the folder has this cell"
    counters = (f"cells/{BEATS}/*", f"jobs/{BEATS}/*")
    unfinished = (f"cells/{TEMPORARY_CELLS}", "checkpoints/*.tmp", TEMPORARY_MANIFESTS, *counters)
    for path in (path for pattern in unfinished for path in sorted(folder.glob(pattern))):
        yield path, "a killed process left it unfinished"
    for path in _files(folder / "jobs"):
        yield path, "the job has ended"


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.is_file())
