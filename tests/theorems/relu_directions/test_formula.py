from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import relu_directions
from lowcomplex.theorems.relu_directions.formula import feedback_shift, relu_drive

seeds = st.integers(0, 2**32 - 1)


def _data(seed: int, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.stack((rng.uniform(-1, 1, n), np.ones(n)), axis=1), rng.standard_normal(n)


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    distance: np.ndarray = np.abs(np.angle(np.exp(1j * (np.asarray(one)[:, None] - other))))
    return distance


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_attractors_are_the_maxima_found_on_a_fine_grid(seed: int) -> None:
    x, y = _data(seed)
    found = relu_directions(x, y)
    grid = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    spacing = grid[1]
    values = relu_drive(x, y, grid)
    for sign in (1, -1):
        height = sign * values
        # A grid sees neither maxima of the size of its own error nor two of them within a few of its steps.
        error = 2 * spacing * np.abs(y) @ np.linalg.norm(x, axis=1) / len(y)
        peaks = np.flatnonzero((height > np.roll(height, 1)) & (height >= np.roll(height, -1)))
        peaks = peaks[height[peaks] > error]
        predicted = found.angles[found.signs == sign]
        if len(peaks):
            assert _apart(grid[peaks], predicted).min(1).max() < 2 * spacing
        strong = predicted[found.rates[found.signs == sign] > 10 * error]
        around = height[(np.searchsorted(grid, strong)[:, None] + np.arange(-1, 1)) % len(grid)].max(1)
        np.testing.assert_allclose(around, relu_drive(x, y, strong) * sign, atol=error)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_what_an_attractor_is(seed: int) -> None:
    x, y = _data(seed)
    found = relu_directions(x, y)
    np.testing.assert_allclose(
        relu_drive(x, y, found.angles), found.signs * found.rates, rtol=1e-9, atol=1e-12
    )
    assert (np.diff(found.rates) <= 0).all()
    along = np.stack((np.cos(found.angles), np.sin(found.angles)), axis=1)
    at_knot = found.samples >= 0
    sample = found.samples[at_knot]
    np.testing.assert_allclose((along[at_knot] * x[sample]).sum(1), 0, atol=1e-12)
    assert (y[sample] * found.signs[at_knot] < 0).all()


@settings(max_examples=25, deadline=None)
@given(seed=seeds, turn=st.floats(0, 6.28), scale=st.sampled_from([1e-12, 1e-3, 1e12]))
def test_rotating_inputs_and_scaling_or_flipping_targets(seed: int, turn: float, scale: float) -> None:
    x, y = _data(seed)
    found = relu_directions(x, y)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = relu_directions(x @ rotation.T, -scale * y)
    np.testing.assert_allclose(turned.rates, scale * found.rates, rtol=1e-6)
    np.testing.assert_array_equal(turned.signs, -found.signs)
    np.testing.assert_array_equal(turned.samples, found.samples)
    np.testing.assert_allclose(np.exp(1j * (turned.angles - found.angles - turn)), 1, atol=1e-9)


def test_one_sample() -> None:
    up = relu_directions([[0.0, 1.0]], [2.0])
    np.testing.assert_allclose(up.angles, [np.pi / 2])
    assert up.top_rate == pytest.approx(2.0)
    assert up.runner_up == 0


def test_two_samples_of_opposite_sign_hold_a_knot_between_them() -> None:
    both = relu_directions([[0.0, 1.0], [1.0, 1.0]], [5.0, -3.0])
    top = np.array([np.cos(both.angles[0]), np.sin(both.angles[0])])
    assert both.samples[0] == 1
    np.testing.assert_allclose(top, np.array([-1, 1]) / np.sqrt(2))
    assert both.top_rate == pytest.approx(5 / np.sqrt(2) / 2)


def test_neurons_of_the_leading_flow_end_there() -> None:
    x, y = _data(3)
    found = relu_directions(x, y)
    rng = np.random.default_rng(0)
    start = rng.standard_normal((40, 2))
    w, a, step = start.copy(), rng.standard_normal(40), 0.005 / found.top_rate
    for _ in range(2400):
        drive = ((w @ x.T > 0) * y) @ x / len(y)
        w, a = w + step * a[:, None] * drive, a + step * (w * drive).sum(1)
    grown = np.linalg.norm(w, axis=1) > 100 * np.linalg.norm(start, axis=1)
    assert grown.sum() > 5
    angles = np.arctan2(w[grown, 1], w[grown, 0])
    distance = np.where(np.sign(a[grown, None]) == found.signs, _apart(angles, found.angles), np.inf)
    # Steps chatter around knots by their length times the slope of G.
    assert distance.min(1).max() < 0.03


def test_shift_is_that_of_the_flow_with_feedback() -> None:
    x, y = _data(1)
    found = relu_directions(x, y)
    assert found.samples[0] < 0
    angle, sign = found.angles[0], found.signs[0]
    loss = np.square(y).mean() / 2

    def slope(_: float, weights: np.ndarray) -> np.ndarray:
        active = x @ weights[1:] > 0
        residual = (y - weights[0] * np.maximum(x @ weights[1:], 0)) * active / len(y)
        return np.append(residual @ (x @ weights[1:]), weights[0] * (residual @ x))

    def fall(weights: np.ndarray) -> float:
        left = y - weights[0] * np.maximum(x @ weights[1:], 0)
        return 1 - float(np.square(left).mean() / 2 / loss)

    moved = []
    for delta in (1e-2, 1e-3):

        def reached(_: float, weights: np.ndarray, share: float = delta) -> float:
            return fall(weights) - share

        reached.terminal = True  # type: ignore[attr-defined]
        start = 1e-6 * np.array([sign, np.cos(angle), np.sin(angle)])
        end = solve_ivp(
            slope, (0, 40 / found.top_rate), start, events=reached, method="DOP853", rtol=1e-11, atol=1e-14
        ).y_events[0][0]
        moved.append(np.angle(np.exp(1j * (np.arctan2(end[2], end[1]) - angle))))
    predicted = np.array([feedback_shift(x, y, share=delta) for delta in (1e-2, 1e-3)])
    errors = np.abs(moved / predicted - 1)
    assert errors[1] < 1e-2
    # The next term is of second order in δ.
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)


