"""The documentation's programs run, and it shows every measure."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from lowcomplex import measures

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
GALLERY = (DOCS / "measures.md").read_text(encoding="utf-8")


def _module(path: Path) -> ModuleType:
    """A script of the documentation, which is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", [page.stem for page in PAGES if "```python\n" in page.read_text()])
def test_programs_run(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for block in text.split("```python\n")[1:]:
        exec(compile(block.split("```")[0], f"{page}.md", "exec"), {})


@pytest.mark.parametrize(
    "name", [name for name in measures.__all__ if inspect.isfunction(getattr(measures, name))]
)
def test_every_measure_is_in_the_gallery(name: str) -> None:
    assert f"`{name}`" in GALLERY


def test_the_page_of_the_measures_is_current() -> None:
    page = _module(DOCS / "gallery" / "page.py")
    assert page.page() == GALLERY, "run `python docs/gallery NAME` with the names of new pictures"


def test_the_page_of_the_studies_is_current() -> None:
    page = _module(DOCS / "studies.py")
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run `make tables`"


def test_the_index_lists_every_page() -> None:
    listed = (DOCS / "index.md").read_text(encoding="utf-8").split(":::{toctree}")[1].split()
    assert {page.stem for page in PAGES} - {"index"} <= set(listed)


def test_every_picture_is_there_and_shown() -> None:
    shown = {part.split(")")[0] for part in GALLERY.split("](")[1:]}
    assert shown == {f"gallery/{file.name}" for file in DOCS.glob("gallery/*.png")}


def test_the_papers_pictures_are_there_shown_and_small() -> None:
    shown = {part.split(")")[0] for part in (DOCS / "papers.md").read_text("utf-8").split("](papers/")[1:]}
    assert shown == {file.name for file in DOCS.glob("papers/*.png")}
    assert all(file.stat().st_size < 100_000 for file in DOCS.glob("papers/*.png"))
