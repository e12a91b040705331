"""What every worker is given, in a process of this machine or in a job of a cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lowcomplex.sweeps._batches import Batch

# Read when libraries load: a worker computes with one thread, so that numbers are the same everywhere.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# How often a batch whose worker died is tried.
ATTEMPTS = 3

ComputeBatch = Callable[[Batch], str | None]
Running = Callable[[int], None]
Outcomes = Iterator[tuple[Batch, str | None]]


class Scheduler(Protocol):
    """Computes batches somewhere, and says what became of each: a traceback, or None."""

    def __call__(self, compute: ComputeBatch, batches: Sequence[Batch], running: Running) -> Outcomes:
        """Yield every batch once, as it ends; tell `running` how many cells are being computed."""


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Let child processes start with one thread each: the variables are read when libraries load."""
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
