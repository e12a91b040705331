"""A sweep: a grid of configs, computed once each, in parallel, safely."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr
from tqdm.auto import tqdm

from lowcomplex.sweeps import _jobs
from lowcomplex.sweeps._cluster import Cluster
from lowcomplex.sweeps._config import Config, sweep_hash
from lowcomplex.sweeps._store import DamagedCellError, Store

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_ATTEMPTS = 3


@dataclass(frozen=True)
class Sweep:
    """A grid of runs.

    Attributes:
        name: Names the sweep's manifest.
        measure: Computes one cell; a top-level function, deterministic in its config.
        configs: The cells, in the order in which they are computed.
        dimensions: The fields of the configs along which cells are concatenated.
    """

    name: str
    measure: Callable[[Any], xr.Dataset]
    configs: tuple[Config, ...]
    dimensions: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Names the whole sweep's content."""
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
    """Compute the missing cells of a sweep.

    Each worker is a process of its own with one thread, so that a cell's numbers do not depend on the
    number of workers. A finished cell is stored at once: killing the run loses the cells in progress and
    nothing else. A cell that raises is recorded in `failures/` beside the cells, and the sweep goes on; a
    cell whose worker dies is tried again, three times in all.

    Args:
        sweep: What to compute.
        folder: Where cells are stored; sweeps over the same configs may share it, also at the same time.
        workers: Number of processes; 0 computes in this one.
        progress: Show a live line on a terminal, plain lines elsewhere.
        cluster: Compute the cells as jobs of this cluster instead, and wait for them. Jobs go on when the
            wait is interrupted; the same call finds them and waits for them.

    Returns:
        What was done.

    Raises:
        ValueError: `workers` is negative.
        RuntimeError: The cluster's commands are missing.
    """
    if workers < 0:
        raise ValueError(f"workers: expected zero or more processes, got {workers}")
    if cluster is not None:
        cluster.require()
    start = time.perf_counter()
    folder = Path(folder)
    store = Store(folder / "cells")
    missing = [config for config in sweep.configs if not _is_finished(store, config)]
    summary = Summary(cached=len(sweep.configs) - len(missing))
    _write_manifest(sweep, folder)
    if missing:
        if cluster is not None:
            outcomes = _compute_on_cluster(cluster, sweep, missing, folder)
        else:
            local = _compute_in_pool if workers else _compute_here
            outcomes = local(sweep.measure, missing, store.folder, workers)
        with _Line(sweep.name, len(sweep.configs), summary.cached, progress) as line:
            for config, failure in outcomes:
                if failure is None:
                    summary.computed += 1
                    _failure_path(folder, config).unlink(missing_ok=True)
                else:
                    summary.failed[config.hash] = failure
                    _record_failure(folder, config, failure)
                line.advance(failed=len(summary.failed))
    summary.seconds = time.perf_counter() - start
    return summary


def _is_finished(store: Store, config: Config) -> bool:
    if config.hash not in store:
        return False
    try:
        store.load(config.hash).close()
    except DamagedCellError as damage:
        print(
            f"{damage}; set aside as {store.set_aside(config.hash).name}, computing it again", file=sys.stderr
        )
        return False
    return True


def _compute(measure: Callable[[Any], xr.Dataset], config: Config, folder: Path) -> str | None:
    """Compute and store one cell; the traceback if it raised."""
    store = Store(folder)
    try:
        with store.claim(config.hash) as is_ours:
            if is_ours:
                store.save(config, measure(config))
    except Exception:
        return traceback.format_exc()
    return None


def _compute_here(
    measure: Callable[[Any], xr.Dataset], configs: list[Config], folder: Path, workers: int
) -> Iterator[tuple[Config, str | None]]:
    for config in configs:
        yield config, _compute(measure, config, folder)


def _compute_on_cluster(
    cluster: Cluster, sweep: Sweep, configs: list[Config], folder: Path
) -> Iterator[tuple[Config, str | None]]:
    compute = partial(_compute_batch, sweep.measure, (folder / "cells").absolute())
    batches = [(config,) for config in configs]
    for (config,), failure in _jobs.outcomes(cluster, sweep.name, compute, batches, folder):
        yield config, failure


def _compute_batch(
    measure: Callable[[Any], xr.Dataset], folder: Path, batch: tuple[Config, ...]
) -> str | None:
    (config,) = batch
    return _compute(measure, config, folder)


def _compute_in_pool(
    measure: Callable[[Any], xr.Dataset], configs: list[Config], folder: Path, workers: int
) -> Iterator[tuple[Config, str | None]]:
    """Keep `workers` cells in flight, so that those a dying worker took along are known."""
    waiting = list(reversed(configs))
    attempts = dict.fromkeys((config.hash for config in configs), 0)
    with _single_threaded():
        while waiting:
            pool = ProcessPoolExecutor(
                max_workers=min(workers, len(waiting)),
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_follow_parent,
            )
            flying: dict[Future[str | None], Config] = {}
            try:
                while waiting or flying:
                    while waiting and len(flying) < workers:
                        flying[pool.submit(_compute, measure, waiting[-1], folder)] = waiting[-1]
                        waiting.pop()
                    for future in wait(flying, return_when=FIRST_COMPLETED).done:
                        failure = future.result()
                        yield flying.pop(future), failure
            except BrokenProcessPool:
                for config in reversed(flying.values()):
                    attempts[config.hash] += 1
                    if attempts[config.hash] < _ATTEMPTS:
                        waiting.append(config)
                    else:
                        yield config, f"the worker process died {_ATTEMPTS} times"
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Let child processes start with one thread each: the variables are read when libraries load."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _follow_parent() -> None:
    """End this worker as soon as its parent is gone, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _write_manifest(sweep: Sweep, folder: Path) -> None:
    manifest = {
        "name": sweep.name,
        "dimensions": sweep.dimensions,
        "hash": sweep.hash,
        "cells": [{"hash": config.hash, **config.content()} for config in sweep.configs],
    }
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{sweep.name}.{os.getpid()}.json"
    temporary.write_text(json.dumps(manifest, indent=1))
    temporary.replace(folder / f"{sweep.name}.json")


def _record_failure(folder: Path, config: Config, failure: str) -> None:
    path = _failure_path(folder, config)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{json.dumps(config.content(), indent=1)}\n\n{failure}")


def _failure_path(folder: Path, config: Config) -> Path:
    return folder / "failures" / f"{config.hash}.txt"


class _Line:
    """One live line on a terminal; elsewhere a plain line now and then."""

    def __init__(self, name: str, total: int, done: int, shown: bool) -> None:
        self._name, self._total, self._done, self._shown = name, total, done, shown
        live = shown and sys.stderr.isatty()
        self._bar = tqdm(total=total, initial=done, desc=name, unit="cell", disable=not live)
        self._plain = shown and not live
        self._start, self._first, self._last = time.monotonic(), done, time.monotonic()

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self, failed: int) -> None:
        self._done += 1
        if failed:
            self._bar.set_postfix(failed=failed)
        self._bar.update()
        now = time.monotonic()
        if self._plain and (now - self._last > 10 or self._done == self._total):
            self._last = now
            left = (now - self._start) / (self._done - self._first) * (self._total - self._done)
            print(
                f"{self._name}: {self._done} of {self._total} cells, {failed} failed, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
