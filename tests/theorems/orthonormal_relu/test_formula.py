from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import orthonormal_relu
from lowcomplex.theorems.orthonormal_relu.formula import norm_excess, partial_rates


def _targets(seed: int, n: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 2, n) * rng.choice([-1, 1], n)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 7))
def test_rates_are_the_largest_over_all_parts_of_a_group(seed: int, n: int) -> None:
    y = _targets(seed, n)
    everything = []
    for sign in (1, -1):
        group = y[sign * y > 0]
        parts = [part for size in range(1, len(group)) for part in combinations(group, size)]
        ratios = sorted((np.linalg.norm(part) / np.linalg.norm(group) for part in parts), reverse=True)
        np.testing.assert_allclose(partial_rates(y, sign), ratios[:2], rtol=1e-12)
        everything += ratios
    law = orthonormal_relu(y)
    expected = [*sorted(everything, reverse=True), 0.0, 0.0]
    assert law.rho == pytest.approx(expected[0])
    assert law.runner_up == pytest.approx(expected[1])
    assert law.norm_exponent == pytest.approx(2 * (1 - expected[0]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-12, 1.0, 1e12]))
def test_invariances(seed: int, scale: float) -> None:
    y = _targets(seed)
    law, other = orthonormal_relu(y), orthonormal_relu(-scale * np.random.default_rng(seed).permutation(y))
    np.testing.assert_allclose(other.singular_values, np.sqrt(scale) * law.singular_values)
    assert other.norm == pytest.approx(scale * law.norm)
    assert other.stable_rank == pytest.approx(law.stable_rank)
    assert other.rho == pytest.approx(law.rho)


def test_the_worked_example() -> None:
    law = orthonormal_relu([1, 1.2, -1, -0.8])
    assert law.stable_rank == pytest.approx(1.81984, abs=1e-5)
    assert law.norm_exponent == pytest.approx(0.438, abs=1e-3)
    np.testing.assert_allclose(np.square(law.singular_values), [np.hypot(1, 1.2), np.hypot(1, 0.8), 0, 0])


def test_one_group_and_groups_of_one_sample() -> None:
    law = orthonormal_relu([3.0, 4.0])
    np.testing.assert_allclose(law.singular_values, [np.sqrt(5), 0])
    assert law.stable_rank == 1
    assert orthonormal_relu([2.0]).norm == 2
    pair = orthonormal_relu([2.0, -1.0])
    assert (pair.rho, pair.norm_exponent, pair.value_exponent) == (0, 2, 1)


def _quiet_start(seed: int, y: np.ndarray, neurons: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((neurons, len(y)))
    a = rng.choice([-1, 1], neurons) * np.linalg.norm(z, axis=1)
    z[0], a[0], z[1], a[1] = np.abs(z[0]), np.abs(a[0]), np.abs(z[1]), -np.abs(a[1])
    return np.where(a[:, None] * y > 0, z, -np.abs(z)), a


def test_excess_is_that_of_the_flow() -> None:
    y, sigma = np.array([1.0, 0.6, -1.1, -0.5]), 1e-9
    z, a = _quiet_start(2, y)
    z, a = sigma * z, sigma * a
    shape = z.shape

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        outputs, weights = flat[: len(a)], flat[len(a) :].reshape(shape)
        hidden = np.maximum(weights, 0)
        residual = (y - outputs @ hidden) / len(y)
        return np.append(hidden @ residual, outputs[:, None] * (hidden > 0) * residual)

    end = solve_ivp(slope, (0, 300), np.append(a, z), method="DOP853", rtol=1e-11, atol=1e-18).y[:, -1]
    outputs, weights = end[: len(a)], end[len(a) :].reshape(shape)
    np.testing.assert_allclose(outputs @ np.maximum(weights, 0), y, atol=1e-9)
    excess = (np.abs(outputs) * np.linalg.norm(weights, axis=1)).sum() - orthonormal_relu(y).norm
    assert excess == pytest.approx(float(norm_excess(y, z, a)), rel=1e-2)
    assert excess > 1e-5


def test_excess_scales_with_its_exponent_where_one_remainder_leads() -> None:
    y = np.array([1.0, 0.6, -1.1])
    z = np.array([[1.0, 2.0, -1.0], [1.0, -1.0, -1.0], [-1.0, -2.0, 0.5]])
    a = np.array([2.0, 1.0, -1.0])
    both = norm_excess(y, np.stack((1e-6 * z, 1e-9 * z)), np.stack((1e-6 * a, 1e-9 * a)))
    law = orthonormal_relu(y)
    assert both.shape == (2,)
    assert np.log(both[0] / both[1]) / np.log(1e3) == pytest.approx(law.norm_exponent)


def test_expressions_are_the_evaluator() -> None:
    y = np.array([1.0, 0.6, -1.1])
    law = orthonormal_relu(y)
    plus, minus = np.hypot(1.0, 0.6), 1.1
    assert symbolic.function(orthonormal_relu, "norm", "Y_plus", "Y_minus")(plus, minus) == law.norm
    rank = symbolic.function(orthonormal_relu, "stable rank", "Y_plus", "Y_minus")(plus, minus)
    assert rank == pytest.approx(law.stable_rank)
    assert symbolic.function(orthonormal_relu, "norm exponent", "rho")(law.rho) == law.norm_exponent
    assert symbolic.function(orthonormal_relu, "value exponent", "rho")(law.rho) == law.value_exponent
    # One full neuron of each group with p = 1, and one partial neuron with p = 4, all in units of σ.
    z = np.array([[1.0, 0.6, -1.0], [2.0, -1.0, -1.0], [-1.0, -1.0, 1.0]])
    a = np.array([2 - plus, 2.0, -1.0])
    reached = symbolic.function(orthonormal_relu, "E_A", "e_A", "sigma", "Y", "e_full", "rho")
    share = symbolic.function(orthonormal_relu, "norm excess per E_A", "rho")
    expected = reached(4.0, 1e-5, plus, 1.0, law.rho) * share(law.rho)
    assert norm_excess(y, 1e-5 * z, 1e-5 * a) == pytest.approx(expected)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="one is zero"):
        orthonormal_relu([1.0, 0.0])
    with pytest.raises(ValueError, match="NaN"):
        orthonormal_relu([1.0, np.nan])
    with pytest.raises(ValueError, match=r"expected \(n,\)"):
        orthonormal_relu([[1.0]])
    y = np.array([1.0, 0.6, -1.1, -0.5])
    z, a = _quiet_start(0, y)
    with pytest.raises(ValueError, match="wrong sign"):
        norm_excess(y, np.abs(z), a)
    with pytest.raises(ValueError, match="no neuron that is active on all"):
        norm_excess(y, z[1:2], a[1:2])
    with pytest.raises(ValueError, match="do not fit"):
        norm_excess(y, z[:, :3], a)


def test_regime() -> None:
    assert orthonormal_relu.regime(sigma=1e-12, rho=0.78)
    assert "not small" in orthonormal_relu.regime(sigma=1e-3, rho=0.78).reason
    assert "no neuron" in orthonormal_relu.regime(sigma=1e-12, active=False).reason
