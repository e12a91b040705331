from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import linear_stage
from lowcomplex.theorems.linear_stage.formula import driving_vector


def _start(seed: int, neurons: int = 7, inputs: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((neurons, inputs)),
        rng.standard_normal(neurons),
        rng.standard_normal(inputs),
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(0, 50), share=st.floats(0.01, 0.5))
def test_is_what_the_linear_recursion_gives(seed: int, steps: int, share: float) -> None:
    w, a, v = _start(seed)
    step = share / np.linalg.norm(v)
    predicted = linear_stage(w, a, v, step=step, steps=steps)
    for _ in range(steps):
        w, a = w + step * a[:, None] * v, a + step * w @ v
    np.testing.assert_allclose(predicted.input_weight, w, rtol=1e-9, atol=1e-9 * np.abs(w).max())
    np.testing.assert_allclose(predicted.output_weight, a, rtol=1e-9, atol=1e-9 * np.abs(a).max())
    cosine = w @ v / (np.linalg.norm(w, axis=1) * np.linalg.norm(v))
    np.testing.assert_allclose(predicted.cosine, cosine, atol=1e-9)


def test_expressions_are_the_evaluator() -> None:
    w, a, v = _start(0)
    rate = float(np.linalg.norm(v))
    u = w @ v / rate
    predicted = linear_stage(w, a, v, step=0.1, steps=9)
    for name, measured in (
        ("a_N", predicted.output_weight),
        ("u_N", predicted.input_weight @ v / rate),
    ):
        formula = symbolic.function(linear_stage, name, "a_0", "u_0", "eta", "lambda", "N")
        np.testing.assert_allclose(formula(a, u, 0.1, rate, 9), measured, rtol=1e-12)


def test_continuous_form_solves_the_flow() -> None:
    a0, u0, rate = 0.3, -0.8, 1.7
    flow = solve_ivp(lambda _, s: rate * s[::-1], (0, 2.0), [a0, u0], rtol=1e-11, atol=1e-13).y[:, -1]
    for index, name in enumerate(("a(t)", "u(t)")):
        formula = symbolic.function(linear_stage, name, "a_0", "u_0", "lambda", "t")
        assert formula(a0, u0, rate, 2.0) == pytest.approx(flow[index], rel=1e-8)


def test_many_times_and_many_networks_at_once() -> None:
    w, a, v = _start(1)
    both = linear_stage(np.stack((w, 2 * w)), np.stack((a, 2 * a)), v, step=0.1, steps=[3, 8])
    for index, steps in enumerate((3, 8)):
        alone = linear_stage((index + 1) * w, (index + 1) * a, v, step=0.1, steps=steps)
        np.testing.assert_allclose(both.input_weight[index], alone.input_weight)
        np.testing.assert_allclose(both.cosine[index], alone.cosine)


def test_every_neuron_ends_on_the_line_of_v() -> None:
    w, a, v = _start(2)
    limit = np.sign(a + w @ v / np.linalg.norm(v))
    end = linear_stage(w, a, v, step=0.1, steps=400)
    np.testing.assert_allclose(end.cosine, limit, atol=1e-9)


def test_driving_vector_is_the_correlation_of_inputs_and_targets() -> None:
    x, y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([1.0, -2.0])
    np.testing.assert_allclose(driving_vector(x, y, slope=2.0), [-5.0, 4.0])


def test_bad_input() -> None:
    w, a, v = _start(0)
    with pytest.raises(ValueError, match="v: is zero"):
        linear_stage(w, a, 0 * v, step=0.1, steps=1)
    with pytest.raises(ValueError, match="step"):
        linear_stage(w, a, v, step=100.0, steps=1)
    with pytest.raises(ValueError, match=r"inputs, targets: expected \(n, d\)"):
        driving_vector(np.ones((3, 2)), np.ones(4))
    with pytest.raises(ValueError, match="NaN"):
        driving_vector(np.full((3, 2), np.nan), np.ones(3))


def test_regime() -> None:
    assert linear_stage.regime(sigma=1e-6)
    assert "multiplicity 2" in linear_stage.regime(sigma=1e-6, multiplicity=2).reason
    assert not linear_stage.regime(sigma=0.1)
