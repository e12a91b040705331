from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

import symbolic
from lowcomplex.predictions import phase_diagram
from lowcomplex.theorems.phase_diagram.formula import boundary_distance, luo_coordinates

PLANE = np.array([[0.5, -0.5], [1.5, -1.0], [0.5, 0.5], [1.5, 1.5], [2.5, 0.5], [2.0, -0.5], [-1.0, 0.3]])


def _exact(gamma_l: float, gamma_prime: float, log_width: float) -> tuple[float, float]:
    """log ‖Δw‖/‖w_0‖ and log ‖Δθ‖/‖θ_0‖ of a linear network on one sample, where everything is solvable.

    a and u = w·x turn hyperbolically: a = a_0 cosh τ + u_0 sinh τ; the gain A sinh(2τ)/2, A = m(β1² + β2²),
    reaches the target 1. Logarithms throughout, so that widths may be astronomical.
    """
    log_a2 = log_width * (1 - gamma_l - gamma_prime)
    log_w2 = log_width * (1 - gamma_l + gamma_prime)
    log_kernel = np.logaddexp(log_a2, log_w2)
    tau = np.arcsinh(2 * np.exp(-log_kernel)) / 2 if log_kernel > -600 else (np.log(4) - log_kernel) / 2

    def log_rotated(kept: float, other: float) -> float:
        # kept² (cosh τ - 1)² + other² sinh² τ, the cross term vanishing as independent draws do.
        log_sinh_half = np.log(np.sinh(tau / 2)) if tau < 300 else tau / 2 - np.log(2)
        log_sinh = np.log(np.sinh(tau)) if tau < 300 else tau - np.log(2)
        return float(np.logaddexp(kept + 2 * np.log(2) + 4 * log_sinh_half, other + 2 * log_sinh))

    moved_w, moved_a = log_rotated(log_w2, log_a2), log_rotated(log_a2, log_w2)
    return (moved_w - log_w2) / 2, (np.logaddexp(moved_w, moved_a) - log_kernel) / 2


@pytest.mark.parametrize(("gamma_l", "gamma_prime"), PLANE)
def test_exponents_are_those_of_the_solvable_network(gamma_l: float, gamma_prime: float) -> None:
    near, far = (np.array(_exact(gamma_l, gamma_prime, log_width)) for log_width in (60.0, 120.0))
    expected = [phase_diagram(gamma_l, gamma_prime, all_weights=every) for every in (False, True)]
    np.testing.assert_allclose((far - near) / 60, expected, atol=0.01)


@given(gamma_l=st.floats(-2, 3), gamma_prime=st.floats(-2, 2))
def test_cases_in_the_source_s_words(gamma_l: float, gamma_prime: float) -> None:
    if gamma_prime <= 0 and (gamma_l < 1 or gamma_l + gamma_prime < 1):
        expected = gamma_l - 1
    elif gamma_l < 1 or gamma_prime > gamma_l - 1:
        expected = max(gamma_l - 2 * gamma_prime - 1, 2 * (gamma_l - gamma_prime - 1))
    else:
        expected = (gamma_l - gamma_prime - 1) / 2
    assert float(phase_diagram(gamma_l, gamma_prime)) == pytest.approx(expected, abs=1e-12)


@given(gamma_l=st.floats(-2, 3), gamma_prime=st.floats(-2, 2))
def test_linear_regime_is_where_the_exponent_is_negative(gamma_l: float, gamma_prime: float) -> None:
    linear = gamma_l < 1 or gamma_prime > gamma_l - 1
    exponent = float(phase_diagram(gamma_l, gamma_prime))
    assert exponent < 1e-12 if linear else exponent > -1e-12


@given(gamma_l=st.floats(-2, 3), gamma_prime=st.floats(-2, 2))
def test_exponents_are_continuous_and_all_weights_ignore_which_layer_is_which(
    gamma_l: float, gamma_prime: float
) -> None:
    step = 1e-7
    for every in (False, True):
        here = phase_diagram(gamma_l, gamma_prime, all_weights=every)
        around = phase_diagram(gamma_l + step, gamma_prime + np.array([-step, step]), all_weights=every)
        np.testing.assert_allclose(around, here, atol=1e-6)
    mirrored = phase_diagram(gamma_l, -gamma_prime, all_weights=True)
    assert mirrored == phase_diagram(gamma_l, gamma_prime, all_weights=True)


def test_expressions_are_the_evaluator() -> None:
    for name, every in (("exponent of w", False), ("exponent of all weights", True)):
        formula = phase_diagram.expressions[name]
        g, h = sp.symbols("gamma_L gamma_prime", real=True)
        symbolically = [float(formula.subs({g: point[0], h: point[1]})) for point in PLANE]
        np.testing.assert_allclose(phase_diagram(*PLANE.T, all_weights=every), symbolically)
    kernel = symbolic.function(phase_diagram, "exponent of the kernel", "gamma_L", "gamma_prime")
    np.testing.assert_allclose(boundary_distance(*PLANE.T), kernel(*PLANE.T))


def test_coordinates_are_the_exponents_of_the_scales() -> None:
    width = np.array([100.0, 1000.0])
    point = luo_coordinates(width**-0.9, width**-0.4, width)
    np.testing.assert_allclose(point, [[1.3, 1.3], [0.5, 0.5]])
    # f/α moves as a network whose scales are both divided by sqrt(α).
    scaled = luo_coordinates(0.01, 0.2, 64, output_scale=9.0)
    np.testing.assert_allclose(scaled, luo_coordinates(0.01 / 3, 0.2 / 3, 64))


def test_the_boundary_is_the_zero_of_the_exponent() -> None:
    crossing = brentq(lambda g: float(phase_diagram(g, 0.25)), 0.5, 2.5)
    assert crossing == pytest.approx(1.25)
    assert float(boundary_distance(1.25, 0.25)) == 0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="gamma_prime"):
        phase_diagram(1.0, np.nan)
    with pytest.raises(ValueError, match="input_std"):
        luo_coordinates(1.0, 0.0, 10)
    with pytest.raises(ValueError, match="width"):
        luo_coordinates(1.0, 1.0, 1)


def test_regime() -> None:
    assert "condensed" in phase_diagram.regime(gamma_l=2.0, gamma_prime=0.0).reason
    assert "output weights" in phase_diagram.regime(gamma_l=0.5, gamma_prime=0.5).reason
    assert "still leave" in phase_diagram.regime(gamma_l=1.5, gamma_prime=-1.0).reason
    assert "boundary" in phase_diagram.regime(gamma_l=1.1, gamma_prime=0.0).reason
    assert not phase_diagram.regime(gamma_l=0.5, gamma_prime=0.0, unit_norm_inputs=False)
    assert not phase_diagram.regime(gamma_l=0.5, gamma_prime=0.0, fixed_inputs=False)
