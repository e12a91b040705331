"""Batches of a sweep as jobs of a cluster: submit them, wait, submit those again that died."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit

from lowcomplex.sweeps._batches import Batch
from lowcomplex.sweeps._claims import claims, live_claims
from lowcomplex.sweeps._cluster import Cluster, executor_of
from lowcomplex.sweeps._exca import InflightRegistry, Liveness, Slurm
from lowcomplex.sweeps._heartbeat import Process
from lowcomplex.sweeps._store import Store
from lowcomplex.sweeps._workers import ATTEMPTS, ComputeBatch, Outcomes, Running, single_threaded

_LARGEST_ARRAY = 1000  # Slurm's default MaxArraySize is 1001.
# Seconds between looks at our jobs, at those of others, and for a result to appear on a shared disk.
_SECONDS = {"local": (0.1, 1.0, 0.0), "slurm": (2.0, 20.0, 15.0)}


def outcomes(
    cluster: Cluster,
    name: str,
    folder: Path,
    compute: ComputeBatch,
    batches: Sequence[Batch],
    running: Running,
) -> Outcomes:
    """Submit the batches and wait for them.

    A batch is claimed in the name of its job before it is submitted. So a batch that another command has
    submitted is waited for, even if that command was interrupted. A job that dies is submitted three times in
    all; a canceled job is not submitted again.

    Args:
        cluster: The cluster that runs the jobs.
        name: Name of the jobs.
        folder: The sweep's folder.
        compute: Computes and stores a batch, and returns the traceback if it raised; workers import it.
        batches: What to compute.
        running: Called with the number of cells whose jobs have not ended.

    Yields:
        Each batch with the traceback of its failure, or None.
    """
    yield from _Jobs(cluster, name, compute, folder).run(batches, running)


class _Task:
    """What a job runs; queued again with the same arguments when its time is up or it is preempted."""

    def __init__(self, compute: ComputeBatch) -> None:
        self.compute = compute

    def __call__(self, batches: list[Batch]) -> list[str | None]:
        return [self.compute(batch) for batch in batches]

    def checkpoint(self, batches: list[Batch]) -> Any:
        return submitit.helpers.DelayedSubmission(self, batches)


@dataclass
class _Group:
    """The batches of one job."""

    batches: list[Batch]
    attempts: int = 0
    next_look: float = 0.0
    gone_since: float | None = None

    @property
    def keys(self) -> list[str]:
        return [config.hash for batch in self.batches for config in batch]


class _Jobs:
    def __init__(self, cluster: Cluster, name: str, compute: ComputeBatch, folder: Path) -> None:
        self._cluster, self._task = cluster, _Task(compute)
        self._store = Store(folder / "cells")
        self._claims = (folder / "jobs").absolute()
        self._logs = (cluster.logs or folder / "jobs").absolute()
        self._poll, self._look, self._patience = _SECONDS[cluster.kind]
        self._executor = executor_of(cluster, name, self._logs)
        is_local = cluster.kind == "local"
        # Slurm keeps a queue of its own; on this machine at most `parallel` jobs are started.
        self._window = (cluster.parallel or os.cpu_count() or 1) if is_local else _LARGEST_ARRAY
        self._flying: dict[Any, _Group] = {}

    def run(self, batches: Sequence[Batch], running: Running) -> Outcomes:
        size = self._cluster.batches_per_job
        waiting = [_Group(list(batches[start : start + size])) for start in range(0, len(batches), size)]
        is_told = False
        with claims(self._claims) as registry:
            try:
                while waiting or self._flying:
                    ours, finished = self._claim(waiting, registry)
                    waiting = [group for group in waiting if not any(group is g for g in ours + finished)]
                    for group in finished:
                        yield from ((batch, None) for batch in group.batches)
                    self._submit(ours, registry)
                    if not is_told and any(group.next_look for group in waiting):
                        is_told = True
                        _tell_where(waiting, registry)
                    running(sum(len(group.keys) for group in self._flying.values()))
                    over = self._over()
                    for job, group in over:
                        known, again = self._outcome(job, group)
                        registry.release(group.keys)
                        yield from known
                        if again:
                            waiting.append(_Group(again, group.attempts))
                    if not over:
                        time.sleep(self._poll)
            except (KeyboardInterrupt, GeneratorExit):
                self._tell_that_jobs_go_on()
                raise

    def _claim(self, waiting: list[_Group], registry: InflightRegistry) -> tuple[list[_Group], list[_Group]]:
        """Return the groups to submit now, and those that others have finished."""
        ours: list[_Group] = []
        finished: list[_Group] = []
        now = time.monotonic()
        for group in waiting:
            if len(self._flying) + len(ours) >= self._window:
                break
            if group.next_look > now:
                continue
            if group.next_look and self._is_finished(group.batches):
                finished.append(group)
            elif not live_claims(registry, group.keys) and registry.claim(group.keys):
                ours.append(group)
            else:
                group.next_look = now + self._look
        return ours, finished

    def _submit(self, groups: list[_Group], registry: InflightRegistry) -> None:
        if not groups:
            return
        with _as_in_a_worker(is_local=self._cluster.kind == "local"):
            jobs = self._executor.map_array(self._task, [group.batches for group in groups])
        for job, group in zip(jobs, groups, strict=True):
            registry.update_liveness(group.keys, _liveness(job, self._cluster.kind, self._logs))
            group.attempts += 1
            self._flying[job] = group

    def _over(self) -> list[tuple[Any, _Group]]:
        """Take the jobs that have ended out of those in flight."""
        over = []
        for job, group in list(self._flying.items()):
            if not job.done():
                continue
            if not job.paths.result_pickle.exists():
                group.gone_since = group.gone_since or time.monotonic()
                if time.monotonic() - group.gone_since < self._patience:
                    continue
            over.append((job, group))
            del self._flying[job]
        return over

    def _outcome(self, job: Any, group: _Group) -> tuple[list[tuple[Batch, str | None]], list[Batch]]:
        """Return the outcomes of a job that has ended, and the batches to submit again."""
        if job.paths.result_pickle.exists():
            try:
                return list(zip(group.batches, job.result(), strict=True)), []
            except Exception as error:  # Raised outside of the cells, such as by an import.
                return [(batch, str(error)) for batch in group.batches], []
        done = [batch for batch in group.batches if self._is_finished([batch])]
        left = [batch for batch in group.batches if not self._is_finished([batch])]
        known: list[tuple[Batch, str | None]] = [(batch, None) for batch in done]
        state = str(job.state)
        is_canceled = state.startswith("CANCELLED")
        if not is_canceled and group.attempts < ATTEMPTS:
            return known, left
        end = "was canceled" if is_canceled else f"died {group.attempts} times (at last: {state})"
        failure = f"the job {job.job_id} {end}\n{_tail(job.paths.stderr)}"
        return [*known, *((batch, failure) for batch in left)], []

    def _is_finished(self, batches: Sequence[Batch]) -> bool:
        return all(config.hash in self._store for batch in batches for config in batch)

    def _tell_that_jobs_go_on(self) -> None:
        if self._flying:
            jobs = ", ".join(sorted({str(job.job_id).split("_")[0] for job in self._flying}))
            print(
                f"{len(self._flying)} jobs go on ({self._cluster.kind} {jobs}); "
                "the same command waits for them",
                file=sys.stderr,
            )


@contextlib.contextmanager
def _as_in_a_worker(*, is_local: bool) -> Iterator[None]:
    """Start local jobs with one thread; Ctrl-C in the terminal ends the waiting and not the jobs."""
    if not is_local:
        yield
        return
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        with single_threaded():
            yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, handler)


def _liveness(job: Any, kind: str, folder: Path) -> Liveness:
    if kind == "slurm":
        return Slurm(job_id=job.job_id, folder=str(folder))
    return Process.of(int(job.job_id))


def _tell_where(waiting: list[_Group], registry: InflightRegistry) -> None:
    held = [group for group in waiting if group.next_look]
    holders = registry.get([key for group in held for key in group.keys]).values()
    places = sorted({str(holder.liveness) for holder in holders})
    print(
        f"{sum(len(group.batches) for group in held)} batches were submitted before; waiting for them "
        f"({', '.join(places[:6])}{', …' if len(places) > 6 else ''})",
        file=sys.stderr,
        flush=True,
    )


def _tail(log: Path, size: int = 2000) -> str:
    try:
        return f"{log}: …{log.read_text(errors='replace')[-size:]}"
    except OSError:
        return f"no log at {log}"
