"""The store of finished cells: netCDF files with checksums, named by their configs' hashes."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from lowcomplex.sweeps._claims import live_claims, place
from lowcomplex.sweeps._config import Config
from lowcomplex.sweeps._errors import DamagedCellError, StorageError
from lowcomplex.sweeps._exca import CacheDict, InflightRegistry, index_entry, register_format, temporary_file

_SECONDS_BETWEEN_LOOKS = 0.5


class NetCDF:
    """Keeps one dataset per file and its SHA-256 in the index; verifies the file when it is loaded."""

    @classmethod
    def __dump_info__(cls, ctx: Any, value: xr.Dataset) -> dict[str, Any]:
        name = ctx.key_path(".nc")
        # Made in memory: HDF5 does not survive a disk that fills while it writes.
        content = bytes(value.to_netcdf(engine="h5netcdf"))
        with temporary_file(ctx.folder / name) as temporary, temporary.open("wb") as file:
            file.write(content)
            # On disk before it has its name: a power cut must not leave a name without content.
            file.flush()
            os.fsync(file.fileno())
        return {"filename": name, "sha256": hashlib.sha256(content).hexdigest()}

    @classmethod
    def __load_from_info__(cls, ctx: Any, filename: str, sha256: str) -> xr.Dataset:
        path = ctx.folder / filename
        _verify(path, sha256)
        try:
            return xr.open_dataset(path, engine="h5netcdf")
        except OSError as error:
            raise DamagedCellError(path, str(error)) from error

    @classmethod
    def __delete_info__(cls, ctx: Any, filename: str, sha256: str) -> None:
        path = ctx.folder / filename
        if path.exists():
            path.rename(path.with_name(f"{path.name}.corrupt"))


_FORMAT = register_format(NetCDF)


class Store:
    """The finished cells of one folder.

    Args:
        folder: Their folder; it is made when a cell is first stored.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._cells: CacheDict[xr.Dataset] = CacheDict(self.folder, cache_type=_FORMAT)

    def __contains__(self, key: str) -> bool:
        return key in self._cells

    def load(self, key: str) -> xr.Dataset:
        """Open the cell of a config's hash lazily, its checksum verified.

        Raises:
            KeyError: The cell was never computed.
            DamagedCellError: Its file is missing or damaged.
        """
        cell: xr.Dataset = self._cells[key]
        return cell

    def verify(self, key: str) -> None:
        """Compare the cell of a config's hash with its checksum, without opening it.

        Raises:
            KeyError: The cell was never computed.
            DamagedCellError: Its file is missing or damaged.
        """
        _verify(self.path(key), str(index_entry(self._cells, key)["sha256"]))

    def save(self, config: Config, dataset: xr.Dataset) -> None:
        """Store a finished cell, with its config and the versions that made it.

        Raises:
            StorageError: The disk is full, or the folder is read-only.
        """
        # Loaded before `writing`, so that an input that cannot be read is not reported as one that cannot be
        # written.
        dataset = dataset.compute().assign_attrs(
            config=json.dumps(config.content(), sort_keys=True), config_hash=config.hash, **versions()
        )
        with writing(self.folder), self._cells.write():
            self._cells[config.hash] = dataset

    def finished(self) -> tuple[str, ...]:
        """Hashes of the finished cells."""
        return tuple(self._cells.keys())

    def path(self, key: str) -> Path:
        """The file of a finished cell."""
        return self.folder / str(index_entry(self._cells, key)["filename"])

    def set_aside(self, key: str) -> Path:
        """Add .corrupt to the name of a damaged cell's file, so that the cell is computed again."""
        path = self.path(key)
        with self._cells.write():
            del self._cells[key]
        return path.with_name(f"{path.name}.corrupt")

    @contextlib.contextmanager
    def claim(self, keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Hold cells against other processes, and yield the hashes of those that are now to be computed here.

        Cells that a live process holds, and finished cells, are not among them. A process never waits while
        it holds cells, so two processes cannot wait for each other.

        Raises:
            StorageError: Claims cannot be recorded.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with InflightRegistry(self.folder) as registry:
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
        """Wait until no live process holds these cells."""
        with InflightRegistry(self.folder) as registry:
            while live_claims(registry, keys):
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def holders(self) -> dict[str, str]:
        """Where each cell is being computed: "process 123 on HOST", or the job of a cluster."""
        if not self.folder.is_dir():
            return {}
        with InflightRegistry(self.folder) as registry:
            return {key: place(liveness) for key, liveness in live_claims(registry).items()}


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that names the path and what to do.

    Raises:
        StorageError: Something inside the block could not be written.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(error.filename or path, reason) from error


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


def _verify(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DamagedCellError(path, str(error)) from error
    if found != sha256:
        raise DamagedCellError(path, "does not match its checksum")
