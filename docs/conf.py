"""Sphinx configuration: `make docs` writes docs/_build/index.html."""

import re
from importlib.metadata import version as version_of

project = "lowcomplex"
author = "The lowcomplex developers"
copyright = author
release = version_of("lowcomplex")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "gallery"]
html_theme = "furo"
html_title = f"lowcomplex {release}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_use_rtype = False
napoleon_use_ivar = True


def _plain_text(app: object, what: str, name: str, item: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text: |x| is a norm there, and `random_` ends in an underscore."""
    for index, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[index] = re.sub(r"(?<=\w)_(?=[^\w(]|$)", r"\\_", line.replace("|", r"\|"))


def _no_emphasis(app: object, what: str, name: str, item: object, options: object, lines: list[str]) -> None:
    """A star before a word is a shape's, `*batch`, as napoleon copies it from annotations."""
    for index, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[index] = re.sub(r"(?<![\\*\w])\*(?=\w)", r"\\*", line)


def setup(app: object) -> None:
    """Before and after napoleon, which has the usual priority of 500."""
    app.connect("autodoc-process-docstring", _plain_text, priority=400)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", _no_emphasis, priority=600)  # type: ignore[attr-defined]
