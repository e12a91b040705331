"""Remove what interrupted, failed and damaged runs left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lowcomplex.sweeps._manifest import TEMPORARY_MANIFESTS, read_manifest
from lowcomplex.sweeps._status import running
from lowcomplex.sweeps._store import Store, writing


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
    needed = {cell["hash"] for path in folder.glob("[!.]*.json") for cell in read_manifest(path)["cells"]}
    removed = tuple(
        Removed(path, path.stat().st_size, reason) for path, reason in _leftovers(folder, store, needed)
    )
    unnamed = [key for key in store.finished() if stale and key not in needed]
    removed += tuple(
        Removed(path, path.stat().st_size if path.exists() else 0, "no sweep of the folder has this cell")
        for path in map(store.path, unnamed)
    )
    if not dry_run:
        with writing(folder):
            for key in unnamed:
                store.set_aside(key).unlink(missing_ok=True)
            for leftover in removed:
                leftover.path.unlink(missing_ok=True)
    return removed


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
    unfinished = ("cells/data/save-tmp-*", "checkpoints/*.tmp", TEMPORARY_MANIFESTS)
    for path in (path for pattern in unfinished for path in sorted(folder.glob(pattern))):
        yield path, "a killed process left it unfinished"
    for path in _files(folder / "jobs"):
        yield path, "the job has ended"


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.is_file())
