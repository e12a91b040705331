"""Two programs timed in turns in one run, and the memory that one program takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence


def ratio(
    ours: Callable[[], object], other: Callable[[], object], *, rounds: int, bar: float | None = None
) -> float:
    """Print the time of ours over that of the other, medians of rounds in turns, and the bar to meet."""
    if rounds > 1:
        ours(), other()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        ours()
        middle = time.perf_counter()
        other()
        found.append((middle - start) / (time.perf_counter() - middle))
    return report("ratio", found, bar=bar)


def report(what: str, found: Sequence[float], *, bar: float | None = None, at_least: bool = False) -> float:
    """Print the median of the values found, their range, and whether the median meets the bar."""
    median = statistics.median(found)
    line = f"\n{what} {median:.4g} (range {min(found):.4g} to {max(found):.4g})"
    if bar is not None:
        is_met = median >= bar if at_least else median <= bar
        line += f"; bar {bar:.4g}: {'met' if is_met else 'MISSED'}"
    print(line)
    return median


def peak_memory(setup: str, program: str) -> int:
    """Bytes by which a program raises the peak memory of a process that has run its set-up (Linux)."""
    code = f"""
from pathlib import Path
def peak():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
{setup}
Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
before = peak()
{program}
print(peak() - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(run.stdout)
