"""Batches in processes of this machine, each with one thread; a process that dies is replaced."""

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
    """Compute batches in this process, one after another."""
    for batch in batches:
        running(len(batch))
        yield batch, compute(batch)


class Pool:
    """Computes batches in `workers` processes; no more than that are in flight.

    The death of one worker ends all of them. Each batch that was in flight is then tried again alone, so that
    the next death has one culprit. A batch is given up after its third death.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def __call__(self, compute: ComputeBatch, batches: Sequence[Batch], running: Running) -> Outcomes:
        """Compute batches, starting them in their order."""
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
    """End the workers if the sweep is interrupted; their cells continue from their checkpoints next time."""
    others = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise


def _follow_parent() -> None:
    """End this worker as soon as its parent has ended, even by a kill; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
