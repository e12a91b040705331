"""Pages of the measures, written from the pictures and from the measures' docstrings.

`python docs/gallery` writes them, a test compares them.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from lowcomplex import measures, nulls
from lowcomplex.measures import weight_measures

HERE = Path(__file__).parent
PAGES = HERE.parent / "explanation"
TITLES = {
    "weights": "Measures of weights",
    "maps": "Measures of maps",
    "representations": "Measures of representations",
    "training": "Measures of training",
}
# Of the null's distribution, one size is shown.
SIZE = (100, 100)
_SECTION = re.compile(r"^(\w+):\n((?:(?:    .*)?\n)*)", re.MULTILINE)


def names() -> list[str]:
    """Name of every picture, in the order of the pages."""
    found = {path.stem: _constants(path)["ORDER"] for path in (HERE / "pictures").glob("[!_]*.py")}
    return sorted(found, key=lambda name: (found[name], name))


def pages() -> dict[Path, str]:
    """The introduction, and one page per group of measures: a section per picture, with its measures."""
    texts = {group: [f"# {title}"] for group, title in TITLES.items()}
    shown: set[str] = set()
    for name in names():
        text = _text(name)
        new = [measure for measure in _named(text) if measure not in shown]
        shown |= {*new}
        group = _group((new or _named(text))[0])
        caption = _constants(_path(name))["CAPTION"]
        entries = "\n\n".join(map(entry, new))
        texts[group] += [f"## {text}", f"![{caption}](../gallery/{name}.png)", entries]
    introduction = (HERE / "introduction.md").read_text(encoding="utf-8")
    return {
        PAGES / "measures.md": introduction,
        **{
            PAGES / f"measures_{group}.md": "\n\n".join(filter(None, parts)) + "\n"
            for group, parts in texts.items()
        },
    }


def entry(name: str) -> str:
    """A measure: formula, range, null, cost, and when it misleads."""
    function = inspect.unwrap(getattr(measures, name))
    documentation = f"{inspect.getdoc(function)}\n"
    sections = {title: " ".join(body.split()) for title, body in _SECTION.findall(documentation)}
    record = weight_measures().get(name)
    if record is not None:
        sections["Null"] = _null(record)
    described = documentation.split("\n\nArgs:")[0].split("\n\n")
    formulas = [part for part in described[1:] if part.startswith("    ") or " = " in part]
    lines = [f"### `{name}`", ""]
    for part in (described[0], *formulas):
        lines += [part if part.startswith("    ") else _plain(part), ""]
    for title, shown in {"Returns": "Range", "Null": "Null", "Cost": "Cost", "Misleads": "Misleads"}.items():
        if title in sections:
            lines.append(f"- *{shown}*: {_plain(sections[title])}")
    return "\n".join(lines)


def _null(record: measures.WeightMeasure) -> str:
    rows, columns = SIZE
    null = record.null(rows, columns)
    name = record.null.__name__
    home = f"`lowcomplex.nulls.{name}`" if hasattr(nulls, name) else f"`measures.null_of({record.name!r}, …)`"
    return f"{home}; {null.value:.3g} ± {null.standard_deviation:.2g} at {rows} x {columns}."


def _plain(text: str) -> str:
    """Text of a docstring as it is in Markdown; what is in backticks stays."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*<|$]|(?<!\w)_|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _named(text: str) -> list[str]:
    """The measures that a text names in backticks, each once."""
    found = (name for name in re.findall(r"`(\w+)`", text) if inspect.isfunction(_unwrapped(name)))
    return list(dict.fromkeys(found))


def _unwrapped(name: str) -> Any:
    return inspect.unwrap(getattr(measures, name)) if hasattr(measures, name) else None


def _group(name: str) -> str:
    return str(_unwrapped(name).__module__.split(".")[2])


def _path(name: str) -> Path:
    return HERE / "pictures" / f"{name}.py"


def _text(name: str) -> str:
    return ast.get_docstring(ast.parse(_path(name).read_text(encoding="utf-8"))) or ""


def _constants(path: Path) -> dict[str, int | str]:
    """Constants of a module, without importing it and what it draws with."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
