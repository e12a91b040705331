"""Sweeps, and how one is run: each config is computed once, in parallel, and stored."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
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
from lowcomplex.sweeps._manifest import write_manifest
from lowcomplex.sweeps._pool import Pool, here
from lowcomplex.sweeps._progress import Line
from lowcomplex.sweeps._store import Store
from lowcomplex.sweeps._workers import Scheduler


@dataclass(frozen=True)
class Sweep:
    """A grid of runs.

    Attributes:
        name: Names the sweep's manifest.
        measure: Computes one cell, `measure(config) → Dataset`. It is a top-level function whose result
            depends on its config alone. If `together` is not empty it computes a batch,
            `measure(configs) → Sequence[Dataset]`, one dataset per config, in order. If `resumable`, it also
            takes the path of a file that it may write atomically and continue from
            (`lowcomplex.training.Checkpoint`); the file is removed once the cell is stored.
        configs: The cells, in the order in which they are computed.
        dimensions: The fields of the configs along which cells are concatenated.
        together: Fields in which the cells of one batch may differ, such as the initialization rate and the
            seed of networks that are trained as one ensemble.
        batch: Largest number of cells per batch.
        resumable: Whether `measure` takes the path of a checkpoint as well.

    Raises:
        ValueError: `together` names no field of the configs, or `batch` is not positive.
    """

    name: str
    measure: Callable[..., Any]
    configs: tuple[Config, ...]
    dimensions: tuple[str, ...]
    together: tuple[str, ...] = ()
    batch: int = 64
    resumable: bool = False

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch: expected at least one cell, got {self.batch}")
        if self.configs:
            for name in self.together:
                require_known("together", name, type(self.configs[0]).model_fields)

    @property
    def hash(self) -> str:
        """SHA-256 over the hashes of all configs, in their order."""
        return sweep_hash(self.configs)


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
        workers: Number of processes; 0 computes in this one.
        progress: Show a live line on a terminal, plain lines elsewhere.
        cluster: Compute the cells as jobs of this cluster instead, and wait for them. Jobs go on if the wait
            is interrupted; the same call finds them again.

    Returns:
        What was done.

    Raises:
        ValueError: `workers` is negative.
        RuntimeError: The cluster's commands are missing.
        StorageError: Results cannot be written.
    """
    if workers < 0:
        raise ValueError(f"workers: expected zero or more processes, got {workers}")
    if cluster is not None:
        cluster.require()
    start = time.perf_counter()
    folder = Path(folder)
    write_manifest(folder, sweep.name, sweep.hash, sweep.dimensions, sweep.configs)
    store = Store(folder / "cells")
    missing = [config for config in sweep.configs if not _is_finished(store, config)]
    summary = Summary(cached=len(sweep.configs) - len(missing))
    if missing:
        compute = Compute(sweep.measure, folder.absolute(), bool(sweep.together), sweep.resumable)
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


def _is_finished(store: Store, config: Config) -> bool:
    if config.hash not in store:
        return False
    try:
        store.verify(config.hash)
    except DamagedCellError as damage:
        print(
            f"{damage}; set aside as {store.set_aside(config.hash).name}, computing it again", file=sys.stderr
        )
        return False
    return True
