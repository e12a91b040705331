"""Find what a package offers by looking into its modules, so that no list of names is kept."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Import and return every module below a package, in the order of their names, except private ones.

    Args:
        package: The package; its own `__init__` may still be running.
    """
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield importlib.import_module(found.name)


def public_names(package: ModuleType) -> dict[str, Any]:
    """Return the functions and classes that the modules below a package define, by name, except private ones.

    Args:
        package: The package; its own `__init__` may still be running.

    Raises:
        ValueError: Two modules define one name.
    """
    names: dict[str, Any] = {}
    for module in modules(package):
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            # A cached function is unwrapped to the function.
            if not (inspect.isclass(thing) or inspect.isfunction(inspect.unwrap(thing))):
                continue
            if name in names:
                raise ValueError(f"{name}: defined in {names[name].__module__} and in {module.__name__}")
            names[name] = thing
    return names