def test_a_knot_does_not_move() -> None:
    assert feedback_shift([[0.0, 1.0], [1.0, 1.0]], [5.0, -3.0], share=1e-3) == 0


def test_expressions_are_the_evaluator() -> None:
    x, y = _data(1)
    found = relu_directions(x, y)
    angles = found.angles[0] + np.array([-1e-3, 0.0, 1e-3])
    height = symbolic.function(relu_directions, "G on an arc", "D", "phi", "psi")
    np.testing.assert_allclose(
        found.signs[0] * height(found.top_rate, angles, found.angles[0]), relu_drive(x, y, angles), rtol=1e-12
    )
    shift = symbolic.function(relu_directions, "shift at the δ-stop", "delta", "L_0", "G", "c")
    along = np.array([np.cos(found.angles[0]), np.sin(found.angles[0])])
    active = x[x @ along > 0]
    pull = (active.T @ active @ along / len(x)) @ np.array([-along[1], along[0]])
    assert shift(1e-3, np.square(y).mean() / 2, found.top_rate, pull) == pytest.approx(
        feedback_shift(x, y, share=1e-3)
    )


def test_bad_input() -> None:
    x, y = _data(0)
    with pytest.raises(ValueError, match="targets: G vanishes"):
        relu_directions(x, 0 * y)
    with pytest.raises(ValueError, match="knots coincide"):
        relu_directions(np.concatenate((x, 2 * x[:1])), np.append(y, 1.0))
    with pytest.raises(ValueError, match="one is zero"):
        relu_directions(np.concatenate((x, np.zeros((1, 2)))), np.append(y, 1.0))
    with pytest.raises(ValueError, match=r"expected \(n, 2\)"):
        relu_directions(np.ones((4, 3)), np.ones(4))
    with pytest.raises(ValueError, match="NaN"):
        relu_drive(x, np.full(len(y), np.nan), 0.0)


def test_regime() -> None:
    assert relu_directions.regime(sigma=1e-6, share=1e-3)
    assert "is late" in relu_directions.regime(sigma=1e-6, share=0.1).reason
    assert "is not small" in relu_directions.regime(sigma=1e-3, share=1e-3).reason
    assert "second rate" in relu_directions.regime(sigma=1e-6, share=1e-3, runner_up=0.9).reason
