"""Kills a process in the middle of its work, as `kill -9` does."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable


def kills(work: Callable[[], object], seconds: float = 60) -> bool:
    """Do work in a forked process; whether SIGKILL ended it, not its end, an error or the time."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    late = threading.Timer(seconds, os.kill, (child, signal.SIGTERM))
    late.start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    late.cancel()
    return status == -signal.SIGKILL


def kill() -> None:
    """End this process without a last word."""
    os.kill(os.getpid(), signal.SIGKILL)
