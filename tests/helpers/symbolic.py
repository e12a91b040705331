"""The symbolic form of a prediction as a numpy function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from lowcomplex.predictions import Prediction


def function(prediction: Prediction[..., Any], expression: str, *symbols: str) -> Callable[..., Any]:
    """One of a prediction's expressions, of arguments in the order of `symbols`."""
    formula = prediction.expressions[expression]
    by_name = {str(symbol): symbol for symbol in formula.free_symbols}
    assert set(by_name) == set(symbols), f"{expression} has the symbols {sorted(by_name)}"
    return sp.lambdify([by_name[symbol] for symbol in symbols], formula, "numpy")
