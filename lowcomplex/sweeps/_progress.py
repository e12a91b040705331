"""The progress of a sweep: one live line on a terminal, elsewhere a plain line every ten seconds."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10


class Line:
    """Shows how many cells are done, running and failed, and the time left.

    Args:
        name: Name of the sweep.
        total: Number of its cells.
        done: Number of cells that were finished before.
        shown: Whether to show anything.
    """

    def __init__(self, name: str, total: int, done: int, shown: bool) -> None:
        self._name, self._total, self._done = name, total, done
        live = shown and sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            initial=done,
            desc=name,
            unit="cell",
            disable=not live,
            bar_format="{desc}: {n_fmt} of {total_fmt} cells |{bar}| {elapsed}, {remaining} left{postfix}",
        )
        self._plain = shown and not live
        self._start, self._first, self._last = time.monotonic(), done, time.monotonic()
        self._running, self._failed = 0, 0

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def running(self, cells: int) -> None:
        """Show how many cells are being computed."""
        self._running = cells
        self._bar.set_postfix_str(f"{cells} running, {self._failed} failed")

    def advance(self, cells: int, failed: int) -> None:
        """Count cells that have ended; `failed` is the number of all cells that failed so far."""
        self._done += cells
        self._failed = failed
        self._bar.set_postfix_str(f"{self._running} running, {failed} failed", refresh=False)
        self._bar.update(cells)
        now = time.monotonic()
        if self._plain and (now - self._last > _SECONDS_BETWEEN_LINES or self._done == self._total):
            self._last = now
            left = (now - self._start) / (self._done - self._first) * (self._total - self._done)
            print(
                f"{self._name}: {self._done} of {self._total} cells, {self._running} running, "
                f"{failed} failed, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
