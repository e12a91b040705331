from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import symbolic
from lowcomplex.predictions import diagonal_linear
from lowcomplex.theorems.diagonal_linear.formula import least_norm_correction, minimum_norm


def _problem(seed: int, n: int = 4, d: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), exponent=st.floats(-2, 1))
def test_interpolates_and_no_interpolator_has_a_smaller_penalty(seed: int, exponent: float) -> None:
    x, y = _problem(seed)
    alpha = 10.0**exponent
    penalty = symbolic.function(diagonal_linear, "q(z)", "z")
    beta = diagonal_linear(x, y, alpha=alpha)
    np.testing.assert_allclose(x @ beta, y, atol=1e-9 * np.abs(y).max())
    # Directions that keep Xβ: the penalty is stationary along all of them, and convex.
    kernel = np.linalg.svd(x)[2][len(y) :]
    stationarity = symbolic.function(diagonal_linear, "stationarity", "beta", "alpha")(beta, alpha)
    assert np.abs(kernel @ stationarity).max() < 1e-7 * max(1, np.abs(stationarity).max())
    rng = np.random.default_rng(seed)
    for _ in range(5):
        other = beta + 0.3 * rng.standard_normal(len(kernel)) @ kernel
        assert penalty(other / alpha**2).sum() >= penalty(beta / alpha**2).sum() * (1 - 1e-12)


def test_small_scale_approaches_basis_pursuit() -> None:
    x, y = _problem(1)
    n, d = x.shape
    sparse = linprog(np.ones(2 * d), A_eq=np.hstack((x, -x)), b_eq=y, bounds=(0, None))
    least = float(sparse.fun)
    norms = [float(np.abs(diagonal_linear(x, y, alpha=alpha)).sum()) for alpha in (1.0, 1e-2, 1e-4)]
    excess = np.array(norms) / least - 1
    assert (excess > -1e-9).all()
    assert excess[0] > excess[1] > excess[2]
    assert excess[2] < 2e-2
    assert n < d


def test_large_scale_approaches_the_least_norm_solution_as_its_fourth_power() -> None:
    x, y = _problem(2)
    distances = [np.linalg.norm(diagonal_linear(x, y, alpha=a) - minimum_norm(x, y)) for a in (4.0, 8.0)]
    assert np.log2(distances[0] / distances[1]) == pytest.approx(4.0, abs=0.05)


def test_correction_to_the_least_norm_solution() -> None:
    x, y = _problem(3)
    correction = least_norm_correction(x, y)
    np.testing.assert_allclose(x @ correction, 0, atol=1e-12)
    misses = []
    for alpha in (4.0, 8.0):
        first = minimum_norm(x, y) + correction / alpha**4
        misses.append(np.linalg.norm(diagonal_linear(x, y, alpha=alpha) - first))
    # What is left is of order α^-8.
    assert np.log2(misses[0] / misses[1]) == pytest.approx(8.0, abs=0.5)
    slope = symbolic.function(diagonal_linear, "slope at large alpha", "beta", "alpha")
    exact = symbolic.function(diagonal_linear, "stationarity", "beta", "alpha")
    assert slope(1.0, 9.0) == pytest.approx(exact(1.0, 9.0), rel=1e-8)


def test_expressions_are_consistent() -> None:
    slope = symbolic.function(diagonal_linear, "q'(z)", "z")
    penalty = symbolic.function(diagonal_linear, "q(z)", "z")
    z, h = np.linspace(-5, 5, 7), 1e-6
    np.testing.assert_allclose(slope(z), (penalty(z + h) - penalty(z - h)) / (2 * h), atol=1e-8)
    beta = symbolic.function(diagonal_linear, "beta(nu)", "alpha", "nu")(0.7, 1.3)
    stationarity = symbolic.function(diagonal_linear, "stationarity", "beta", "alpha")
    assert stationarity(beta, 0.7) == pytest.approx(1.3)


def test_zero_targets_need_no_weights() -> None:
    x, _ = _problem(0)
    np.testing.assert_array_equal(diagonal_linear(x, np.zeros(4), alpha=0.1), 0.0)


def test_bad_input() -> None:
    x, y = _problem(0)
    with pytest.raises(ValueError, match="alpha"):
        diagonal_linear(x, y, alpha=0.0)
    with pytest.raises(ValueError, match="independent rows"):
        diagonal_linear(np.vstack((x, x[:1])), np.append(y, y[0]), alpha=1.0)
    with pytest.raises(ValueError, match=r"expected \(n, d\)"):
        diagonal_linear(x, y[:-1], alpha=1.0)
    with pytest.raises(ValueError, match="NaN or infinite"):
        diagonal_linear(x, y * np.nan, alpha=1.0)


def test_regime() -> None:
    assert diagonal_linear.regime(samples=3, dimension=5)
    assert not diagonal_linear.regime(samples=6, dimension=5)


def test_newton_goes_on_where_differences_of_its_objective_drown_in_rounding() -> None:
    rng = np.random.default_rng(382)
    x, sparse = rng.standard_normal((6, 15)) / np.sqrt(6), np.zeros(15)
    sparse[:3] = rng.standard_normal(3)
    beta = diagonal_linear(x, x @ sparse, alpha=np.geomspace(0.05, 2, 25)[13])
    np.testing.assert_allclose(x @ beta, x @ sparse, atol=1e-11)
