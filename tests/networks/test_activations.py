from __future__ import annotations

import pytest
import sympy as sp
import torch

from lowcomplex.networks import activation, multiplicity

FORMULAS = {"tanh": "tanh(z)", "xtanh": "z*tanh(z)", "x2tanh": "z**2*tanh(z)", "linear": "z"}


@pytest.mark.parametrize("name", FORMULAS)
def test_multiplicity_is_the_order_of_the_first_nonzero_derivative(name: str) -> None:
    z = sp.Symbol("z")
    formula = sp.sympify(FORMULAS[name], locals={"z": z})
    derivatives = [sp.diff(formula, z, order).subs(z, 0) for order in range(6)]
    assert multiplicity(name) == next(order for order, value in enumerate(derivatives) if value != 0)
    points = torch.linspace(-2, 2, 9, dtype=torch.float64)
    expected = torch.from_numpy(sp.lambdify(z, formula, "numpy")(points.numpy()))
    torch.testing.assert_close(activation(name)(points), expected)


def test_no_multiplicity_without_a_smooth_zero() -> None:
    assert multiplicity("relu") is None
    assert multiplicity("sigmoid") is None


def test_unknown_activation() -> None:
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        activation("rellu")
