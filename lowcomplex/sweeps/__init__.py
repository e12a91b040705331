"""Sweeps: grids of configs, whose cells are computed in parallel, once each, and stored by their content."""

from lowcomplex.sweeps._clean import Removed, clean
from lowcomplex.sweeps._cluster import Cluster
from lowcomplex.sweeps._config import Config, grid, sweep_hash
from lowcomplex.sweeps._dataset import load, open
from lowcomplex.sweeps._errors import DamagedCellError, StorageError, UnstorableError
from lowcomplex.sweeps._status import CellStatus, Status, status
from lowcomplex.sweeps._store import Store, versions
from lowcomplex.sweeps._sweep import Summary, Sweep, run

__all__ = [
    "CellStatus",
    "Cluster",
    "Config",
    "DamagedCellError",
    "Removed",
    "Status",
    "StorageError",
    "Store",
    "Summary",
    "Sweep",
    "UnstorableError",
    "clean",
    "grid",
    "load",
    "open",
    "run",
    "status",
    "sweep_hash",
    "versions",
]
