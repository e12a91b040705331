from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import deep_linear_modes
from lowcomplex.theorems.deep_linear_modes.formula import (
    discrete_recursion,
    half_time,
    null_start,
    random_start,
)
from lowcomplex.theorems.deep_linear_modes.mode_equations import layered_modes, unbalanced_mode


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


def test_half_time_is_when_the_sigmoid_is_half_way() -> None:
    assert deep_linear_modes([2.0], [0.1], [half_time(2.0, 0.1)])[0, 0] == pytest.approx(1.0)
    assert np.isnan(half_time(2.0, 1.0))


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


@pytest.mark.parametrize("depth", [2, 3, 4, 9])
@pytest.mark.parametrize(("strength", "initial"), [(2.0, 0.05), (2.0, 3.0), (0.0, 0.4), (1.5, 1.5)])
def test_solves_the_equation_of_a_mode_of_many_layers(depth: int, strength: float, initial: float) -> None:
    times = np.linspace(0, 3, 7)
    flow = solve_ivp(
        lambda _, u: depth * u ** (2 - 2 / depth) * (strength - u),
        (0, 3),
        [initial],
        t_eval=times,
        rtol=1e-11,
        atol=1e-13,
        method="DOP853",
    )
    modes = layered_modes([strength], [initial], times, depth=depth)
    np.testing.assert_allclose(modes[:, 0], flow.y[0], rtol=1e-8)


def test_two_layers_are_the_sigmoid() -> None:
    strengths, initial, times = [3.0, 1.0, 0.5, 0.0], [1e-6, 0.2, 2.0, 0.3], np.linspace(0, 9, 20)
    np.testing.assert_allclose(
        layered_modes(strengths, initial, times, depth=2),
        deep_linear_modes(strengths, initial, times),
        rtol=1e-10,
    )
    np.testing.assert_allclose(layered_modes([2.0], [1e-3], [1e9], depth=5), 2.0)


def test_layered_expressions_are_the_evaluator() -> None:
    rate = symbolic.function(deep_linear_modes, "rate of u, L layers", "u", "s", "L")
    null = symbolic.function(deep_linear_modes, "u(t) of a null mode, L layers", "u_0", "t", "L")
    h = 1e-4
    before, here, after = layered_modes([2.0], [0.1], [1.0 - h, 1.0, 1.0 + h], depth=3)[:, 0]
    assert (after - before) / (2 * h) == pytest.approx(rate(here, 2.0, 3), rel=1e-6)
    assert layered_modes([0.0], [0.7], [2.0], depth=4)[0, 0] == pytest.approx(null(0.7, 2.0, 4))
    elapsed = deep_linear_modes.expressions["L s^(2-2/L) t at u = s v"]
    by_name = {str(symbol): symbol for symbol in elapsed.free_symbols}
    ends = [float(elapsed.subs({by_name["v"]: u / 2.0, by_name["L"]: 3}).evalf()) for u in (0.1, here)]
    assert ends[1] - ends[0] == pytest.approx(3 * 2.0 ** (4 / 3) * 1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("strength", "initial", "imbalance"),
    [
        (2.0, 0.1, 0.5),
        (2.0, -1.0, 0.5),
        (1.0, 3.0, 0.01),
        (0.0, 0.3, 1.0),
        (0.5, 0.0, 1e-6),
        (1.0, 0.2, 1e-8),
    ],
)
def test_solves_the_equation_of_an_unbalanced_mode(strength: float, initial: float, imbalance: float) -> None:
    times = np.linspace(0, 3, 7)
    flow = solve_ivp(
        lambda _, u: np.sqrt(imbalance**2 + 4 * u**2) * (strength - u),
        (0, 3),
        [initial],
        t_eval=times,
        rtol=1e-12,
        atol=1e-15,
        method="DOP853",
    )
    modes = unbalanced_mode([strength], [initial], [imbalance], times)
    np.testing.assert_allclose(modes[:, 0], flow.y[0], atol=1e-9)


