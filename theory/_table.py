"""The tables of theory/README.md and docs/explanation/theory.md, one row per theorem."""

from __future__ import annotations

import re
from pathlib import Path

from lowcomplex import theorems

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
PAGE = FOLDER.parent / "docs" / "explanation" / "theory.md"
_HEAD = (
    "| theorem | claim | formula | derivation | check | figures |",
    "| --- | --- | --- | --- | --- | --- |",
)


def table() -> str:
    """Rows in the theorems' own order; a figure is one whose script names the theorem."""
    return "\n".join((*_HEAD, *(_row(name) for name in theorems.names())))


def readme() -> str:
    """theory/README.md with its table made anew."""
    return _with_table(README, table())


def page() -> str:
    """docs/explanation/theory.md with its table of statements made anew, with links to derivations."""
    rows = [f"| [`{name}`](../../theory/{name}.ipynb) | {_summary(name)} |" for name in theorems.names()]
    return _with_table(PAGE, "\n".join(("| theorem | claim |", "| --- | --- |", *rows)))


def _with_table(path: Path, table: str) -> str:
    """A page with its only table replaced."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [number for number, line in enumerate(lines) if line.startswith("|")]
    return "\n".join((*lines[: rows[0]], table, *lines[rows[-1] + 1 :], ""))


def _summary(name: str) -> str:
    return theorems.formula(name).summary.replace("|", "\\|")


def _row(name: str) -> str:
    home = f"../lowcomplex/theorems/{name}"
    cells = (
        f"`{name}`",
        _summary(name),
        f"[formula]({home}/formula.py)",
        f"[notebook]({name}.ipynb)",
        f"[check]({home}/check.py)",
        ", ".join(f"[{figure}](../paper_figs/figures/{figure}.py)" for figure in _figures(name))
        or "in the notebook",
    )
    return f"| {' | '.join(cells)} |"


def _figures(name: str) -> list[str]:
    imports = re.compile(rf"^from lowcomplex\.predictions import .*\b{name}\b", re.MULTILINE)
    scripts = sorted((FOLDER.parent / "paper_figs" / "figures").glob("[!_]*.py"))
    return [script.stem for script in scripts if imports.search(script.read_text(encoding="utf-8"))]
