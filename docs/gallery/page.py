"""Page of the measures, written from the pictures: `python docs/gallery` writes it, a test compares it."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "explanation" / "measures.md"


def names() -> list[str]:
    """Name of every picture, in the order of the page."""
    found = {path.stem: _constants(path)["ORDER"] for path in (HERE / "pictures").glob("[!_]*.py")}
    return sorted(found, key=lambda name: (found[name], name))


def page() -> str:
    """The introduction, then one section per picture: its text, and the picture with its caption."""
    sections = [(HERE / "introduction.md").read_text(encoding="utf-8").rstrip()]
    for name in names():
        path = HERE / "pictures" / f"{name}.py"
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        caption = _constants(path)["CAPTION"]
        sections.append(f"## {text}\n\n![{caption}](../gallery/{name}.png)")
    return "\n\n".join(sections) + "\n"


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
