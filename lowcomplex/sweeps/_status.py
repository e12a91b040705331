"""The states of a sweep's cells, without computing anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lowcomplex.sweeps._config import Config
from lowcomplex.sweeps._errors import DamagedCellError
from lowcomplex.sweeps._failures import end_of_failure
from lowcomplex.sweeps._origin import difference
from lowcomplex.sweeps._store import Store
from lowcomplex.sweeps._sweep import Sweep

State = Literal["finished", "running", "failed", "damaged", "missing"]
_STATES: tuple[State, ...] = ("finished", "running", "failed", "damaged", "missing")


@dataclass(frozen=True)
class CellStatus:
    """The state of one cell.

    Attributes:
        config: Its config.
        state: "finished"; "running" if a live process or job holds the cell; "failed" if its last attempt
            raised; "damaged" if its file does not match its checksum; else "missing".
        detail: Where the cell runs, how its traceback ends, what is wrong with its file, or that another
            measure computed it.
    """

    config: Config
    state: State
    detail: str = ""


@dataclass(frozen=True)
class Status:
    """The states of a sweep's cells, in the order of its grid.

    Attributes:
        cells: State of each cell.
    """

    cells: tuple[CellStatus, ...]

    @property
    def counts(self) -> dict[State, int]:
        """Number of cells in each state."""
        found = Counter(cell.state for cell in self.cells)
        return {state: found[state] for state in _STATES}

    @property
    def running(self) -> tuple[CellStatus, ...]:
        """The cells that are being computed now."""
        return tuple(cell for cell in self.cells if cell.state == "running")

    @property
    def is_finished(self) -> bool:
        """Whether every cell is finished."""
        return all(cell.state == "finished" for cell in self.cells)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items() if count)
        return f"{len(self.cells)} cells: {counts or 'none'}"


def status(sweep: Sweep, folder: Path | str) -> Status:
    """Look at every cell of a sweep; the checksums of finished cells are verified.

    Args:
        sweep: The sweep.
        folder: Where `run` stores its cells.

    Returns:
        The state of each cell.
    """
    folder = Path(folder)
    store = Store(folder / "cells")
    held = running(folder)
    return Status(tuple(_look(sweep, config, store, held, folder) for config in sweep.configs))


def running(folder: Path) -> dict[str, str]:
    """Where the cells of a folder are being computed, in processes or jobs of a cluster, by their hashes."""
    return {**Store(folder / "jobs").holders(), **Store(folder / "cells").holders()}


def _look(sweep: Sweep, config: Config, store: Store, held: dict[str, str], folder: Path) -> CellStatus:
    if config.hash in store:
        try:
            found = store.attributes(config.hash)
        except DamagedCellError as damage:
            return CellStatus(config, "damaged", str(damage))
        other = "" if sweep.same_meaning else difference(found, sweep.origin)
        return CellStatus(config, "finished", other)
    if config.hash in held:
        return CellStatus(config, "running", held[config.hash])
    failure = end_of_failure(folder, config.hash)
    return CellStatus(config, "missing") if failure is None else CellStatus(config, "failed", failure)
