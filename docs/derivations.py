"""Sphinx extension: the notebooks of theory/ are pages of explanation/derivations/, which git ignores."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
THEORY = DOCS.parent / "theory"
PAGES = DOCS / "explanation" / "derivations"
_LINK = re.compile(r"\]\((?:\.\./)+theory/(\w+)\.ipynb\)")


def fetch(app: Any) -> None:
    """Copy what is new, with its time, and remove what is gone."""
    PAGES.mkdir(exist_ok=True)
    for page in PAGES.glob("*.ipynb"):
        if not (THEORY / page.name).exists():
            page.unlink()
    for notebook in THEORY.glob("*.ipynb"):
        page = PAGES / notebook.name
        if not page.exists() or page.read_bytes() != notebook.read_bytes():
            shutil.copy2(notebook, page)


def lead_to_pages(app: Any, name: str, source: list[str]) -> None:
    """Links to notebooks, as they are right in the repository, lead to their pages."""
    source[0] = _LINK.sub(r"](/explanation/derivations/\1.ipynb)", source[0])


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", fetch)
    app.connect("source-read", lead_to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
