"""A figure is drawn again when what draws it changes, and not when something else does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import synthetic
from paper_figs import _sources, figure

DRAWN, UNRELATED = "p1_fig5ab_query_cosines", "learned_spectrum"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source files of this repository, free to be edited."""
    root = tmp_path / "copy"
    for package in ("paper_figs", "experiments", "lowcomplex"):
        shutil.copytree(
            _sources.ROOT / package, root / package, ignore=shutil.ignore_patterns("*.nc", "__pycache__")
        )
    monkeypatch.setattr(_sources, "ROOT", root)
    return root


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the figure is saved."""
    folder = tmp_path_factory.mktemp("drawn")
    item = figure(DRAWN)
    item.save(synthetic.dataset(item.study), folder)
    return folder


def _edit(path: Path) -> None:
    path.write_text(f"{path.read_text()}\n# Edited.\n")


def _formula(name: str) -> str:
    """Where the formula of a theorem is defined, relative to the root."""
    found = [path for path in _sources.files("paper_figs.figures.gamma_law") if name in path.as_posix()]
    formulas = [path for path in found if "lowcomplex" in path.parts]
    assert formulas
    return formulas[0].relative_to(_sources.ROOT).as_posix()


@pytest.mark.parametrize(
    "edited",
    [
        f"paper_figs/figures/{DRAWN}.py",
        "paper_figs/panels/cosines.py",
        "paper_figs/_judged.py",
        "paper_figs/_finding.py",
        "experiments/anchor/schema.py",
        "lowcomplex/statistics/_association.py",
        "lowcomplex/nulls/_cosines.py",
    ],
)
def test_an_edit_of_what_it_is_drawn_with_makes_a_figure_stale(copy: Path, drawn: Path, edited: str) -> None:
    item = figure(DRAWN)
    dataset = synthetic.dataset(item.study)
    assert item.is_current(dataset, drawn)
    _edit(copy / edited)
    assert not item.is_current(dataset, drawn)


def test_an_edit_of_a_formula_makes_the_figures_stale_that_draw_it(copy: Path) -> None:
    names = ("gamma_law", "gamma_axis", "neurons_condensing")
    before = {name: _sources.digest(f"paper_figs.figures.{name}") for name in names}
    _edit(copy / _formula("gamma_law"))
    after = {name: _sources.digest(f"paper_figs.figures.{name}") for name in names}
    assert [name for name in names if after[name] != before[name]] == ["gamma_law", "gamma_axis"]


def test_other_edits_leave_a_figure_current(copy: Path, drawn: Path) -> None:
    item = figure(DRAWN)
    dataset = synthetic.dataset(item.study)
    for other in (
        f"paper_figs/figures/{UNRELATED}.py",
        "paper_figs/panels/frequency.py",
        "paper_figs/_report.py",
        "paper_figs/reproduce.py",
        "paper_figs/templates/report.html",
        "experiments/__main__.py",
        "lowcomplex/plots/record.py",
        "lowcomplex/sweeps/__init__.py",
    ):
        _edit(copy / other)
    assert item.is_current(dataset, drawn)
    (copy / f"paper_figs/figures/{DRAWN}.py").unlink()
    with pytest.raises(ValueError, match=DRAWN):
        item.is_current(dataset, drawn)


def test_a_name_leads_to_the_module_that_defines_it(copy: Path) -> None:
    package = copy / "lowcomplex" / "planted"
    package.mkdir()
    (package / "__init__.py").write_text("from lowcomplex.planted.one import first\n")
    (package / "__init__.pyi").write_text("from lowcomplex.planted.two import second as second\n")
    (package / "one.py").write_text("def first(): ...\n")
    (package / "two.py").write_text("def second():\n    from lowcomplex.planted import three\n")
    (package / "three.py").write_text("import numpy\n")
    planted = copy / "paper_figs" / "figures" / "planted.py"
    for statement, expected in (
        ("from lowcomplex.planted import first", ["one.py"]),
        ("from lowcomplex.planted import second", ["three.py", "two.py"]),
        ("from lowcomplex.planted import three", ["three.py"]),
        ("import lowcomplex.planted.one", ["one.py"]),
        ("from lowcomplex.planted import other", ["__init__.py", "one.py"]),
    ):
        planted.write_text(f"{statement}\n")
        found = [path for path in _sources.files("paper_figs.figures.planted") if path != planted]
        assert [path.name for path in found] == expected, statement
