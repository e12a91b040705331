"""The notebooks run from top to bottom, are those of their scripts, and every theorem has one."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jupytext
import nbformat
import pytest
from jupyter_client.manager import KernelManager

from lowcomplex import theorems
from theory import _catalogue, _table

ROOT = Path(__file__).parents[1]
THEORY = ROOT / "theory"
NOTEBOOKS = sorted(path.stem for path in THEORY.glob("*.ipynb"))


def load_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("theory_runner", THEORY / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelManager]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    yield manager
    manager.shutdown_kernel(now=True)


def test_every_script_has_its_notebook() -> None:
    assert list(load_runner().names()) == NOTEBOOKS
    assert NOTEBOOKS


def test_an_unknown_notebook_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_runner().main("gama_law") == 2
    assert "did you mean 'gamma_law'" in capsys.readouterr().err


def test_help_names_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    load_runner().app(["--help"], result_action="return_value")
    assert "NOTEBOOKS" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if load_runner().is_slow(name) else ()) for name in NOTEBOOKS],
)
def test_notebook_runs(name: str, kernel: KernelManager) -> None:
    cells = load_runner().execute(name, kernel).cells
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
    assert set(NOTEBOOKS) == set(theorems.names())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_calls_the_library(name: str) -> None:
    assert "from lowcomplex.predictions import" in (THEORY / f"{name}.py").read_text(encoding="utf-8")


def test_maps_are_made_from_the_theorems() -> None:
    assert _table.README.read_text(encoding="utf-8") == _table.readme(), "run `python -m theory --table`"
    assert _table.PAGE.read_text(encoding="utf-8") == _table.page(), "run `python -m theory --table`"


def test_the_catalogue_is_made_from_the_theorems() -> None:
    plain = _catalogue.without_formulas
    for path, page in _catalogue.pages().items():
        assert plain(path.read_text(encoding="utf-8")) == plain(page), "run `python -m theory --table`"


def test_map_has_no_dead_link() -> None:
    text = (THEORY / "README.md").read_text(encoding="utf-8")
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    missing = [target for target in targets if "//" not in target and not (THEORY / target).exists()]
    assert not missing
