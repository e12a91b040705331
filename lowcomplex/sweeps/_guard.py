"""What workers could not import, found before they are started."""

from __future__ import annotations

import ast
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from lowcomplex.sweeps._config import Config

_REMEDY = "pass workers=0, or put it into a module"


def of_notebook(measure: Callable[..., Any], config: Config) -> str | None:
    """Which of a measure and a config's class an interactive session, such as a notebook, defines."""
    is_interactive = not hasattr(sys.modules["__main__"], "__file__")
    for name, thing in (("measure", measure), ("configs", type(config))):
        if is_interactive and getattr(thing, "__module__", None) == "__main__":
            return f"{name}: {getattr(thing, '__qualname__', thing)}"
    return None


def require_importable(measure: Callable[..., Any], config: Config) -> None:
    """Check that a new process can import a measure and a config, and does not run the sweep itself.

    Raises:
        ValueError: They are defined inside a function.
        RuntimeError: The script that runs the sweep does so when it is imported.
    """
    for name, value in (("measure", measure), ("configs", config)):
        try:
            pickle.dumps(value)
        except Exception as error:
            raise ValueError(
                f"{name}: expected what workers can import, such as a top-level function of a module "
                f"({error}); {_REMEDY}"
            ) from error
    _require_guard()


def _require_guard() -> None:
    """Find a call from the top level of the script: each worker would run it again."""
    has_file = hasattr(sys.modules["__main__"], "__file__")
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        is_script = frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__"
        path = Path(frame.f_code.co_filename)
        if is_script and has_file and not _is_guarded(path, frame.f_lineno):
            raise RuntimeError(
                f"{path}, line {frame.f_lineno}: workers import this script, and would run the sweep again; "
                'put the call under `if __name__ == "__main__":`, or pass workers=0'
            )
        frame = frame.f_back


def _is_guarded(path: Path, line: int) -> bool:
    """Whether a statement at the top level of a script, at or before a line, looks at `__name__`."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    return any(
        isinstance(statement, ast.If)
        and statement.lineno <= line
        and any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test))
        for statement in tree.body
    )
