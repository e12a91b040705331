"""Errors of stored results: damaged, not to be written or read, or of a type that netCDF lacks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


class DamagedCellError(RuntimeError):
    """A stored result does not match its checksum, cannot be read, or is missing."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class UnstorableError(TypeError):
    """A cell's dataset holds what netCDF cannot."""


class StorageError(OSError):
    """Results cannot be written or read: a full disk, a folder that is read-only, too many open files."""

    def __init__(self, path: Path | str, reason: str, action: str = "write to") -> None:
        super().__init__(path, reason)
        self.path, self.reason, self.action = Path(path), reason, action

    def __str__(self) -> str:
        return (
            f"cannot {self.action} {self.path}: {self.reason}. Finished cells are kept; when there is room "
            "and permission, the same command goes on from there"
        )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that names the path and what to do.

    Raises:
        StorageError: Something inside the block could not be written.
    """
    with _refused(path, "write to"):
        yield


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to read into an error that names the path and what to do.

    Raises:
        StorageError: Something inside the block could not be read.
    """
    with _refused(path, "read"):
        yield


@contextlib.contextmanager
def _refused(path: Path, action: str) -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(error.filename or path, reason, action) from error
