from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbolic
from lowcomplex.predictions import escape_time, linear_stage
from lowcomplex.theorems.escape_time.formula import escape_delay, escape_gamma_slope
from lowcomplex.theorems.linear_stage.formula import driving_vector


def _problem(seed: int, neurons: int = 30) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((20, 4)), rng.standard_normal(20)
    return x, y, rng.standard_normal((neurons, 4)), rng.standard_normal(neurons)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), step=st.sampled_from([0.0, 0.05]))
def test_the_linear_stage_has_lost_the_share_then(seed: int, step: float) -> None:
    x, y, w, a = _problem(seed)
    w, a = 1e-7 * w, 1e-7 * a
    v, loss, share = driving_vector(x, y), np.square(y).mean() / 2, 1e-3
    time = escape_time(w, a, v, loss, share=share, step=step)
    # A small step approximates the flow, whose time is the limit.
    used = step or 1e-4
    stage = linear_stage(w, a, v, step=used, steps=time / used)
    # To first order in the output the loss falls by Σ a_k w_k·v.
    drop = (stage.output_weight * (stage.input_weight @ v)).sum()
    assert drop == pytest.approx(share * loss, rel=1e-6 if step else 1e-2)


def test_delay_is_that_of_linear_neurons() -> None:
    x, y, w, a = _problem(1)
    step, share, sigma = 0.05, 1e-4, 1e-7
    v, loss = driving_vector(x, y), np.square(y).mean() / 2
    growth = np.log1p(step * np.linalg.norm(v)) / step
    w, a = sigma * w, sigma * a
    predicted = escape_time(w, a, v, loss, share=share, step=step)
    drops = [0.0]
    while drops[-1] < 2 * share:
        residual = x @ w.T @ a - y
        drops.append(1 - np.square(residual).mean() / (2 * loss))
        slope = residual @ x / len(y)
        w, a = w - step * a[:, None] * slope, a - step * w @ slope
    after = int(np.argmax(np.array(drops) >= share))
    low, high = np.log(drops[after - 1]), np.log(drops[after])
    # drops[k] is the loss after k - 1 updates.
    time = step * (after - 2 + (np.log(share) - low) / (high - low))
    delay = escape_delay(x, v, loss, share=share, step=step)
    assert growth * (time - predicted) == pytest.approx(delay, rel=0.02)


def test_scale_and_gamma() -> None:
    x, y, w, a = _problem(2)
    v = driving_vector(x, y)
    growth = np.linalg.norm(v)
    scales = np.array([1e-3, 1e-6])[:, None]
    times = escape_time(scales[..., None] * w, scales * a, v, 1.0, share=1e-3)
    assert growth * (times[1] - times[0]) == pytest.approx(np.log(1e3))
    gammas = np.array([6.0, 7.0])[:, None]
    times = escape_time(4.0 ** -gammas[..., None] * w, 30.0**-gammas * a, v, 1.0, share=1e-3)
    assert times[1] - times[0] == pytest.approx(escape_gamma_slope(v, 4), rel=1e-3)


def test_flow_is_the_limit_of_small_steps() -> None:
    x, y, w, a = _problem(3)
    v = driving_vector(x, y)
    for predicted in (
        lambda step: escape_time(w, a, v, 1.0, share=0.01, step=step),
        lambda step: escape_delay(x, v, 1.0, share=0.01, step=step),
        lambda step: escape_gamma_slope(v, 4, step=step),
    ):
        assert predicted(1e-7) == pytest.approx(predicted(0.0), rel=1e-6)


def test_expressions_are_the_evaluators() -> None:
    x, y, w, a = _problem(4)
    v, step, share, loss = driving_vector(x, y), 0.1, 0.01, 0.7
    rate = np.linalg.norm(v)
    growth = symbolic.function(escape_time, "r", "eta", "lambda")(step, rate)
    start = np.square(a + w @ v / rate).sum()
    formula = symbolic.function(escape_time, "T", "delta", "L_0", "lambda", "r", "S_P")
    assert formula(share, loss, rate, growth, start) == pytest.approx(
        escape_time(w, a, v, loss, share=share, step=step)
    )
    bend = np.square(x @ v / rate).mean()
    formula = symbolic.function(escape_time, "delay", "delta", "L_0", "lambda", "eta", "c")
    assert formula(share, loss, rate, step, bend) == pytest.approx(
        escape_delay(x, v, loss, share=share, step=step)
    )
    formula = symbolic.function(escape_time, "delay of the flow", "delta", "L_0", "lambda", "c")
    assert formula(share, loss, rate, bend) == pytest.approx(escape_delay(x, v, loss, share=share))
    formula = symbolic.function(escape_time, "dT/dgamma", "d", "r")
    assert formula(4, growth) == pytest.approx(escape_gamma_slope(v, 4, step=step))


def test_bad_input() -> None:
    x, y, w, a = _problem(0)
    v = driving_vector(x, y)
    with pytest.raises(ValueError, match="v: is zero"):
        escape_time(w, a, 0 * v, 1.0, share=0.01)
    with pytest.raises(ValueError, match="v: is zero or not finite"):
        escape_gamma_slope(np.nan * v, 4)
    with pytest.raises(ValueError, match="step"):
        escape_time(w, a, v, 1.0, share=0.01, step=100.0)
    with pytest.raises(ValueError, match="share"):
        escape_time(w, a, v, 1.0, share=1.0)
    with pytest.raises(ValueError, match="loss"):
        escape_time(w, a, v, 0.0, share=0.01)
    with pytest.raises(ValueError, match="output_weight"):
        escape_time(0 * w, 0 * a, v, 1.0, share=0.01)


def test_regime() -> None:
    assert escape_time.regime(initial_share=1e-8, share=0.01)
    assert "no plateau" in escape_time.regime(initial_share=0.1, share=0.01).reason
    assert not escape_time.regime(initial_share=1e-8, share=0.1)
    assert not escape_time.regime(initial_share=1e-8, share=0.01, multiplicity=2)
