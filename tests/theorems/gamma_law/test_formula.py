from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symbolic
from lowcomplex.predictions import gamma_law
from lowcomplex.theorems.gamma_law.formula import width_exponent


def test_slope_is_the_depth_below_one_half_and_one_above() -> None:
    slopes = gamma_law([0.1, 0.4, 0.6, 1.5], [[2], [3], [4]])
    np.testing.assert_array_equal(slopes, [[2, 2, 1, 1], [3, 3, 1, 1], [4, 4, 1, 1]])
    assert np.isnan(gamma_law(0.5, 2))


@given(gamma=st.floats(-1, 3), depth=st.integers(2, 6))
def test_slope_is_the_derivative_of_the_exponent(gamma: float, depth: int) -> None:
    h = 1e-6
    if abs(gamma - 0.5) <= 2 * h:
        return
    difference = (width_exponent(gamma + h, depth) - width_exponent(gamma - h, depth)) / (2 * h)
    assert difference == pytest.approx(float(gamma_law(gamma, depth)), abs=1e-6)


def test_exponent_is_continuous_and_the_same_for_every_depth_at_the_boundary() -> None:
    np.testing.assert_allclose(width_exponent(0.5, [2, 3, 4]), -0.5)
    np.testing.assert_allclose(width_exponent(0.5 + 1e-12, [2, 3, 4]), -0.5)


def test_two_matrices_agree_with_the_phase_diagram() -> None:
    # Luo et al. 2021 with both layers at m^-γ, γ_L = 2γ, γ'_L = 0, RD = m^(γ_L - 1) and m^((γ_L - 1)/2),
    # on data of fixed dimension; unit-norm data of dimension m costs m^(-1/2) more.
    for gamma in (0.2, 0.4, 0.7, 1.2):
        luo = 2 * gamma - 1 if gamma < 0.5 else (2 * gamma - 1) / 2
        assert width_exponent(gamma, 2) == pytest.approx(luo - 0.5)


def test_expressions_are_the_evaluator() -> None:
    for gamma, arm in ((0.2, "lazy"), (1.4, "rich")):
        symbols = ("gamma", "L") if arm == "lazy" else ("gamma",)
        values = (gamma, 3)[: len(symbols)]
        exponent = symbolic.function(gamma_law, f"{arm} exponent in m", *symbols)(*values)
        assert exponent == pytest.approx(float(width_exponent(gamma, 3)))
        whole = symbolic.function(gamma_law, "log RD", "gamma", "L", "m")(gamma, 3, 100.0)
        assert whole == pytest.approx(np.log(100.0) * exponent)
    assert symbolic.function(gamma_law, "lazy slope", "L")(3) == gamma_law(0.2, 3)
    assert gamma_law.expressions["rich slope"] == 1


@pytest.mark.parametrize(("gamma", "depth", "name"), [(np.nan, 2, "gamma"), (0.3, 1, "depth")])
def test_bad_input(gamma: float, depth: int, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        gamma_law(gamma, depth)


def test_regime() -> None:
    assert "lazy" in gamma_law.regime(gamma=0.2).reason
    assert "rich" in gamma_law.regime(gamma=1.3).reason
    assert not gamma_law.regime(gamma=0.5)
    assert "1/(2L)" in gamma_law.regime(gamma=0.2, unit_norm_inputs=False).reason
