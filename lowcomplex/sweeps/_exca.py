"""All that this package takes from exca, in one place: claims on cells that several processes may compute.

exca is public in `exca.MapInfra` and `exca.TaskInfra`; its claims, which serve here alone, may change with
any of its releases. `pyproject.toml` therefore bounds its version, and a new version is tried here.
"""

from __future__ import annotations

import logging

from exca.cachedict.inflight import InflightRegistry, Liveness, Slurm, WorkerInfo

# A registry that cannot be used is an error of this package, in words; exca would print its traceback too.
logging.getLogger("exca.cachedict.registry").setLevel(logging.ERROR)

__all__ = ["InflightRegistry", "Liveness", "Slurm", "WorkerInfo"]
