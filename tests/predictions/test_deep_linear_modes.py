from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import deep_linear_modes, discrete_recursion, random_start


@settings(max_examples=30, deadline=None)
@given(
    strength=st.one_of(st.just(0.0), st.floats(0.1, 5.0)),
    initial=st.floats(1e-6, 8.0),
)
def test_solves_the_equation_of_a_mode(strength: float, initial: float) -> None:
    times = np.linspace(0, 4, 9)
    flow = solve_ivp(
        lambda _, u: 2 * u * (strength - u),
        (0, 4),
        [initial],
        t_eval=times,
        rtol=1e-10,
        atol=1e-14,
        method="LSODA",
    )
    modes = deep_linear_modes([strength], [initial], times)
    np.testing.assert_allclose(modes[:, 0], flow.y[0], rtol=1e-6)


def test_expressions_are_the_evaluator() -> None:
    sigmoid = symbolic.function(deep_linear_modes, "u(t)", "s", "u_0", "t")
    null = symbolic.function(deep_linear_modes, "u(t) of a null mode", "u_0", "t")
    modes = deep_linear_modes([2.0, 0.0], [0.1, 0.3], [0.0, 1.5])
    np.testing.assert_allclose(modes[:, 0], sigmoid(2.0, 0.1, np.array([0.0, 1.5])))
    np.testing.assert_allclose(modes[:, 1], null(0.3, np.array([0.0, 1.5])))


def test_late_times_do_not_overflow() -> None:
    np.testing.assert_allclose(deep_linear_modes([3.0], [1e-9], [1e6]), 3.0)


def test_recursion_is_what_two_scalar_layers_do() -> None:
    a = b = np.sqrt(0.05)
    path = [a * b]
    for _ in range(20):
        error = 1.3 - a * b
        a, b = a + 0.02 * b * error, b + 0.02 * a * error
        path.append(a * b)
    found = discrete_recursion([1.3], [0.05], step=0.02, steps=20)
    np.testing.assert_allclose(found[:, 0], path, rtol=1e-12)


def test_random_start_of_a_balanced_network_is_its_own_modes() -> None:
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((4, 4)))[0] for _ in range(2))
    middle = np.linalg.qr(rng.standard_normal((9, 4)))[0]
    strengths, initial = np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.4, 0.1, 0.2, 0.7])
    target = left * strengths @ right.T
    w1, w2 = middle * np.sqrt(initial) @ right.T, left * np.sqrt(initial) @ middle.T
    found_strengths, found = random_start(w1, w2, target)
    np.testing.assert_allclose(found_strengths, strengths[:3])
    np.testing.assert_allclose(found, initial[:3])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="strengths"):
        deep_linear_modes([-1.0], [0.1], [0.0])
    with pytest.raises(ValueError, match="never grows"):
        deep_linear_modes([1.0], [0.0], [0.0])


def test_regime() -> None:
    assert deep_linear_modes.regime(sigma=1e-4, width=100, time=5.0, smallest=1.0)
    assert not deep_linear_modes.regime(sigma=0.3, width=100, time=5.0, smallest=1.0)
    assert "aligned" in deep_linear_modes.regime(sigma=1e-4, width=100, time=0.1, smallest=1.0).reason
