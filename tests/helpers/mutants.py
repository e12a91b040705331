"""Break one expression of a module and run tests: `python mutants.py MODULE OLD NEW TESTS…`.

The exit status is 1 if a test notices. Functions keep their identity and get the code of the broken source,
so that modules which imported the functions earlier run the broken code too.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import pytest


def graft(name: str, old: str, new: str) -> None:
    """Give the functions and methods of a module the code that they would have with `new` in place of `old`.

    Raises:
        LookupError: The module's source does not hold `old`, or no function changes.
    """
    module = importlib.import_module(name)
    source = Path(module.__file__).read_text(encoding="utf-8")
    if old not in source:
        raise LookupError(f"{name}: the source does not hold {old!r}")
    broken = types.ModuleType(name)
    broken.__dict__.update({key: value for key, value in vars(module).items() if key.startswith("__")})
    exec(compile(source.replace(old, new), module.__file__, "exec"), broken.__dict__)
    changed = sum(_graft(vars(module).get(key), value, name) for key, value in vars(broken).items())
    if old != new and not changed:
        raise LookupError(f"{name}: no function changes with {new!r}")


def _graft(have: object, want: object, module: str) -> int:
    """Number of functions that changed: a function itself, or the methods of a class."""
    have, want = getattr(have, "__wrapped__", have), getattr(want, "__wrapped__", want)
    if getattr(have, "__module__", None) != module:
        return 0
    if isinstance(have, types.FunctionType) and isinstance(want, types.FunctionType):
        before, after = have.__code__, want.__code__
        parts = ("co_code", "co_consts", "co_names")
        if all(getattr(before, part) == getattr(after, part) for part in parts):
            return 0
        have.__code__ = after
        return 1
    if isinstance(have, type) and isinstance(want, type):
        return sum(
            _graft(vars(have).get(key), value, module) for key, value in vars(want).items() if key[:2] != "__"
        )
    return 0


if __name__ == "__main__":
    graft(*sys.argv[1:4])
    options = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "-m", "not slow"]
    sys.exit(pytest.main([*options, *sys.argv[4:]]))
