"""The table of theory/README.md, one row per theorem."""

from __future__ import annotations

import re
from pathlib import Path

from lowcomplex import theorems

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
_HEAD = (
    "| theorem | what it says | formula | derivation | check | figures |",
    "| --- | --- | --- | --- | --- | --- |",
)


def table() -> str:
    """Rows in the theorems' own order; a figure is one whose script names the theorem."""
    return "\n".join((*_HEAD, *(_row(name) for name in theorems.names())))


def readme() -> str:
    """The page with its table made anew."""
    lines = README.read_text(encoding="utf-8").splitlines()
    rows = [number for number, line in enumerate(lines) if line.startswith("|")]
    return "\n".join((*lines[: rows[0]], table(), *lines[rows[-1] + 1 :], ""))


def _row(name: str) -> str:
    summary = theorems.formula(name).summary.replace("|", "\\|")
    home = f"../lowcomplex/theorems/{name}"
    cells = (
        f"`{name}`",
        summary,
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
