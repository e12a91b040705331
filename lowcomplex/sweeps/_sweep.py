"""Sweeps, and how one is run: each config is computed once, in parallel, and stored."""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from lowcomplex._names import require_known
from lowcomplex.sweeps import _jobs
from lowcomplex.sweeps._batches import batches
from lowcomplex.sweeps._cluster import Cluster
from lowcomplex.sweeps._compute import Compute
from lowcomplex.sweeps._config import Config, sweep_hash
from lowcomplex.sweeps._errors import DamagedCellError
from lowcomplex.sweeps._failures import forget_failure, record_failure
from lowcomplex.sweeps._guard import of_notebook, require_importable
from lowcomplex.sweeps._manifest import write_manifest
from lowcomplex.sweeps._origin import difference, origin
from lowcomplex.sweeps._pool import Pool, here
from lowcomplex.sweeps._progress import Line
from lowcomplex.sweeps._store import Store
from lowcomplex.sweeps._workers import Scheduler

# It names files, also hidden ones with more before and after it.
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f.][^/\\\x00-\x1f\x7f]{0,99}")


@dataclass(frozen=True)
class Sweep:
    """A grid of runs.

    Attributes:
        name: Name of the sweep and of its manifest, a plain file name.
        measure: Computes one cell, `measure(config) → Dataset`. It is a top-level function whose result
            depends on its config alone. If `together` is not empty it computes a batch,
            `measure(configs) → Sequence[Dataset]`, one dataset per config, in order. If `resumable`, it also
            takes the path of a file that it may write atomically and continue from
            (`lowcomplex.training.Checkpoint`); the file is removed once the cell is stored.
        configs: The cells, in the order in which they are computed.
        dimensions: The fields of the configs along which cells are concatenated; every swept field is one.
        together: Fields in which the cells of one batch may differ, such as the initialization rate and the
            seed of networks that are trained as one ensemble.
        batch: Largest number of cells per batch.
        resumable: Whether `measure` takes the path of a checkpoint as well.
        same_meaning: Accept cells that another measure computed, or this one before its source changed. By
            default they are refused: raise the config's `version` if their meaning is another.

    Raises:
        ValueError: The name is no plain file name, `measure` is no function, there are no configs or equal
            ones, `dimensions` or `together` name no field of the configs, configs agree in all dimensions, or
            `batch` is not positive.
    """

    name: str
    measure: Callable[..., Any]
    configs: tuple[Config, ...]
    dimensions: tuple[str, ...]
    together: tuple[str, ...] = ()
    batch: int = 64
    resumable: bool = False
    same_meaning: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ValueError(f"name: expected a plain file name of at most 100 characters, got {self.name!r}")
        if not callable(self.measure):
            raise ValueError(f"measure: expected a function of a config, got {self.measure!r}")
        if isinstance(self.batch, bool) or not isinstance(self.batch, int) or self.batch < 1:
            raise ValueError(f"batch: expected at least one cell, got {self.batch!r}")
        for argument in ("configs", "dimensions", "together"):
            if not isinstance(getattr(self, argument), list | tuple):
                raise ValueError(f"{argument}: expected a tuple, got {getattr(self, argument)!r}")
            object.__setattr__(self, argument, tuple(getattr(self, argument)))
        _require_configs(self.configs)
        for argument in ("dimensions", "together"):
            for name in getattr(self, argument):
                require_known(argument, name, type(self.configs[0]).model_fields)
        _require_places(self.configs, self.dimensions)

    @property
    def hash(self) -> str:
        """SHA-256 over the hashes of all configs, in their order."""
        return sweep_hash(self.configs)

    @cached_property
    def origin(self) -> dict[str, str]:
        """Names of the measure and of the class of its configs, and a digest of the measure's source."""
        return origin(self.measure, type(self.configs[0]))


