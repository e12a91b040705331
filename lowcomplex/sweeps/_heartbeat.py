"""Signs of life: whether the process that holds a claim is alive, on this machine or on another.

On this machine a process is known by its number and the moment of its start, both without a clock. The
processes of another machine show that they live by a counter that they raise in a file beside the cells. A
process that waits looks whether the counter moves, by a clock of its own, so clocks need not agree. A claim
that a process could not release, as on a full disk, ends with its counter.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from lowcomplex.sweeps._exca import Liveness, WorkerInfo

BEATS = "beats"
# Seconds between beats, and without a beat until a process of another machine counts as dead.
SECONDS_BETWEEN_BEATS = 5.0
PATIENCE = 60.0

# Counters of this process that are running.
_running: set[str] = set()
# What was last seen of counters of other processes, and since when; None of a counter that is gone.
_seen: dict[str, tuple[bytes | None, float]] = {}


class Process(Liveness):  # type: ignore[misc]
    """A process that holds a claim.

    Attributes:
        host: Name of its machine.
        machine: Which start of which machine, and which container on it.
        pid: Its number.
        birth: When it started, in the units of its machine.
        counter: Name of its counter; empty for one that has none.
    """

    host: str
    machine: str
    pid: int
    birth: str
    counter: str = ""

    @classmethod
    def of(cls, pid: int, counter: str = "") -> Process:
        """A process of this machine."""
        return cls(
            host=socket.gethostname(), machine=_machine(), pid=pid, birth=_birth(pid) or "", counter=counter
        )

    @classmethod
    def here(cls) -> None:
        """Not found by looking around: a claim is made with a counter, which `beating` starts."""

    def is_alive(self) -> bool | None:
        """Whether it still runs; None if that is unknown on this machine."""
        count, since = _seen.get(self.counter, (b"", time.monotonic()))
        is_here = self.host == socket.gethostname()
        if is_here and self.pid == os.getpid() and self.counter:
            return self.counter in _running
        if count is None:
            return False
        if is_here and self.machine == _machine():
            return _birth(self.pid) == self.birth
        if self.counter:
            return time.monotonic() - since < PATIENCE
        return False if is_here else None

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@contextlib.contextmanager
def beating(folder: Path) -> Iterator[WorkerInfo]:
    """Show that this process lives while it holds claims in a folder.

    Yields:
        Whom to claim as.

    Raises:
        OSError: The counter's file cannot be made.
    """
    name = uuid.uuid4().hex
    path = folder / BEATS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_digits(0))
    stop = threading.Event()
    threading.Thread(target=_beat, args=(path, stop), daemon=True).start()
    _running.add(name)
    try:
        yield WorkerInfo(token=name, liveness=Process.of(os.getpid(), name))
    finally:
        _running.discard(name)
        stop.set()
        with contextlib.suppress(OSError):
            path.unlink()


def look(folder: Path, process: Liveness) -> None:
    """Look at the counter of a process in a folder, and remember since when it has been as it is."""
    if isinstance(process, Process) and process.counter:
        found: bytes | None
        try:
            # Opened, because a network's file system may show the size and time of a minute ago.
            with _counter(folder, process).open("rb") as file:
                found = file.read(32)
        except FileNotFoundError:
            found = None
        except OSError:
            found = b""
        if process.counter not in _seen or _seen[process.counter][0] != found:
            _seen[process.counter] = found, time.monotonic()


def silence(folder: Path, process: Liveness) -> str:
    """How long a process has shown no sign of life, in words; empty if that is not long, or not known.

    Decides nothing: it compares the clock of this machine with that of the disk.
    """
    if not isinstance(process, Process) or not process.counter:
        return ""
    try:
        seconds = time.time() - _counter(folder, process).stat().st_mtime
    except OSError:
        return ""
    return f", without a sign of life for {seconds / 60:.0f} minutes" if seconds > 2 * PATIENCE else ""


def _counter(folder: Path, process: Process) -> Path:
    return folder / BEATS / Path(process.counter).name


def _beat(path: Path, stop: threading.Event) -> None:
    count = 0
    while not stop.wait(SECONDS_BETWEEN_BEATS):
        count += 1
        with contextlib.suppress(OSError), path.open("r+b") as file:  # In place: a full disk has room for it.
            file.write(_digits(count))


def _digits(count: int) -> bytes:
    return f"{count:020d}\n".encode()


@functools.cache
def _machine() -> str:
    """This start of this machine, and the container on it, inside which numbers of processes are unique."""
    parts = []
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _birth(pid: int) -> str | None:
    """When a process of this machine started; None if it has ended."""
    try:
        # Linux counts from its own start; psutil adds the time of day, which may be set anew.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return None
