"""The figures by name: every module of `paper_figs.figures` is one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lowcomplex._names import require_known
from paper_figs import figures
from paper_figs._figure import Figure


@cache
def names() -> tuple[str, ...]:
    """Names of all figures, in the order of the report."""
    return tuple(sorted(_modules(), key=lambda name: (figure(name).order, name)))


def figure(name: str) -> Figure:
    """The figure of that name.

    Raises:
        ValueError: There is none, or its module gives it another name.
    """
    require_known("figure", name, _modules())
    found: Figure = importlib.import_module(f"{figures.__name__}.{name}").FIGURE
    if found.name != name:
        raise ValueError(f"figure {name}: expected the name of its module, got {found.name!r}")
    return found


@cache
def _modules() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(figures.__path__)))
