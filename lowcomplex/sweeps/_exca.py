"""All that this package takes from exca, in one place.

exca is public in `exca.MapInfra` and `exca.TaskInfra`; its store and its claims, which serve here alone, may
change with any of its releases. `pyproject.toml` therefore bounds its version, and a new version is tried
here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from exca.cachedict import CacheDict, DumpContext
from exca.cachedict.inflight import InflightRegistry, Liveness, Pid, Slurm, WorkerInfo
from exca.utils import temporary_save_path

__all__ = [
    "CacheDict",
    "DumpContext",
    "InflightRegistry",
    "Liveness",
    "Pid",
    "Slurm",
    "WorkerInfo",
    "index_entry",
    "register_format",
    "temporary_file",
]


def register_format(handler: type) -> str:
    """Make a class with `__dump_info__`, `__load_from_info__` and `__delete_info__` a format of the store.

    Returns:
        The name to give to `CacheDict` as its `cache_type`.
    """
    DumpContext.HANDLERS.setdefault(handler.__name__, handler)
    return handler.__name__


def index_entry(cells: CacheDict[Any], key: str) -> dict[str, Any]:
    """What `__dump_info__` returned for a stored key, from the index alone.

    Raises:
        KeyError: The key is not stored.
    """
    if key not in cells:
        raise KeyError(key)
    entry: dict[str, Any] = cells._key_info[key].content
    return entry


def temporary_file(path: Path) -> AbstractContextManager[Path]:
    """A path beside `path` that takes its name when the block ends well, and goes when it does not."""
    context: AbstractContextManager[Path] = temporary_save_path(path)
    return context
