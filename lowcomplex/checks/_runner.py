"""Run many checks, in processes of one thread each."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from lowcomplex.checks._registry import get, names, run
from lowcomplex.theorems._verdict import Verdict


@dataclass(frozen=True)
class CheckError:
    """A check that could not run.

    Attributes:
        name: The prediction's name.
        seed: Seed of data and weights.
        error: The traceback.
    """

    name: str
    seed: int
    error: str

    def __repr__(self) -> str:
        last = self.error.strip().rpartition("\n")[2]
        return f"<{self.name} could not run at seed {self.seed}: {last}>"

    @property
    def as_expected(self) -> bool:
        """False: a check that could not run shows nothing."""
        return False


def run_all(
    chosen: Sequence[str] | None = None,
    *,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[str], None] | None = None,
) -> list[Verdict | CheckError]:
    """Run checks in parallel.

    Args:
        chosen: Names of checks; all of them by default.
        seed: Seed of data and weights.
        workers: Processes; 1 runs them here, one after the other.
        progress: Called with the name of each check that has ended.

    Returns:
        A verdict or an error for each, in the order of the names.

    Raises:
        TypeError: `chosen` is one name, not a list of them.
        ValueError: An unknown name, or `workers` is not positive.
    """
    return run_tasks(
        [(name, seed) for name in known_names(chosen)],
        workers=workers,
        progress=None if progress is None else lambda name, _: progress(name),
    )


def known_names(chosen: Sequence[str] | None) -> tuple[str, ...]:
    """The chosen names, all of them for None.

    Raises:
        TypeError: `chosen` is one name, not a list of them.
        ValueError: An unknown name.
    """
    if isinstance(chosen, str):
        raise TypeError(f"chosen: expected a list of names, got the name {chosen!r}; give [{chosen!r}]")
    found = names() if chosen is None else tuple(chosen)
    for name in found:
        get(name)
    return found


def run_tasks(
    tasks: Sequence[tuple[str, int]],
    *,
    workers: int,
    progress: Callable[[str, int], None] | None = None,
) -> list[Verdict | CheckError]:
    """Run (name, seed) pairs in parallel; a verdict or an error for each, in their order.

    Raises:
        ValueError: `workers` is not positive.
    """
    if workers < 1:
        raise ValueError(f"workers: expected a positive number of processes, got {workers}")
    results: dict[tuple[str, int], Verdict | CheckError] = {}
    if workers == 1 or len(tasks) < 2:
        for task in tasks:
            results[task] = _attempt(*task)
            if progress is not None:
                progress(*task)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
            futures = {pool.submit(_attempt, *task): task for task in tasks}
            for future in as_completed(futures):
                task = futures[future]
                error = future.exception()
                results[task] = future.result() if error is None else CheckError(*task, repr(error))
                if progress is not None:
                    progress(*task)
    return [results[task] for task in tasks]


def _attempt(name: str, seed: int) -> Verdict | CheckError:
    try:
        return run(name, seed)
    except Exception:
        return CheckError(name, seed, traceback.format_exc())


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
