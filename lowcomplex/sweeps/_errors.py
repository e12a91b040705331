"""Errors of files: a stored result is damaged, or a result cannot be written."""

from __future__ import annotations

from pathlib import Path


class DamagedCellError(RuntimeError):
    """A stored result does not match its checksum, cannot be read, or is missing."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class StorageError(OSError):
    """Results cannot be written: a full disk, or a folder that is read-only."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = Path(path), reason

    def __str__(self) -> str:
        return (
            f"cannot write to {self.path}: {self.reason}. Finished cells are kept; when there is room and "
            "permission, the same command goes on from there"
        )
