"""How command lines end when their output or their user gives up: in one sentence, with the usual status."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from lowcomplex._names import printable

P = ParamSpec("P")
R = TypeVar("R")

# 128 + the number of the signal, as a shell reports a process that it ended.
_INTERRUPTED = 130
_PIPE_CLOSED = 141
_FAILED = 2
# Characters of a message; a name in it may be a million long.
_LONGEST = 2000


def say(message: object) -> None:
    """Print a message on standard error, on one line and without control characters."""
    print(printable(str(message), _LONGEST), file=sys.stderr)


def ending_in_words(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end in a sentence and a status where it would end in a traceback.

    Args:
        command: Prints to standard output, and may return its exit status.

    Returns:
        The command. It exits with 130 if the user interrupts it, with 141 if the reader of standard output is
        gone, and with 2 if standard output is full. Characters that the encoding of the terminal lacks are
        printed as escapes.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None and sys.stdout.errors == "strict":
            reconfigure(errors="backslashreplace")
        try:
            try:
                return command(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            say("interrupted")
            status = _INTERRUPTED
        except BrokenPipeError:
            say("standard output was closed before all was printed")
            status = _PIPE_CLOSED
        except OSError as error:
            say(f"{error.filename or 'standard output'}: {error.strerror or error}")
            status = _FAILED
        _discard_output()
        raise SystemExit(status)

    return run


def _discard_output() -> None:
    """Send what is still to be printed nowhere: the interpreter would fail again when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
