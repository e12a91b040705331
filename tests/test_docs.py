"""The documentation's programs run, and it shows every measure."""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import lowcomplex
from lowcomplex import measures

DOCS = Path(__file__).parents[1] / "docs"
EXPLANATION = DOCS / "explanation"
PAGES = {
    page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.md"))
    if not {"_build", "derivations", "gallery"} & set(page.relative_to(DOCS).parts)
}
GALLERY = "".join(text for page, text in PAGES.items() if page.startswith("explanation/measures"))
# Programs that stand for themselves; cells of tutorials, `{code-cell} ipython3`, run when pages are built.
PROGRAM = re.compile(r"^```(?:python|\{code-cell\} python)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _module(path: Path) -> ModuleType:
    """A script of the documentation, which is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if PROGRAM.search(text)])
def test_programs_run(page: str) -> None:
    for block in PROGRAM.findall(PAGES[page]):
        exec(compile(block, page, "exec"), {})


@pytest.mark.parametrize(
    "name", [name for name in measures.__all__ if inspect.isfunction(getattr(measures, name))]
)
def test_every_measure_is_in_the_gallery(name: str) -> None:
    is_tool = name in ("measure_weights", "null_of")
    assert is_tool != (f"### `{name}`\n" in GALLERY)
    assert f"`{name}`" in GALLERY


def test_the_pages_of_the_measures_are_current() -> None:
    for path, text in _module(DOCS / "gallery" / "page.py").pages().items():
        said = "run `python docs/gallery NAME` with the names of new pictures"
        assert path.read_text(encoding="utf-8") == text, said


@pytest.mark.parametrize("part", ["Range", "Null", "Cost", "Misleads"])
def test_the_catalogue_has_every_part_of_every_measure(part: str) -> None:
    entries = GALLERY.split("\n### ")[1:]
    assert not [entry.split("\n")[0] for entry in entries if f"\n- *{part}*: " not in entry]


def test_the_page_of_the_studies_is_current() -> None:
    page = _module(DOCS / "studies.py")
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run `make tables`"


def test_a_table_of_contents_lists_every_page() -> None:
    listed: set[str] = set()
    for page, text in PAGES.items():
        for block in text.split(":::{toctree}\n")[1:]:
            for entry in block.split(":::")[0].split():
                listed |= {
                    file.relative_to(DOCS).as_posix() for file in (DOCS / page).parent.glob(f"{entry}.md")
                }
    assert set(PAGES) - {"index.md"} <= listed


def test_links_between_pages_lead_to_pages() -> None:
    for page, text in PAGES.items():
        linked = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]*\.md(?:#[^)]*)?)\)", text)]
        assert not [link for link in linked if not (DOCS / page).parent.joinpath(link).is_file()], page


def test_the_reference_has_every_room() -> None:
    rooms = {module.name for module in pkgutil.iter_modules(lowcomplex.__path__) if module.name[0] != "_"}
    pages = {page.split("/")[1].removesuffix(".md") for page in PAGES if page.startswith("reference/")}
    # `cli` is the command line; callbacks are on the page of tracking, theorems behind their doors.
    assert rooms - {"cli", "integrations", "theorems"} <= pages


def test_every_picture_is_there_and_shown() -> None:
    shown = {part.split(")")[0] for part in GALLERY.split("](../gallery/")[1:]}
    assert shown == {file.name for file in DOCS.glob("gallery/*.png")}


def test_the_papers_pictures_are_there_shown_and_small() -> None:
    shown = {part.split(")")[0] for part in PAGES["explanation/papers.md"].split("](papers/")[1:]}
    assert shown == {file.name for file in EXPLANATION.glob("papers/*.png")}
    assert all(file.stat().st_size < 100_000 for file in EXPLANATION.glob("papers/*.png"))
