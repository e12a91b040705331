"""Sphinx configuration: `make docs` writes docs/_build/html/index.html."""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
from rooms import as_fields, plain_line  # noqa: E402

project = "lowcomplex"
author = "The lowcomplex developers"
copyright = author
release = version_of("lowcomplex")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "cyclopts.ext.sphinx",
    "derivations",
    "rooms",
]
exclude_patterns = ["_build", "gallery"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"lowcomplex {release}"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
napoleon_use_rtype = False
napoleon_use_ivar = True
# Notebooks of theory/ are shown with the outputs that they are stored with.
nb_execution_excludepatterns = ["explanation/derivations/*"]
# Pages with {code-cell} are run once and then read from the cache, until a cell changes.
nb_execution_mode = "cache"
nb_execution_in_temp = True  # tutorials write files
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True


def _plain_text(app: object, what: str, name: str, item: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text: |x| is a norm there, and `random_` ends in an underscore.

    A star before a word is a shape's, `*batch`, as napoleon copies it from annotations.
    """
    lines[:] = as_fields([plain_line(line) for line in lines])


def _plain_aliases(
    app: object,
    what: str,
    name: str,
    item: object,
    options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Sphinx writes an alias within a union as the object that stands for it."""
    return signature and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", signature), returned


def setup(app: object) -> None:
    """Before and after napoleon, which has the usual priority of 500."""
    for priority in (400, 600):
        app.connect("autodoc-process-docstring", _plain_text, priority=priority)  # type: ignore[attr-defined]
    app.connect("autodoc-process-signature", _plain_aliases)  # type: ignore[attr-defined]
