from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

import symbolic
from lowcomplex.predictions import escape_power_law
from lowcomplex.theorems.escape_power_law.formula import PowerLaw, escape_tail
from lowcomplex.theorems.formulas.blow_up import time_of_blow_up


def _problem(seed: int, neurons: int = 12) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((10, 3)),
        rng.standard_normal(10),
        rng.standard_normal((neurons, 3)),
        rng.standard_normal(neurons),
    )


def _aligned(p: int, size: float) -> tuple[np.ndarray, ...]:
    """One sample, one input, one balanced neuron: a scalar equation."""
    return np.array([[1.0]]), np.array([2.0]), np.array([[size]]), np.array([size / np.sqrt(p)])


@pytest.mark.parametrize("p", [2, 3, 4])
def test_one_neuron_blows_up_at_its_quadrature(p: int) -> None:
    # ẇ = p a τ w^(p-1) with a = w/√p.
    expected = quad(lambda w: 1 / (np.sqrt(p) * 2.0 * w**p), 0.7, np.inf)[0]
    law = escape_power_law(*_aligned(p, 0.7), p)
    assert law.blow_up == pytest.approx(expected, rel=1e-8)
    np.testing.assert_allclose(law.direction, [1.0])
    assert law.value == pytest.approx(2.0)


@pytest.mark.parametrize("p", [2, 3])
def test_tail_is_what_is_left_to_one_neuron(p: int) -> None:
    share, loss = 1e-3, 2.0
    law = escape_power_law(*_aligned(p, 1.0), p)
    # D = a τ w^p = τ w^(p+1)/√p has reached δ L_0 at this w.
    w = (share * loss * np.sqrt(p) / 2.0) ** (1 / (p + 1))
    expected = escape_power_law(*_aligned(p, w), p).blow_up
    leading = escape_tail(law, [[1.0]], p, loss, share=share, feedback=False)
    assert leading == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("p", [2, 3])
def test_feedback_is_that_of_the_whole_loss(p: int) -> None:
    target = 2.0
    law = escape_power_law(*_aligned(p, 1.0), p)
    start, loss, share = 1e-3, target**2 / 2, 1e-2

    def rate(w: float) -> float:
        return float(np.sqrt(p) * (target - w ** (p + 1) / np.sqrt(p)) * w**p)

    end = ((1 - np.sqrt(1 - share)) * target * np.sqrt(p)) ** (1 / (p + 1))
    whole = quad(lambda s: np.exp(s) / rate(np.exp(s)), np.log(start), np.log(end), limit=400)[0]
    leading = escape_power_law(*_aligned(p, start), p).blow_up
    tail = escape_tail(law, [[1.0]], p, loss, share=share)
    alone = escape_tail(law, [[1.0]], p, loss, share=share, feedback=False)
    assert leading - whole == pytest.approx(float(tail), rel=3 * float(1 - tail / alone) ** 2)
    assert abs(leading - whole - alone) > 10 * abs(leading - whole - tail)


@pytest.mark.parametrize("p", [2, 3])
def test_scale_permutation_and_duplication(p: int) -> None:
    x, y, w, a = _problem(1)
    law = escape_power_law(x, y, w, a, p)
    smaller = escape_power_law(x, y, 1e-6 * w, 1e-6 * a, p)
    assert smaller.blow_up == pytest.approx(1e6 ** (p - 1) * law.blow_up, rel=1e-7)
    turned = escape_power_law(x[::-1], y[::-1], w[::-1], a[::-1], p)
    assert turned.blow_up == pytest.approx(law.blow_up, rel=1e-7)
    alone = min(_single(x, y, w[k], a[k], p) for k in range(len(a)))
    assert law.blow_up == pytest.approx(alone, rel=1e-7)


def _single(x: np.ndarray, y: np.ndarray, w: np.ndarray, a: float, p: int) -> float:
    try:
        return escape_power_law(x, y, w[None], np.array([a]), p).blow_up
    except ArithmeticError:
        return np.inf


def test_blow_up_of_a_known_flow() -> None:
    # ẋ = x², ẏ = xy: x = 1/(1 - t).
    end = time_of_blow_up(lambda s: np.array([s[0] ** 2, s[0] * s[1]]), np.array([1.0, 0.5]), 2)
    assert end.time == pytest.approx(1.0, rel=1e-8)
    assert end.state[1] / end.state[0] == pytest.approx(0.5)
    with pytest.raises(ArithmeticError, match="did not grow"):
        time_of_blow_up(lambda s: -(s**2), np.array([1.0]), 2)


def test_expressions_are_the_evaluators() -> None:
    x, y, w, a = _problem(2)
    law = escape_power_law(x, y, w, a, 3)
    formula = symbolic.function(escape_power_law, "tail", "D", "tau", "p", "Q")
    second = np.mean((x @ law.direction) ** 6)
    tail = escape_tail(law, x, 3, 0.8, share=1e-2)
    assert formula(0.8e-2, law.value, 3, second) == pytest.approx(float(tail))
    formula = symbolic.function(escape_power_law, "T", "T_1", "sigma", "p")
    assert formula(law.blow_up, 1e-3, 3) == pytest.approx(law.blow_up * 1e6)


def test_bad_input() -> None:
    x, y, w, a = _problem(0)
    with pytest.raises(ValueError, match="inputs, targets: expected"):
        escape_power_law(x, y[:-1], w, a, 2)
    with pytest.raises(ValueError, match="input_weight, output_weight"):
        escape_power_law(x, y, w, a[:-1], 2)
    with pytest.raises(ValueError, match="NaN"):
        escape_power_law(x, np.nan * y, w, a, 2)
    with pytest.raises(ValueError, match="at least 2"):
        escape_power_law(x, y, w, a, 1)


def test_regime() -> None:
    assert escape_power_law.regime(sigma=1e-3, multiplicity=2)
    assert not escape_power_law.regime(sigma=1e-3, multiplicity=1)
    assert not escape_power_law.regime(sigma=0.5, multiplicity=2)
    assert isinstance(escape_power_law(*_problem(0), 2), PowerLaw)
