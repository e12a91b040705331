"""What every prediction owes its reader: a claim, where it holds, who said it, and a formula."""

from __future__ import annotations

import inspect
import re

import pytest
import sympy as sp

from lowcomplex import predictions
from lowcomplex.predictions import Prediction

EVERY = {
    name: value for name in predictions.__all__ if isinstance(value := getattr(predictions, name), Prediction)
}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_says_what_where_and_who(name: str) -> None:
    prediction = EVERY[name]
    assert prediction.name == name
    assert prediction.statement.endswith(".")
    assert prediction.hypotheses
    assert all(prediction.hypotheses)
    assert re.search(r"\b(19|20)\d\d\b|\(\d{4}\.\d{5}\)|[Dd]erived", prediction.source)
    assert prediction.kind in {"exact", "rate", "null"}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_formulas_are_symbolic(name: str) -> None:
    expressions = EVERY[name].expressions
    assert expressions
    assert all(isinstance(expression, sp.Basic) for expression in expressions.values())
    # A formula without a symbol would be a number that nobody derived.
    assert any(expression.free_symbols for expression in expressions.values())


@pytest.mark.parametrize("name", sorted(EVERY))
def test_evaluator_is_documented_with_its_regime(name: str) -> None:
    prediction = EVERY[name]
    document = inspect.getdoc(prediction.evaluate) or ""
    assert "Args:" in document
    assert "Returns:" in document
    assert "Raises:" in document
    parameters = inspect.signature(prediction.regime).parameters
    assert parameters, "a regime that depends on nothing decides nothing"
