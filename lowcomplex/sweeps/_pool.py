"""Batches in processes of this machine: spawned, one thread each, replaced when they die."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from lowcomplex.sweeps._batches import Batch, batch_name
from lowcomplex.sweeps._workers import ATTEMPTS, ComputeBatch, Outcomes, Running, single_threaded


def here(compute: ComputeBatch, batches: Sequence[Batch], running: Running) -> Outcomes:
    """ComputeBatch batches in this process, one after another."""
    for batch in batches:
        running(len(batch))
        yield batch, compute(batch)


class Pool:
    """Keeps `workers` batches in flight, so that those a dying worker took along are known.

    A batch that was in flight when a worker died is tried again alone, so that the next death has one
    culprit; it is given up after the third.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def __call__(self, compute: ComputeBatch, batches: Sequence[Batch], running: Running) -> Outcomes:
        """ComputeBatch batches, in their order."""
        waiting = list(reversed(batches))
        deaths = dict.fromkeys(map(batch_name, batches), 0)
        with single_threaded(), _children_end():
            while waiting:
                pool = ProcessPoolExecutor(
                    max_workers=min(self._workers, len(waiting)),
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_follow_parent,
                )
                flying: dict[Future[str | None], Batch] = {}
                try:
                    while waiting or flying:
                        while waiting and len(flying) < self._workers:
                            if flying and any(
                                deaths[batch_name(batch)] for batch in (waiting[-1], *flying.values())
                            ):
                                break
                            flying[pool.submit(compute, waiting[-1])] = waiting[-1]
                            waiting.pop()
                        running(sum(len(batch) for batch in flying.values()))
                        for future in wait(flying, return_when=FIRST_COMPLETED).done:
                            failure = future.result()
                            yield flying.pop(future), failure
                except BrokenProcessPool:
                    for batch in reversed(flying.values()):
                        deaths[batch_name(batch)] += 1
                        if deaths[batch_name(batch)] < ATTEMPTS:
                            waiting.append(batch)
                        else:
                            yield batch, f"the worker process died {ATTEMPTS} times"
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _children_end() -> Iterator[None]:
    """Do not wait for cells in progress when the sweep is interrupted: they continue another time."""
    others = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise


def _follow_parent() -> None:
    """End this worker as soon as its parent is gone, even if that was killed; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
