"""Sphinx directive `room`: what a package offers, functions first, each with a line in a table at the top."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

from lowcomplex._signatures import first_sentence, plain_arguments
from lowcomplex.predictions import Prediction

_UNDERSCORE = re.compile(r"(?<=\w)_(?=[^\w(]|$)")
_FIELD = re.compile(r"^(Null|Cost|Misleads):\n", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_INITIAL = re.compile(r"^(\s*[A-Z])\. ")
_STAR = re.compile(r"(?<![\\*\w])\*(?=\w)")


class Room(SphinxDirective):
    """The functions of a package, then its classes and constants.

    Its argument is the package. Without options it shows all that is public.

    Options:
        only: Show only these names.
        within: Show only what is defined in this module or below it.
        kind: Show only predictions of this kind.
    """

    required_arguments = 1
    option_spec = {  # noqa: RUF012, the name and the type are docutils'
        "only": str.split,
        "within": directives.unchanged_required,
        "kind": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        (package,) = self.arguments
        shown = {
            name: thing
            for name, thing in _public(importlib.import_module(package), self.options.get("only"))
            if self._is_chosen(thing)
        }
        groups: dict[str, list[str]] = {"Functions": [], "Classes": [], "Constants": []}
        for name, thing in sorted(shown.items(), key=_order):
            groups[_group(thing)].append(name)
        filled = {group: names for group, names in groups.items() if names}
        lines = []
        for group, names in filled.items():
            if len(filled) > 1:
                lines += [f".. rubric:: {group}", "   :heading-level: 2", ""]
            if group != "Constants" and len(shown) > 1:
                lines += _table(package, names, shown)
            for name in names:
                lines += [*_entry(package, name, shown[name]), ""]
        return self.parse_text_to_nodes("\n".join(lines))

    def _is_chosen(self, thing: Any) -> bool:
        within, kind = self.options.get("within"), self.options.get("kind")
        module = getattr(inspect.unwrap(thing) if callable(thing) else thing, "__module__", "")
        return (not within or f"{module}.".startswith(f"{within}.")) and (
            not kind or (isinstance(thing, Prediction) and thing.kind == kind)
        )


def _public(package: Any, only: list[str] | None) -> Iterator[tuple[str, Any]]:
    """The names of `__all__`, which must leave out a function `list`, and that function."""
    names = only or [*package.__all__, *(["list"] if hasattr(package, "list") else [])]
    return ((name, getattr(package, name)) for name in names)


def _order(item: tuple[str, Any]) -> tuple[int, str]:
    name, thing = item
    return (thing.order if isinstance(thing, Prediction) else 0, name)


def _group(thing: Any) -> str:
    if inspect.isclass(thing):
        return "Classes"
    is_function = inspect.isfunction(inspect.unwrap(thing)) if callable(thing) else False
    return "Functions" if is_function or isinstance(thing, Prediction) else "Constants"


def _table(package: str, names: list[str], shown: dict[str, Any]) -> list[str]:
    """One line per name; a head of `list-table` would say nothing."""
    lines = [".. list-table::", "   :class: names", "   :widths: auto", ""]
    for name in names:
        thing = shown[name]
        said = thing.summary if isinstance(thing, Prediction) else first_sentence(thing)
        lines += [f"   * - :py:obj:`{name} <{package}.{name}>`", f"     - {plain(said)}"]
    return [*lines, ""]


def _entry(package: str, name: str, thing: Any) -> list[str]:
    full = f"{package}.{name}"
    if isinstance(thing, Prediction):
        return _prediction(full, thing)
    if inspect.isclass(thing):
        return [f".. autoclass:: {full}", "   :members:"]
    if _group(thing) == "Functions":
        return [f".. autofunction:: {full}"]
    return [
        f".. py:data:: {full}",
        f"   :value: {thing!r}",
        "",
        *(f"   {plain(line)}" for line in _comment(package, name)),
    ]


def _comment(package: str, name: str) -> list[str]:
    """The comment above the line that defines a constant, wherever below the package or beside it that is."""
    defined = re.compile(rf"((?:^#.*\n)*)^{name}(?:: .*)? = ", re.MULTILINE)
    room = package.rpartition(".")[0]
    for module in [sys.modules[package], *sys.modules.values()]:
        if module.__name__.startswith(f"{room}.") and module.__file__:
            found = defined.search(Path(module.__file__).read_text(encoding="utf-8"))
            if found:
                return [line.removeprefix("# ") for line in found[1].splitlines()]
    return []


def _prediction(full: str, prediction: Prediction[..., Any]) -> list[str]:
    """What `help` shows, as a definition."""
    evaluator = GoogleDocstring(plain(inspect.getdoc(prediction.evaluate) or ""), what="function").lines()
    regime = f"{prediction.name}.regime({plain_arguments(prediction.regime)})"
    body = [
        plain(prediction.statement),
        "",
        *evaluator,
        "",
        "Hypotheses:",
        "",
        *(f"- {plain(hypothesis)}" for hypothesis in prediction.hypotheses),
        "",
        f"Regime: ``{regime}``",
        "",
        f"Source: {plain(prediction.source)}",
    ]
    return [
        f".. py:function:: {full}({plain_arguments(prediction.evaluate)})",
        "",
        *(f"   {line}" for line in body),
    ]


def as_fields(lines: list[str]) -> list[str]:
    """Sections that only measures have, as fields beside those that napoleon makes of the others."""
    return _FIELD.sub(r":\1:\n", "\n".join(lines)).split("\n")


def plain(text: str) -> str:
    """Text whose bars, stars, trailing underscores and initials are no markup; examples stay as they are."""
    return "\n".join(map(plain_line, text.splitlines()))


def plain_line(line: str) -> str:
    if line.lstrip().startswith((">>>", "...")):
        return line
    return _UNDERSCORE.sub(r"\\_", _STAR.sub(r"\\*", _BAR.sub(r"\\|", _INITIAL.sub(r"\1\\. ", line))))


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("room", Room)
    return {"parallel_read_safe": True}
