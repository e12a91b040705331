from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from lowcomplex.theorems._closed_form import closed_form


def _expressions() -> dict[str, sp.Expr]:
    s, t = sp.symbols("s t", positive=True)
    return {"decay": s * sp.exp(-2 * s * t), "one": sp.Integer(1)}


def test_function_is_the_expression_over_broadcast_arrays() -> None:
    s, t = np.array([[0.5], [2.0]]), np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(closed_form(_expressions, "decay", "s", "t")(s, t), s * np.exp(-2 * s * t))


def test_a_constant_has_the_shape_of_its_arguments() -> None:
    assert closed_form(_expressions, "one", "s")([1, 2, 3]).tolist() == [1, 1, 1]


def test_a_symbol_that_is_no_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="depends on t"):
        closed_form(_expressions, "decay", "s")(1.0)
