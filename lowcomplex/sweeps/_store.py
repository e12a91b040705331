"""The store of finished cells: netCDF files with checksums, named by their configs' hashes."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from lowcomplex.sweeps import _cell
from lowcomplex.sweeps._claims import claims, live_claims
from lowcomplex.sweeps._config import Config
from lowcomplex.sweeps._errors import DamagedCellError, StorageError, reading, writing
from lowcomplex.sweeps._exca import InflightRegistry
from lowcomplex.sweeps._heartbeat import PATIENCE, silence
from lowcomplex.sweeps._index import Entry, Index

# What a process that is killed while it stores a cell leaves behind.
TEMPORARY_CELLS = "data/save-tmp-*"
_SECONDS_BETWEEN_LOOKS = 0.5
# Seconds of waiting for other processes after which a line says so.
_SILENT_WAIT = 5.0


class Store:
    """The finished cells of one folder.

    Args:
        folder: Their folder; it is made when a cell is first stored.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._index = Index(self.folder)

    def __contains__(self, key: str) -> bool:
        with reading(self.folder):
            return bool(self._index.entries(key))

    @property
    def unreadable(self) -> int:
        """Number of lines of the index that name no cell, as after a power cut."""
        return self._index.unreadable

    def load(self, key: str) -> xr.Dataset:
        """Read the cell of a config's hash into memory, its checksum verified.

        Raises:
            KeyError: The cell was never computed.
            DamagedCellError: Its file is missing, damaged or another cell's.
            StorageError: Its file cannot be read.
        """
        content, path = self._read(key)
        return _cell.decode(content, path, key)

    def attributes(self, key: str) -> dict[str, Any]:
        """Return the attributes of the cell of a config's hash, its checksum verified.

        Raises:
            KeyError: The cell was never computed.
            DamagedCellError: Its file is missing, damaged or another cell's.
            StorageError: Its file cannot be read.
        """
        content, path = self._read(key)
        return _cell.attributes(content, path, key)

    def save(self, config: Config, dataset: xr.Dataset, origin: Mapping[str, str] | None = None) -> None:
        """Store a finished cell, with its config, what computed it, and the versions.

        Raises:
            UnstorableError: The dataset holds what netCDF cannot.
            StorageError: The disk is full, or the folder is read-only.
        """
        key = config.hash
        # Loaded before `writing`, so that an input that cannot be read is not reported as one that cannot be
        # written.
        dataset = dataset.compute().assign_attrs(
            config=json.dumps(config.content(), sort_keys=True),
            config_hash=key,
            **versions(),
            **(origin or {}),
        )
        with writing(self.folder):
            content = _cell.encode(dataset)
            filename = f"data/{key}.nc"
            path = self.folder / filename
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"save-tmp-{uuid.uuid4().hex}.nc")
            try:
                with temporary.open("wb") as file:
                    file.write(content)
                    # On disk before it has its name: a power cut must not leave a name without content.
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            self._index.add(key, filename, hashlib.sha256(content).hexdigest())

    def finished(self) -> tuple[str, ...]:
        """Hashes of the finished cells."""
        with reading(self.folder):
            return self._index.keys()

    def path(self, key: str) -> Path:
        """The file of a finished cell.

        Raises:
            KeyError: The cell was never computed.
            DamagedCellError: The index names no file in the store.
        """
        entries = self._entries(key)
        for entry in entries:
            if not entry.flaw:
                return self.folder / entry.filename
        raise DamagedCellError(entries[0].index, entries[0].flaw)

    def set_aside(self, key: str) -> Path | None:
        """Take a damaged cell out of the index, so that it is computed again.

        Returns:
            Its file, which is renamed to end in ".corrupt"; None if there is none.

        Raises:
            StorageError: The folder is read-only.
        """
        with writing(self.folder):
            path = None
            with contextlib.suppress(DamagedCellError):
                path = self.path(key)
            self._index.remove(key)
            if path is None or not os.path.lexists(path):
                return None
            aside = path.with_name(f"{path.name}.corrupt")
            path.rename(aside)
            return aside

    @contextlib.contextmanager
    def claim(self, keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Hold cells against other processes, and yield the hashes of those that are now to be computed here.

        Cells that a live process holds, and finished cells, are not among them. A process never waits while
        it holds cells, so two processes cannot wait for each other.

        Raises:
            StorageError: Claims cannot be recorded.
        """
        with contextlib.ExitStack() as stack:
            with writing(self.folder):
                registry = stack.enter_context(claims(self.folder))
            held = self._claim(keys, registry)
            try:
                yield tuple(key for key in held if key not in self)
            finally:
                registry.release(held)

    def _claim(self, keys: Sequence[str], registry: InflightRegistry) -> list[str]:
        # Twice: the holder of a cell at the first attempt may have left it unfinished since.
        for _ in range(2):
            taken = live_claims(registry, keys)
            free = [key for key in keys if key not in taken]
            held = registry.claim(free) or [key for key in free if registry.claim([key])]
            if held or taken or all(key in self for key in keys):
                return held
        raise StorageError(registry.db_path, "claims on cells cannot be recorded there")

    def wait(self, keys: Sequence[str]) -> None:
        """Wait until no live process holds these cells; a long wait is reported."""
        start, is_told = time.monotonic(), False
        with InflightRegistry(self.folder) as registry:
            while holders := live_claims(registry, keys):
                if not is_told and time.monotonic() - start > _SILENT_WAIT:
                    is_told = True
                    _tell_of(set(map(str, holders.values())), len(holders))
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def holders(self) -> dict[str, str]:
        """Where each cell is being computed: "process 123 on HOST", or the job of a cluster."""
        if not self.folder.is_dir():
            return {}
        with InflightRegistry(self.folder) as registry:
            found = live_claims(registry)
        return {key: f"{liveness}{silence(self.folder, liveness)}" for key, liveness in found.items()}

    def _entries(self, key: str) -> list[Entry]:
        with reading(self.folder):
            entries = self._index.entries(key)
        if not entries:
            raise KeyError(key)
        return entries

    def _read(self, key: str) -> tuple[bytes, Path]:
        path = self.path(key)
        digests = [entry.sha256 for entry in self._entries(key) if self.folder / entry.filename == path]
        return _cell.read(path, digests), path


def _tell_of(holders: set[str], cells: int) -> None:
    print(
        f"waiting for {cells} cells of {', '.join(sorted(holders))}; the cells of another machine are taken "
        f"over {PATIENCE:.0f} s after its last sign of life",
        file=sys.stderr,
        flush=True,
    )


def versions() -> dict[str, str]:
    """Versions of what computed a result, without importing any of it."""
    return dict(_versions())


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = {"python": platform.python_version()}
    for package in ("lowcomplex", "torch", "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return tuple(found.items())
