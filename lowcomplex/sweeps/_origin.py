"""What computed a cell: names of its measure and of its config's class, and a digest of the measure's source.

They stand in the attributes of each cell and never in the hash of its config. Users edit a measure and run
the sweep again; what another measure computed must then not pass for a result of this one.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lowcomplex.sweeps._config import Config

_DOCUMENTED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
MEASURE, SOURCE, CONFIG = "measure", "measure_sha256", "config_class"


def origin(measure: Callable[..., Any], config_type: type[Config]) -> dict[str, str]:
    """Name a measure, its source and the class of its configs.

    The digest is of the syntax tree without comments, docstrings and layout, and of the plain values that the
    function has as defaults, closed over or bound. What the measure calls is not part of it.
    """
    function, bound = _function(measure)
    content = [_source(function), *bound]
    return {
        MEASURE: _name(function),
        SOURCE: hashlib.sha256(repr(content).encode()).hexdigest(),
        CONFIG: _name(config_type),
    }


def difference(cell: Mapping[str, Any], own: Mapping[str, str]) -> str:
    """Say in what a cell's origin differs from one's own; empty if it does not, or the cell has none."""
    for name, what in ((MEASURE, "computed by"), (CONFIG, "of a config of the class")):
        if name in cell and cell[name] != own[name]:
            return f"it was {what} {cell[name]}, and this sweep has {own[name]}"
    if SOURCE in cell and cell[SOURCE] != own[SOURCE]:
        return f"it was computed by {cell[MEASURE]} before its source changed to that of this {own[MEASURE]}"
    return ""


def _function(measure: Callable[..., Any]) -> tuple[Any, list[Any]]:
    """The function, method's function or class behind a callable, and the plain values that come with it."""
    bound: list[Any] = []
    while isinstance(measure, functools.partial):
        bound += [_plain(measure.args), _plain(measure.keywords)]
        measure = measure.func
    measure = inspect.unwrap(measure)
    function = getattr(measure, "__func__", measure)
    if not hasattr(function, "__code__"):
        return (function if inspect.isclass(function) else type(function)), bound
    cells = [_cell_contents(cell) for cell in function.__closure__ or ()]
    return function, [
        *bound,
        _plain(function.__defaults__),
        _plain(function.__kwdefaults__),
        *map(_plain, cells),
    ]


def _cell_contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # Not assigned yet.
        return None


def _plain(value: Any) -> str:
    """A value as text if it is made of numbers and text; the texts of other values may differ each time."""
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError):
        return type(value).__name__


def _name(thing: Any) -> str:
    module = thing.__module__
    if module in ("__main__", "__mp_main__"):
        # A script has the name under which others import it; a notebook has none.
        file = getattr(sys.modules["__main__"], "__file__", None)
        module = Path(file).stem if file else "__main__"
    return f"{module}.{thing.__qualname__}"


def _source(function: Any) -> Any:
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    try:
        tree: Any = _shape(ast.parse(source))
    except SyntaxError:  # The lines of a lambda may be a part of a statement.
        tree = " ".join(source.split())
    if getattr(function, "__name__", "") != "<lambda>":
        return tree
    # Its lines may hold several.
    code = function.__code__
    return tree, code.co_names, [constant for constant in code.co_consts if not hasattr(constant, "co_code")]


def _shape(node: Any) -> Any:
    """A syntax tree as nested tuples, the same in every version of Python: without what is empty."""
    if isinstance(node, list):
        return tuple(map(_shape, node))
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    return type(node).__name__, *((n, _shape(v)) for n, v in fields.items() if v not in (None, []))
