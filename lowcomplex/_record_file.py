"""A tracker's record on disk, whole at any moment."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowcomplex._growing import GrowingRecords

if TYPE_CHECKING:
    import xarray as xr


class RecordFile:
    """A netCDF file that is replaced by a longer one, and is whole at any moment.

    Args:
        path: The file, which may be there already; its folder is made when it is needed.

    Raises:
        ValueError: The path is a folder, or no path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise ValueError(f"path: expected the name of a file, got {path!r}")
        self.path = Path(path)
        self._growing = GrowingRecords()
        if self.path.is_dir():
            raise ValueError(f"path: expected a file, got the folder {self.path}")

    def read(self) -> tuple[xr.Dataset, dict[str, Any]] | None:
        """What the file holds, or None if there is none.

        Returns:
            The records, and what `write` was given about them.

        Raises:
            ValueError: The file is no tracker's.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            records, about = self._growing.read(content)
            return records, {**json.loads(about), "layers": records["layer"].values.tolist()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"path: {self.path} is no record of a tracker, and is not written over ({error})"
            ) from error

    def warm_up(self) -> None:
        """Load what the first record would load to write it."""
        import xarray as xr

        one = xr.Dataset({"one": (("step", "layer"), [[1.0]])}, coords={"step": [0], "layer": ["one"]})
        GrowingRecords().written(one, "")

    def write(self, records: xr.Dataset, about: dict[str, Any]) -> None:
        """Replace the file. A disk that refuses it is no reason to lose the training: that is a warning."""
        # An attribute has at most 64 KiB; the names of the layers are in the record anyway.
        text = json.dumps({name: value for name, value in about.items() if name != "layers"})
        content = self._growing.written(records, text)
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                # On disk before it has its name: a power cut must not leave a name without content.
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            warnings.warn(f"{self.path}: the record was not written: {error}", stacklevel=4)