@dataclass
class Summary:
    """What a run of a sweep did.

    Attributes:
        computed: Cells computed now.
        cached: Cells found finished.
        failed: Traceback of each cell that raised or whose worker died, by config hash.
        seconds: Wall-clock time.
    """

    computed: int = 0
    cached: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def run(
    sweep: Sweep,
    folder: Path | str,
    *,
    workers: int = 1,
    progress: bool = True,
    cluster: Cluster | None = None,
) -> Summary:
    """Compute the missing cells of a sweep; the same call resumes a sweep that was interrupted.

    Each worker is a process of its own with one thread, so that a cell's numbers do not depend on the
    number of workers. A finished cell is stored at once. Killing the run therefore loses only what the
    batches in progress did since their last checkpoints. A cell that raises is recorded in `failures/` beside
    the cells, and the sweep goes on. A batch whose worker dies is tried three times in all. A stored file
    that is damaged is named and set aside, and its cell is computed again.

    Args:
        sweep: What to compute.
        folder: Where cells are stored; sweeps over the same configs may share it, also at the same time.
        workers: Number of processes; 0 computes in this one, and so does a sweep whose measure is defined in
            a notebook.
        progress: Show a live line on a terminal, plain lines elsewhere.
        cluster: Compute the cells as jobs of this cluster instead, and wait for them. Jobs go on if the wait
            is interrupted; the same call finds them again.

    Returns:
        What was done.

    Raises:
        ValueError: `workers` is negative, workers cannot import `measure`, or another one computed a cell.
        RuntimeError: The cluster's commands are missing, or the script lacks `if __name__ == "__main__":`.
        StorageError: Results cannot be written or read.
        UnstorableError: A dataset holds what netCDF cannot.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
        raise ValueError(f"workers: expected zero or more processes, got {workers!r}")
    if cluster is not None:
        cluster.require()
    elif workers and (found := of_notebook(sweep.measure, sweep.configs[0])):
        warnings.warn(
            f"{found} is defined in a notebook or an interactive session, which workers cannot import: cells "
            "are computed in this process, one after the other; put it into a module to use workers",
            stacklevel=2,
        )
        workers = 0
    elif workers:
        require_importable(sweep.measure, sweep.configs[0])
    start = time.perf_counter()
    folder = Path(folder)
    write_manifest(folder, sweep.name, sweep.hash, sweep.dimensions, sweep.configs)
    store = Store(folder / "cells")
    missing = [config for config in sweep.configs if not _is_finished(store, sweep, config)]
    summary = Summary(cached=len(sweep.configs) - len(missing))
    if missing:
        compute = Compute(
            sweep.measure, folder.absolute(), bool(sweep.together), sweep.resumable, sweep.origin
        )
        schedule: Scheduler = Pool(workers) if workers else here
        if cluster is not None:
            schedule = partial(_jobs.outcomes, cluster, sweep.name, folder)
        with Line(sweep.name, len(sweep.configs), summary.cached, progress) as line:
            todo = batches(missing, sweep.together, sweep.batch)
            for batch, failure in schedule(compute, todo, line.running):
                for config in batch:
                    # Other processes may have computed a part of a batch that failed.
                    if failure is None or config.hash in store:
                        summary.computed += 1
                        forget_failure(folder, config)
                    else:
                        summary.failed[config.hash] = failure
                        record_failure(folder, config, failure)
                line.advance(len(batch), failed=len(summary.failed))
    summary.seconds = time.perf_counter() - start
    return summary


def labels(fields: Mapping[str, Any], dimensions: Sequence[str]) -> tuple[Any, ...]:
    """Where a cell is along the dimensions, by its config's fields; sequences are labeled by their text."""
    values = (fields[dimension] for dimension in dimensions)
    return tuple(json.dumps(value) if isinstance(value, list | dict) else value for value in values)


def require_same_origin(sweep: Sweep, config: Config, attributes: Mapping[str, Any]) -> None:
    """Refuse a cell that another measure computed.

    Raises:
        ValueError: It did, and the sweep does not accept it.
    """
    other = "" if sweep.same_meaning else difference(attributes, sweep.origin)
    if other:
        raise ValueError(
            f"measure: the cell of {config!r} is in this folder, but {other}; raise the version of "
            f"{type(config).__name__}, use another folder, or pass same_meaning=True if both mean the same"
        )


def _require_configs(configs: Sequence[Config]) -> None:
    if not configs:
        raise ValueError("configs: expected at least one config, got none")
    for config in configs:
        if not isinstance(config, Config):
            raise ValueError(f"configs: expected instances of lowcomplex.sweeps.Config, got {config!r}")
        if type(config) is not type(configs[0]):
            first, other = type(configs[0]), type(config)
            raise ValueError(
                f"configs: expected configs of one class, got {first.__module__}.{first.__qualname__} and "
                f"{other.__module__}.{other.__qualname__}"
            )
    key, count = Counter(config.hash for config in configs).most_common(1)[0]
    if count > 1:
        config = next(config for config in configs if config.hash == key)
        raise ValueError(f"configs: expected each config once, got {config!r} {count} times")


def _require_places(configs: Sequence[Config], dimensions: Sequence[str]) -> None:
    """Refuse dimensions along which two configs are at one place."""
    if len(set(dimensions)) < len(dimensions):
        raise ValueError(f"dimensions: expected each field once, got {dimensions!r}")
    places: dict[tuple[Any, ...], dict[str, Any]] = {}
    for config in configs:
        fields = config.content()["fields"]
        other = places.setdefault(labels(fields, dimensions), fields)
        if other is not fields:
            differing = [name for name in fields if fields[name] != other[name]]
            raise ValueError(
                f"dimensions: configs that agree in {tuple(dimensions)!r} differ in {', '.join(differing)}; "
                "every swept field must be a dimension"
            )


def _is_finished(store: Store, sweep: Sweep, config: Config) -> bool:
    if config.hash not in store:
        return False
    try:
        attributes = store.attributes(config.hash)
    except DamagedCellError as damage:
        aside = store.set_aside(config.hash)
        kept = f"set aside as {aside.name}, " if aside is not None else ""
        print(f"{damage}; {kept}computing it again", file=sys.stderr)
        return False
    require_same_origin(sweep, config, attributes)
    return True