def test_unbalanced_mode_is_what_two_scalar_layers_do() -> None:
    a, b, s = 0.9, -0.2, 1.4
    flow = solve_ivp(
        lambda _, w: [w[1] * (s - w[0] * w[1]), w[0] * (s - w[0] * w[1])],
        (0, 2),
        [a, b],
        rtol=1e-11,
        atol=1e-13,
    )
    end = flow.y[:, -1]
    assert end[0] ** 2 - end[1] ** 2 == pytest.approx(a**2 - b**2, abs=1e-8)
    assert unbalanced_mode([s], [a * b], [abs(a**2 - b**2)], [2.0])[0, 0] == pytest.approx(
        end[0] * end[1], abs=1e-8
    )


def test_unbalanced_law_tends_to_the_balanced_one_and_to_an_exponential() -> None:
    times = np.linspace(0, 4, 9)
    balanced = deep_linear_modes([2.0], [0.1], times)
    errors = [
        np.abs(unbalanced_mode([2.0], [0.1], [length], times) - balanced).max() for length in (1e-2, 1e-3)
    ]
    assert np.log10(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.05)
    lazy = 2 - (2 - 0.1) * np.exp(-1e6 * times * 1e-5)
    slow = unbalanced_mode([2.0], [0.1], [1e6], times * 1e-5)
    # x is u/l, of order 1e-7 here, beside 1: nine digits are left.
    np.testing.assert_allclose(slow[:, 0], lazy, rtol=1e-8)


def test_unbalanced_expressions_are_the_evaluator() -> None:
    start = symbolic.function(deep_linear_modes, "x_0", "u_0", "l")(0.3, 0.8)
    x = symbolic.function(deep_linear_modes, "x(t)", "x_0", "l", "s", "t")(start, 0.8, 1.2, 0.7)
    u = symbolic.function(deep_linear_modes, "u of x", "x", "l")(x, 0.8)
    assert unbalanced_mode([1.2], [0.3], [0.8], [0.7])[0, 0] == pytest.approx(u, rel=1e-12)
    rate = symbolic.function(deep_linear_modes, "rate of u, unbalanced", "u", "l", "s")
    assert rate(1.2, 0.8, 1.2) == 0


def test_null_modes_stay_but_for_learned_hidden_directions() -> None:
    rng = np.random.default_rng(3)
    sigma, width, size = 1e-5, 40, 5
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    target = left[:, :2] * [3.0, 2.0] @ right[:, :2].T
    w1, w2 = sigma * rng.standard_normal((width, size)), sigma * rng.standard_normal((size, width))
    still = null_start(w1, w2, target)
    frozen = np.linalg.svd(left[:, 2:].T @ w2 @ w1 @ right[:, 2:], compute_uv=False)
    a, b = w1, w2
    for _ in range(1500):
        pull = target - b @ a
        a, b = a + 0.01 * b.T @ pull, b + 0.01 * pull @ a.T
    values = np.linalg.svd(b @ a, compute_uv=False)[2:]
    np.testing.assert_allclose(values, still, rtol=1e-5)
    assert 1e-3 < np.abs(values / frozen - 1).max() < 2 * np.sqrt(2 / width)


def test_bad_input_of_the_other_laws() -> None:
    with pytest.raises(ValueError, match="depth"):
        layered_modes([1.0], [0.1], [0.0], depth=1)
    with pytest.raises(ValueError, match="never grows"):
        layered_modes([1.0], [0.0], [0.0], depth=3)
    with pytest.raises(ValueError, match="strengths"):
        layered_modes([np.nan], [0.1], [0.0], depth=3)
    with pytest.raises(ValueError, match="imbalance"):
        unbalanced_mode([1.0], [0.1], [0.0], [1.0])
    with pytest.raises(ValueError, match="strengths"):
        unbalanced_mode([-1.0], [0.1], [1.0], [1.0])
