from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lowcomplex.theorems.tensor_directions.quadratic_neuron import quadratic_neuron, quadratic_tensor


def _integrated(tensor: np.ndarray, w: np.ndarray, a: float, coefficient: float) -> tuple[float, np.ndarray]:
    """Blow-up time and final (a, w) of one neuron, in the time ds = |θ| dt."""

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        amplitude, weight = state[0], state[1:-1]
        size = np.linalg.norm(state[:-1])
        rates = coefficient * np.append(weight @ tensor @ weight, 2 * amplitude * tensor @ weight)
        return np.append(rates, 1.0) / size

    def grown(_: float, state: np.ndarray) -> float:
        return float(np.linalg.norm(state[:-1]) - 1e8)

    grown.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate(([a], w, [0.0]))
    run = solve_ivp(slope, (0, 200), start, "DOP853", rtol=1e-11, atol=1e-13, events=grown)
    return (run.y[-1, -1] if len(run.t_events[0]) else np.inf), run.y[:-1, -1]


@pytest.mark.parametrize("values", [(1.0, -0.7), (1.0, 0.1, -0.7), (-0.9, -0.05), (0.8, 0.3)])
def test_is_what_integration_gives(values: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    tensor = turn @ np.diag(values) @ turn.T
    w, a = rng.standard_normal((10, len(values))), rng.standard_normal(10)
    found = quadratic_neuron(tensor, w, a, coefficient=1.3)
    for k in range(10):
        time, end = _integrated(tensor, w[k], a[k], 1.3)
        if not np.isfinite(time):
            assert found.blow_up[k] == np.inf
            assert np.isnan(found.direction[k]).all()
            continue
        # At |θ| = 1e8 there is 1e-8 left.
        assert found.blow_up[k] == pytest.approx(time, rel=1e-6)
        assert found.sign[k] == np.sign(end[0])
        assert found.direction[k] @ end[1:] / np.linalg.norm(end[1:]) == pytest.approx(1.0, abs=1e-6)


def test_scalar_neuron_in_closed_form() -> None:
    # Balanced, a = w/√2 and one eigenvalue: ẇ = √2 μ w², so that T = 1/(√2 μ w_0).
    found = quadratic_neuron([[0.5]], [[2.0]], [np.sqrt(2.0)])
    assert found.blow_up == pytest.approx(1 / (np.sqrt(2) * 0.5 * 2.0), rel=1e-9)


def test_symmetries() -> None:
    rng = np.random.default_rng(5)
    tensor = np.diag([1.0, -0.4])
    w, a = rng.standard_normal((20, 2)), rng.standard_normal(20)
    found = quadratic_neuron(tensor, w, a)
    np.testing.assert_allclose(quadratic_neuron(tensor, -w, a).blow_up, found.blow_up)
    mirrored = quadratic_neuron(-tensor, w, -a)
    np.testing.assert_allclose(mirrored.blow_up, found.blow_up)
    np.testing.assert_array_equal(mirrored.sign, -found.sign)
    for scale in (1e-9, 1e9):
        np.testing.assert_allclose(
            quadratic_neuron(tensor, scale * w, scale * a).blow_up, found.blow_up / scale, rtol=1e-9
        )
    np.testing.assert_allclose(quadratic_neuron(tensor, w, a, coefficient=2).blow_up, found.blow_up / 2)


def test_tensor_is_the_quadratic_form() -> None:
    rng = np.random.default_rng(1)
    x, y, w = rng.standard_normal((6, 3)), rng.standard_normal(6), rng.standard_normal(3)
    assert w @ quadratic_tensor(x, y) @ w == pytest.approx(np.mean(y * (x @ w) ** 2))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="symmetric"):
        quadratic_neuron([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0]], [1.0])
    with pytest.raises(ValueError, match="weights: expected"):
        quadratic_neuron(np.eye(2), [[1.0, 1.0, 1.0]], [1.0])
    with pytest.raises(ValueError, match="not zero"):
        quadratic_neuron(np.eye(2), [[1.0, 1.0]], [0.0])
