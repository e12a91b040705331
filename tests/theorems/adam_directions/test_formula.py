from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import symbolic
from lowcomplex.predictions import adam_directions
from lowcomplex.theorems.adam_directions.formula import adam_amplitude, adam_escape_steps


def _start(seed: int, neurons: int = 7, inputs: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((neurons, inputs)),
        rng.standard_normal(neurons),
        rng.standard_normal(inputs),
    )


def _torch_adam(
    w: np.ndarray, a: np.ndarray, v: np.ndarray, step: float, steps: int, betas: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    parameters = [torch.from_numpy(w.copy()).requires_grad_(), torch.from_numpy(a.copy()).requires_grad_()]
    optimizer = torch.optim.Adam(parameters, lr=step, betas=betas, eps=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        (-(parameters[1] * (parameters[0] @ torch.from_numpy(v))).sum()).backward()
        optimizer.step()
    return parameters[0].detach().numpy(), parameters[1].detach().numpy()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(0, 40),
    step=st.floats(0.01, 10.0),
    betas=st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.95)]),
)
def test_is_adam_on_the_bilinear_loss(seed: int, steps: int, step: float, betas: tuple[float, float]) -> None:
    w, a, v = _start(seed)
    predicted = adam_directions(w, a, v, step=step, steps=steps, betas=betas)
    w, a = _torch_adam(w, a, v, step, steps, betas)
    # A gradient that crosses zero loses digits, which the division by past gradients hands on.
    np.testing.assert_allclose(predicted.input_weight, w, rtol=1e-6, atol=1e-6 * step)
    np.testing.assert_allclose(predicted.output_weight, a, rtol=1e-6, atol=1e-6 * step)


def test_all_weights_reach_one_amplitude_on_the_line_of_signs() -> None:
    w, a, v = _start(3, neurons=50)
    end = adam_directions(1e-3 * w, 1e-3 * a, v, step=1e-3, steps=1000)
    amplitude = 1e-3 * adam_amplitude(1000)[-1]
    np.testing.assert_allclose(np.abs(end.output_weight), amplitude, rtol=1e-2)
    np.testing.assert_allclose(np.abs(end.input_weight), amplitude, rtol=1e-2)
    np.testing.assert_allclose(np.abs(end.cosine), 1, atol=1e-4)
    along_v = end.input_weight @ v / np.linalg.norm(end.input_weight, axis=1) / np.linalg.norm(v)
    assert np.abs(along_v).max() < 0.99


def test_sizes_of_v_do_not_matter_but_its_signs_do() -> None:
    w, a, v = _start(4)
    w = np.abs(w[:, :1]) * np.sign(v)
    one = adam_directions(w, a, v, step=0.1, steps=20)
    other = adam_directions(w, a, np.sign(v), step=0.1, steps=20)
    np.testing.assert_allclose(one.input_weight, other.input_weight)
    flipped = adam_directions(-w, a, -v, step=0.1, steps=20)
    np.testing.assert_allclose(flipped.input_weight, -one.input_weight)


def test_scale_of_weights_and_rate_is_free() -> None:
    w, a, v = _start(5)
    one = adam_directions(w, a, v, step=0.1, steps=30)
    small = adam_directions(1e-12 * w, 1e-12 * a, v, step=1e-13, steps=30)
    np.testing.assert_allclose(small.input_weight, 1e-12 * one.input_weight, rtol=1e-6)
    both = adam_directions(
        np.stack((w, 2 * w)), np.stack((a, 2 * a)), v, step=np.array([[0.1], [0.2]]), steps=30
    )
    np.testing.assert_allclose(both.input_weight[1], 2 * one.input_weight)


def test_amplitude_of_the_first_steps() -> None:
    first, second = 0.9, 0.999
    two = 1 + np.sqrt(1 + second) / (1 + first)
    np.testing.assert_allclose(adam_amplitude(2), [0, 1, two])
    growth = np.diff(adam_amplitude(3000, betas=(0.9, 0.99999)))[-1]
    assert growth == pytest.approx(np.sqrt(3), abs=0.02)


def test_escape_is_where_the_loss_has_fallen() -> None:
    v = np.array([0.4, -0.3])
    steps = adam_escape_steps(v, 50, drop=0.01, step=1e-3)
    amplitude = np.interp(steps, np.arange(101), adam_amplitude(100))
    assert 50 * (1e-3 * amplitude) ** 2 * 0.7 == pytest.approx(0.01)
    formula = symbolic.function(adam_directions, "amplitude at escape", "Delta", "m", "v_1", "eta")
    assert formula(0.01, 50, 0.7, 1e-3) == pytest.approx(amplitude)
    formula = symbolic.function(adam_directions, "loss drop", "m", "eta", "q", "v_1")
    assert formula(50, 1e-3, amplitude, 0.7) == pytest.approx(0.01)


def test_bad_input() -> None:
    w, a, v = _start(0)
    with pytest.raises(ValueError, match="without a zero"):
        adam_directions(w, a, np.array([1.0, 0.0, 2.0]), step=0.1, steps=1)
    with pytest.raises(ValueError, match="input_weight: expected"):
        adam_directions(w[:, :2], a, v, step=0.1, steps=1)
    with pytest.raises(ValueError, match="step: expected positive"):
        adam_directions(w, a, v, step=0.0, steps=1)
    with pytest.raises(ValueError, match="steps: expected zero or more"):
        adam_directions(w, a, v, step=0.1, steps=-1)
    with pytest.raises(ValueError, match="first gradient is zero"):
        adam_directions(w, 0 * a, v, step=0.1, steps=1)
    with pytest.raises(ValueError, match="betas"):
        adam_amplitude(3, betas=(1.0, 0.9))
    with pytest.raises(ValueError, match="drop: expected a positive"):
        adam_escape_steps(v, 5, drop=0.0, step=1e-3)
    with pytest.raises(ValueError, match="max_steps"):
        adam_escape_steps(v, 5, drop=1.0, step=1e-3, max_steps=10)


def test_regime() -> None:
    assert adam_directions.regime(sigma=1e-6, width=100)
    assert "multiplicity 2" in adam_directions.regime(sigma=1e-6, width=100, multiplicity=2).reason
    assert not adam_directions.regime(sigma=0.1, width=100)
    assert "feeds back" in adam_directions.regime(sigma=1e-6, width=100, step=1e-3, steps=100).reason
    assert "ε" in adam_directions.regime(sigma=1e-7, width=100, epsilon=1e-8).reason
