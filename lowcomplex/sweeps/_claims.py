"""Claims on cells, and whether who made them still lives."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import psutil

from lowcomplex.sweeps._exca import InflightRegistry, Liveness, Pid, WorkerInfo


def live_claims(registry: InflightRegistry, keys: Sequence[str] | None = None) -> dict[str, Liveness]:
    """Who holds which of these cells (of all, if None); claims of the dead are released.

    A process counts as dead also if its number has passed to a process that started after the claim, as
    in a container that was started again.
    """
    claims = registry.get(None if keys is None else list(keys))
    dead = {key: claim for key, claim in claims.items() if _is_recycled(claim) or not claim.is_alive()}
    for key, claim in dead.items():
        # Only as the dead worker: a living one may have claimed the cell meanwhile.
        with InflightRegistry(registry.db_path.parent, worker=claim) as other:
            other.release([key])
    return {key: claim.liveness for key, claim in claims.items() if key not in dead}


def place(liveness: Liveness) -> str:
    """Where something runs, in words."""
    if isinstance(liveness, Pid):
        return f"process {liveness.pid} on {liveness.host}"
    return str(liveness)


def _is_recycled(claim: WorkerInfo) -> bool:
    liveness = claim.liveness
    if not isinstance(liveness, Pid) or liveness.host != socket.gethostname() or claim.claimed_at is None:
        return False
    try:
        # A second, for clocks: a process claims nothing before it has imported this.
        return bool(psutil.Process(liveness.pid).create_time() > claim.claimed_at + 1)
    except psutil.Error:
        return False
