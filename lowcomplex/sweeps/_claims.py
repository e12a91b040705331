"""Claims on cells: a process holds a cell while it computes it, and the claims of the dead are released."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lowcomplex.sweeps._exca import InflightRegistry, Liveness
from lowcomplex.sweeps._heartbeat import beating, look


@contextlib.contextmanager
def claims(folder: Path) -> Iterator[InflightRegistry]:
    """The claims in a folder, in which this process can claim until the block ends.

    Raises:
        OSError: The folder cannot be written to.
    """
    with beating(folder) as worker, InflightRegistry(folder, worker=worker) as registry:
        yield registry


def live_claims(registry: InflightRegistry, keys: Sequence[str] | None = None) -> dict[str, Liveness]:
    """Return the holders of these cells, or of all cells if None; claims of the dead are released."""
    found = registry.get(None if keys is None else list(keys))
    live = {}
    for key, claim in found.items():
        look(registry.db_path.parent, claim.liveness)
        if claim.is_alive():
            live[key] = claim.liveness
        else:
            # Only as the dead worker: a living one may have claimed the cell meanwhile.
            with InflightRegistry(registry.db_path.parent, worker=claim) as other:
                other.release([key])
    return live
