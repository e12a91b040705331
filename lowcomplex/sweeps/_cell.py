"""Cells as netCDF: written to bytes, and read from files that somebody else may have made.

HDF5 can refer to other files and claim any size. A file is therefore looked through before it is opened as a
dataset: it must hold what `encode` writes, that is, variables at its root whose bytes are in the file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from lowcomplex.sweeps._errors import DamagedCellError, UnstorableError, reading

# Deflate and LZF, what a measure may choose for its variables, compress no more than this.
_LARGEST_RATIO = 1100
# h5netcdf marks a dimension without coordinates so; it has a size and no values.
_DIMENSION = b"This is a netCDF dimension but not a netCDF variable"
# What the operating system reports of a file that is gone or that is none; other errors, such as too many
# open files, are no damage.
_DAMAGE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EIO}


def encode(dataset: xr.Dataset) -> bytes:
    """Write a dataset as netCDF.

    Raises:
        UnstorableError: A variable or an attribute is of a type that netCDF lacks.
    """
    names = {str(name) for name in (*dataset.variables, *dataset.dims) if not _is_plain(name)}
    if names:
        raise UnstorableError(f"names of variables and dimensions are texts without '/', got {min(names)!r}")
    try:
        # Made in memory: HDF5 does not survive a disk that fills while it writes.
        return bytes(dataset.to_netcdf(engine="h5netcdf"))
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise UnstorableError(str(error)) from error


def read(path: Path, digests: Sequence[str]) -> bytes:
    """Read a cell's file, whose SHA-256 must be one of some digests.

    Raises:
        DamagedCellError: The file is missing, no regular file, or of another digest.
        StorageError: The file cannot be read, which says nothing about its content.
    """
    with reading(path):
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise DamagedCellError(path, "is no regular file")
            content = path.read_bytes()
        except OSError as error:
            if error.errno in _DAMAGE:
                raise DamagedCellError(path, str(error.strerror)) from error
            raise
    if hashlib.sha256(content).hexdigest() not in digests:
        raise DamagedCellError(path, "does not match its checksum")
    return content


def attributes(content: bytes, path: Path, key: str) -> dict[str, Any]:
    """Return the attributes of a cell's file, if the file is one that `encode` wrote for this key.

    Raises:
        DamagedCellError: The file is another cell's, refers to other files, or claims values that it lacks.
    """
    with _as_damage(path), h5py.File(io.BytesIO(content), "r") as file:
        found = dict(file.attrs)
        if found.get("config_hash") != key:
            other = str(found.get("config_hash"))[:64]
            raise DamagedCellError(path, f"holds the cell {other!r}, not {key!r}")
        for name in file:
            _require_within(file, name, path)
        return found


def decode(content: bytes, path: Path, key: str) -> xr.Dataset:
    """Read a cell's dataset into memory.

    Raises:
        DamagedCellError: As `attributes`, or the values cannot be read.
    """
    attributes(content, path, key)
    with _as_damage(path):
        return xr.load_dataset(io.BytesIO(content), engine="h5netcdf")


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and "/" not in name


def _require_within(file: h5py.File, name: str, path: Path) -> None:
    """Refuse an object at the root that is no variable, or whose values are not in the file."""
    is_own = isinstance(file.get(name, getlink=True), h5py.HardLink)
    variable: Any = file[name] if is_own else None
    is_plain = isinstance(variable, h5py.Dataset) and variable.dtype.kind != "V"
    if not is_plain or variable.external or variable.is_virtual:
        raise DamagedCellError(path, f"{name!r} is no variable with values of its own")
    if bytes(variable.attrs.get("NAME", b"")).startswith(_DIMENSION):
        return
    claimed = variable.size * variable.id.get_type().get_size()
    is_compressed = variable.id.get_create_plist().get_nfilters() > 0
    if claimed > variable.id.get_storage_size() * (_LARGEST_RATIO if is_compressed else 1):
        raise DamagedCellError(path, f"{name!r} claims more values than the file holds")


@contextlib.contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    """Turn whatever a reader of netCDF meets in bytes that are not ours into an error that names the file."""
    try:
        yield
    except DamagedCellError:
        raise
    except Exception as error:
        raise DamagedCellError(path, f"{type(error).__name__}: {error}") from error
