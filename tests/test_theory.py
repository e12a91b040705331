"""The notebooks run from top to bottom, and a theorem's formula, check, tests and notebook share its name."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import jupytext
import nbformat
import pytest

from lowcomplex import predictions
from lowcomplex.predictions import Prediction

ROOT = Path(__file__).parents[1]
THEORY = ROOT / "theory"
NOTEBOOKS = sorted(path.stem for path in THEORY.glob("*.ipynb"))
PREDICTIONS = {name for name in predictions.__all__ if isinstance(getattr(predictions, name), Prediction)}


def load_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("theory_runner", THEORY / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stems(folder: str, prefix: str) -> set[str]:
    return {path.stem.removeprefix(prefix) for path in (ROOT / folder).glob(f"{prefix}*.py")}


def test_every_script_has_its_notebook() -> None:
    assert list(load_runner().names()) == NOTEBOOKS
    assert NOTEBOOKS


def test_an_unknown_notebook_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["theory", "gama_law"])
    with pytest.raises(SystemExit, match="did you mean 'gamma_law'"):
        load_runner().main()


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if load_runner().is_slow(name) else ()) for name in NOTEBOOKS],
)
def test_notebook_runs(name: str) -> None:
    cells = load_runner().execute(name).cells
    assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_stored_notebook_is_its_script(name: str) -> None:
    script = jupytext.read(THEORY / f"{name}.py")
    stored = nbformat.read(THEORY / f"{name}.ipynb", as_version=4)
    assert [(cell.cell_type, cell.source) for cell in stored.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run `python -m theory`"
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert [output for output in outputs if "image/png" in output.get("data", {})]


def test_every_prediction_has_its_notebook_and_no_other_does() -> None:
    assert set(NOTEBOOKS) == PREDICTIONS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_calls_the_library(name: str) -> None:
    assert "from lowcomplex.predictions import" in (THEORY / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PREDICTIONS))
def test_one_name_for_formula_check_and_tests(name: str) -> None:
    assert getattr(predictions, name).name == name
    assert name in stems("lowcomplex/predictions", "_")
    check = importlib.import_module(f"lowcomplex.checks._{name}").CHECK
    assert check.prediction is getattr(predictions, name)
    assert name in stems("tests/predictions", "test_")
    assert name in stems("tests/checks", "test_")


def test_no_formula_or_check_without_the_other() -> None:
    modules = {
        folder: {
            stem
            for stem in stems(f"lowcomplex/{folder}", "_")
            if hasattr(importlib.import_module(f"lowcomplex.{folder}._{stem}"), marker or stem)
        }
        for folder, marker in (("predictions", ""), ("checks", "CHECK"))
        if stems(f"lowcomplex/{folder}", "_")
    }
    assert modules["predictions"] == modules["checks"] == PREDICTIONS


@pytest.mark.parametrize("name", sorted(PREDICTIONS))
def test_map_names_every_theorem(name: str) -> None:
    rows = [
        line
        for line in (THEORY / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and f"`{name}`" in line
    ]
    assert len(rows) == 1
    assert f"../lowcomplex/predictions/_{name}.py" in rows[0]
    assert f"../lowcomplex/checks/_{name}.py" in rows[0]
    assert f"]({name}.ipynb)" in rows[0]


def test_map_has_no_dead_link() -> None:
    text = (THEORY / "README.md").read_text(encoding="utf-8")
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    missing = [target for target in targets if "//" not in target and not (THEORY / target).exists()]
    assert not missing
