"""Which source files say how a figure looks: those that its module imports, found without running them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PACKAGES = ("paper_figs", "experiments", "lowcomplex")
# What these compute reaches a figure through its dataset alone, whose values and sweep's hash are in the
# figure's digest already.
_THROUGH_DATA = (
    "experiments._data",
    "experiments._studies",
    "experiments._study",
    "lowcomplex.checkpoints",
    "lowcomplex.checks",
    "lowcomplex.cli",
    "lowcomplex.initialization",
    "lowcomplex.integrations",
    "lowcomplex.matrices",
    "lowcomplex.sweeps",
    "lowcomplex.tracking",
    "lowcomplex.training",
)


@dataclass(frozen=True)
class Import:
    """One imported name.

    Attributes:
        module: The module that is named.
        name: What is imported from it; "" if it is the module itself.
        alias: Its name in the importing module.
    """

    module: str
    name: str
    alias: str


def digest(module: str) -> str:
    """SHA-256 over the source files of a module and of all that it imports from this repository.

    Args:
        module: Its dotted name.

    Raises:
        ValueError: There is no such module in this repository.
    """
    found = hashlib.sha256()
    for path in files(module):
        found.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return found.hexdigest()


def files(module: str) -> tuple[Path, ...]:
    """The source files of a module and of all that it imports from this repository, in order.

    A name that a package merely hands on, as its `__init__` or its stub states, leads to the module that
    defines the name, and not to everything else in the package. What reaches a figure through its dataset
    alone is left out.

    Args:
        module: Its dotted name.

    Raises:
        ValueError: There is no such module in this repository.
    """
    if _file(module) is None:
        raise ValueError(f"module: expected one of {', '.join(_PACKAGES)}, got {module!r}")
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        path = _file(current)
        if path is None or path in found or _is_through_data(current):
            continue
        found.add(path)
        waiting += [_defined_in(item.module, item.name) for item in _imports(path.read_bytes())]
    return tuple(sorted(found))


def _file(module: str) -> Path | None:
    if module.partition(".")[0] not in _PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _is_through_data(module: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in _THROUGH_DATA)


def _defined_in(module: str, name: str) -> str:
    """The module that defines a name of a module: itself, or one from which it imports the name."""
    path = _file(module)
    if not name or path is None:
        return module
    if _file(f"{module}.{name}") is not None:
        return f"{module}.{name}"
    for source in (path.with_suffix(".pyi"), path):
        if source.is_file():
            for item in _imports(source.read_bytes()):
                if item.alias == name and item.name and _file(item.module) is not None:
                    return _defined_in(item.module, item.name)
    return module


@cache
def _imports(source: bytes) -> tuple[Import, ...]:
    return tuple(_found_in(ast.parse(source)))


def _found_in(tree: ast.Module) -> Iterator[Import]:
    """Every import statement, those within functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield Import(item.name, "", item.asname or item.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                yield Import(node.module, item.name, item.asname or item.name)
