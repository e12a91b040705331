"""Where finished cells live: checksummed netCDF files under their configs' hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr
from exca import utils
from exca.cachedict import CacheDict, DumpContext
from exca.cachedict.inflight import InflightRegistry

from lowcomplex.sweeps._config import Config


class DamagedCellError(RuntimeError):
    """A stored result does not match its checksum, cannot be read, or is missing."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class NetCDF:
    """Keeps one dataset a file and its SHA-256 in the index; verifies it on loading."""

    @classmethod
    def __dump_info__(cls, ctx: Any, value: xr.Dataset) -> dict[str, Any]:
        name = ctx.key_path(".nc")
        with utils.temporary_save_path(ctx.folder / name) as temporary:
            value.to_netcdf(temporary, engine="h5netcdf")
            digest = _sha256(temporary)
        return {"filename": name, "sha256": digest}

    @classmethod
    def __load_from_info__(cls, ctx: Any, filename: str, sha256: str) -> xr.Dataset:
        path = ctx.folder / filename
        try:
            if _sha256(path) != sha256:
                raise DamagedCellError(path, "does not match its checksum")
            return xr.open_dataset(path, engine="h5netcdf")
        except OSError as error:
            raise DamagedCellError(path, str(error)) from error

    @classmethod
    def __delete_info__(cls, ctx: Any, filename: str, sha256: str) -> None:
        path = ctx.folder / filename
        if path.exists():
            path.rename(path.with_name(f"{path.name}.corrupt"))


DumpContext.HANDLERS.setdefault(NetCDF.__name__, NetCDF)


class Store:
    """The finished cells of one folder.

    Args:
        folder: Where they live; made when first written to.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._cells: CacheDict[xr.Dataset] = CacheDict(self.folder, cache_type=NetCDF.__name__)

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

    def save(self, config: Config, dataset: xr.Dataset) -> None:
        """Store a finished cell, with its config and the versions that made it."""
        dataset = dataset.assign_attrs(
            config=json.dumps(config.content(), sort_keys=True), config_hash=config.hash, **versions()
        )
        with self._cells.write():
            self._cells[config.hash] = dataset

    def set_aside(self, key: str) -> Path:
        """Add .corrupt to the name of a damaged cell's file, so that the cell is computed again."""
        info = self._cells._key_info[key]
        with self._cells.write():
            del self._cells[key]
        return self.folder / f"{info.content['filename']}.corrupt"

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Hold a cell against other processes; yields False if another one finished it meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with InflightRegistry(self.folder) as registry:
            while not registry.claim([key]):
                registry.wait_for_inflight([key])
                if key in self:
                    yield False
                    return
            try:
                yield key not in self
            finally:
                registry.release([key])


def versions() -> dict[str, str]:
    """Versions of what computed a result, without importing any of it."""
    found = {"python": platform.python_version()}
    for package in ("lowcomplex", "torch", "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
