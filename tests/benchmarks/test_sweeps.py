"""What a sweep costs beside its cells, and what a second worker gains."""

from __future__ import annotations

import time
from pathlib import Path

import busy
from lowcomplex import sweeps
from ratios import report


def _seconds(folder: Path, cells: int, workers: int, work: int = 0) -> float:
    start = time.perf_counter()
    summary = sweeps.run(busy.sweep(cells, work), folder, workers=workers, progress=False)
    assert summary.computed == cells
    return time.perf_counter() - start


def test_overhead_of_a_cell(tmp_path: Path) -> None:
    """Two workers; few cells against many, so that the time of starting the workers can be subtracted."""
    few, many = 8, 136
    found = [
        (_seconds(tmp_path / f"few{i}", few, 2), _seconds(tmp_path / f"many{i}", many, 2)) for i in range(3)
    ]
    overhead = [1e3 * (long - short) / (many - few) for short, long in found]
    report("milliseconds per cell", overhead, bar=50)
    start_up = [short - few * each / 1e3 for (short, _), each in zip(found, overhead, strict=True)]
    report("seconds until workers are started", start_up)


def test_finding_and_loading_a_finished_sweep(tmp_path: Path) -> None:
    cells = 136
    _seconds(tmp_path, cells, 2)
    finding, loading = [], []
    for _ in range(3):
        start = time.perf_counter()
        assert sweeps.run(busy.sweep(cells), tmp_path, progress=False).cached == cells
        middle = time.perf_counter()
        sweeps.load(busy.sweep(cells), tmp_path).load()
        finding.append(1e3 * (middle - start) / cells)
        loading.append(1e3 * (time.perf_counter() - middle) / cells)
    report("milliseconds per cell to find all finished", finding)
    report("milliseconds per cell to load", loading)


def test_two_workers_against_one(tmp_path: Path) -> None:
    """32 cells of one to two seconds; starting the workers counts."""
    work = 2_000
    while True:
        start = time.perf_counter()
        busy.measure(busy.Cell(seed=0, work=work))
        if time.perf_counter() - start > 1:
            break
        work *= 2
    gains = [
        _seconds(tmp_path / f"one{i}", 32, 1, work) / _seconds(tmp_path / f"two{i}", 32, 2, work)
        for i in range(2)
    ]
    report("times as fast with two workers as with one", gains, bar=1.8, at_least=True)
