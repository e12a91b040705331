"""The theorems, one folder each: `formula.py` states and evaluates it, `check.py` confronts it with training.

Folders with a formula are found by looking. `formulas` and `observations` hold what several theorems share.
The doors for users are `lowcomplex.predictions` and `lowcomplex.checks`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any

from lowcomplex._names import require_known

if TYPE_CHECKING:
    from lowcomplex.theorems._check import Check
    from lowcomplex.theorems._prediction import Prediction


@cache
def folders() -> tuple[str, ...]:
    """Names of all theorems in alphabetical order, without importing any of them."""
    packages = [found.name for found in pkgutil.iter_modules(__path__) if found.ispkg]
    inside = {name: pkgutil.iter_modules([f"{home}/{name}" for home in __path__]) for name in packages}
    return tuple(sorted(name for name in packages if any(part.name == "formula" for part in inside[name])))


@cache
def names() -> tuple[str, ...]:
    """Names of all theorems, in the order that the predictions state."""
    return tuple(sorted(folders(), key=lambda name: (formula(name).order, name)))


def formula(name: str) -> Prediction[..., Any]:
    """The prediction of that name.

    Raises:
        ValueError: There is no theorem of that name.
    """
    require_known("name", name, folders())
    found: Prediction[..., Any] = getattr(importlib.import_module(f"{__name__}.{name}.formula"), name)
    return found


def check(name: str) -> Check[Any, Any]:
    """The check of that name.

    Raises:
        ValueError: There is no theorem of that name.
    """
    require_known("name", name, folders())
    found: Check[Any, Any] = importlib.import_module(f"{__name__}.{name}.check").CHECK
    return found
