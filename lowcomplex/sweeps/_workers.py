"""What processes of this machine and jobs of a cluster have in common."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lowcomplex.sweeps._batches import Batch

# Libraries read these when they load. A worker computes with one thread: its numbers are the same everywhere.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# How often a batch is tried if its worker dies.
ATTEMPTS = 3

ComputeBatch = Callable[[Batch], str | None]
Running = Callable[[int], None]
Outcomes = Iterator[tuple[Batch, str | None]]


class Scheduler(Protocol):
    """Computes batches and reports the outcome of each: a traceback, or None."""

    def __call__(self, compute: ComputeBatch, batches: Sequence[Batch], running: Running) -> Outcomes:
        """Yield every batch once, as it ends; call `running` with the number of cells being computed."""


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Start child processes with one thread each; libraries read the variables when they load."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
