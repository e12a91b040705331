"""What every theorem owes: a claim, its formula, a check with controls and mutants, a notebook, and tests."""

from __future__ import annotations

import html
import inspect
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import sympy as sp

import stubs
from lowcomplex import checks, predictions, theorems

ROOT = Path(__file__).parents[2]
NAMES = theorems.names()


@pytest.mark.parametrize("name", NAMES)
def test_states_what_where_and_who(name: str) -> None:
    prediction = theorems.formula(name)
    assert prediction is getattr(predictions, name)
    assert prediction.name == name
    assert prediction.statement.endswith(".")
    assert prediction.summary
    assert prediction.hypotheses
    assert all(prediction.hypotheses)
    assert re.search(r"\b(19|20)\d\d\b|\(\d{4}\.\d{5}\)|[Dd]erived", prediction.source)
    assert prediction.kind in {"exact", "rate", "null"}


@pytest.mark.parametrize("name", NAMES)
def test_formulas_are_symbolic(name: str) -> None:
    expressions = theorems.formula(name).expressions
    assert expressions
    assert all(isinstance(expression, sp.Basic) for expression in expressions.values())
    # A formula without a symbol would be a number that nobody derived.
    assert any(expression.free_symbols for expression in expressions.values())


@pytest.mark.parametrize("name", NAMES)
def test_evaluator_is_documented_with_its_regime(name: str) -> None:
    prediction = theorems.formula(name)
    document = inspect.getdoc(prediction.evaluate) or ""
    assert "Args:" in document
    assert "Returns:" in document
    assert "Raises:" in document
    parameters = inspect.signature(prediction.regime).parameters
    assert parameters, "a regime that depends on nothing decides nothing"
    assert inspect.signature(prediction) == inspect.signature(prediction.evaluate)
    shown = inspect.getdoc(prediction) or ""
    call = f"{name}({', '.join(inspect.signature(prediction).parameters)}".split(", ")[0]
    for part in (document, call, f"{name}.regime(", *prediction.hypotheses, prediction.source):
        assert part in shown
    assert repr(prediction).startswith(f"<{prediction.kind} prediction {call}")
    assert "\n" not in repr(prediction)
    for part in (prediction.statement, "regime(", prediction.source):
        assert html.escape(part) in prediction._repr_html_()


def test_an_argument_has_one_name_and_one_meaning() -> None:
    found = defaultdict(list)
    for name in NAMES:
        prediction, module = theorems.formula(name), sys.modules[f"lowcomplex.theorems.{name}.formula"]
        beside = [
            each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__
        ]
        public = [each for each in beside if inspect.isfunction(each) and not each.__name__.startswith("_")]
        for function in (prediction.evaluate, prediction.regime, *public):
            described = _arguments(function)
            assert set(described) == set(inspect.signature(function).parameters), (name, function)
            for argument, meaning in described.items():
                found[argument].append((name, meaning))
    shared = {argument: uses for argument, uses in found.items() if len(uses) > 1}
    words = tomllib.loads((Path(__file__).parent / "arguments.toml").read_text(encoding="utf-8"))
    others = {}
    for argument in shared:
        wrong = [use for use in shared[argument] if words.get(argument, "?").lower() not in use[1].lower()]
        others |= {argument: wrong} if wrong else {}
    assert not others
    assert set(words) == set(shared), "arguments.toml holds the names that several functions have"
    assert len(set(words.values())) == len(words), "two names mean the same"


def _arguments(function: Callable[..., object]) -> dict[str, str]:
    """What the docstring of a function says of each argument."""
    document = inspect.cleandoc(function.__doc__ or "")
    _, _, rest = document.partition("Args:\n")
    lines = re.split(r"\n(?=\S)|\n\n", rest)[0]
    entries = re.split(r"^    (?=\w+: )", lines, flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split()) for name, _, text in (each.partition(": ") for each in entries)}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused_by_name(name: str) -> None:
    prediction = theorems.formula(name)
    for call in (prediction, prediction.regime):
        parameters = inspect.signature(call).parameters.values()
        numbers = [each.name for each in parameters if each.annotation in ("ArrayLike", "float", "int")]
        others = {each.name: 0.5 for each in parameters}
        for argument in numbers:
            for wrong in ("x", "0.5", None, [0.5, "x"], object()):
                with pytest.raises(TypeError, match=f"^{argument}: expected numbers, got "):
                    call(**{**others, argument: wrong})
    first = next(iter(inspect.signature(prediction.regime).parameters))
    others = dict.fromkeys(inspect.signature(prediction.regime).parameters, 0.5)
    with pytest.raises(ValueError, match=f"^{first}: expected a number, got NaN"):
        prediction.regime(**{**others, first: float("nan")})


@pytest.mark.parametrize("name", NAMES)
def test_check_is_as_expected_and_refutes_its_mutants(name: str) -> None:
    check = theorems.check(name)
    assert check.prediction is theorems.formula(name)
    assert len(check.mutants) >= 3
    verdict = check.run(seed=1)
    assert verdict.as_expected, verdict
    survivors = {mutant.wrong for mutant in verdict.mutants if not mutant.refuted}
    assert survivors == set(check.survivors)


@pytest.mark.parametrize("name", NAMES)
def test_folder_notebook_and_tests_share_the_name(name: str) -> None:
    folder = ROOT / "lowcomplex" / "theorems" / name
    assert (folder / "__init__.py").read_text(encoding="utf-8") == ""
    assert (ROOT / "theory" / f"{name}.ipynb").is_file()
    assert (ROOT / "tests" / "theorems" / name / "test_formula.py").is_file()


def test_formulas_import_neither_torch_nor_sympy() -> None:
    every = "; ".join(f"import lowcomplex.theorems.{name}.formula" for name in NAMES)
    code = f"import sys; import lowcomplex.predictions; {every}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "sympy"} & set(run.stdout.split())


def test_door_has_every_prediction_in_its_stub() -> None:
    assert stubs.PREDICTIONS.read_text(encoding="utf-8") == stubs.predictions_stub(), (
        "run `python tests/helpers/stubs.py`"
    )
    assert set(NAMES) <= set(dir(predictions))
    assert checks.names() == NAMES


@pytest.mark.parametrize("room", [predictions, checks])
def test_the_list_has_one_line_per_theorem(room: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    table = room.list()
    assert tuple(table["name"]) == NAMES
    assert list(table["claim"]) == [theorems.formula(name).summary for name in NAMES]
    lines = repr(table).splitlines()
    assert len(lines) == len(NAMES) + 1
    assert all(line.startswith(name) for line, name in zip(lines[1:], NAMES, strict=True))
    assert max(map(len, lines)) <= 90
    assert all(html.escape(claim) in table._repr_html_() for claim in table["claim"])
    assert "list" not in room.__all__


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'gamma_law'"):
        theorems.check("gama_law")
    with pytest.raises(AttributeError, match="no attribute 'gama_law'"):
        predictions.gama_law  # noqa: B018
