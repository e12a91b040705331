from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import lazy_limit


def _features(seed: int, samples: int = 5, tests: int = 3, parameters: int = 12) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    jacobian, other = rng.standard_normal((samples, parameters)), rng.standard_normal((tests, parameters))
    return jacobian, other, rng.standard_normal(samples)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 40), share=st.floats(0.05, 1.9))
def test_is_gradient_descent_on_a_linear_model(seed: int, steps: int, share: float) -> None:
    jacobian, other, y = _features(seed)
    kernel = jacobian @ jacobian.T
    step = share * len(y) / np.linalg.eigvalsh(kernel)[-1]
    predicted = lazy_limit(kernel, other @ jacobian.T, y, time=steps * step, step=step)
    moved = np.zeros(jacobian.shape[1])
    for _ in range(steps):
        moved = moved - step / len(y) * jacobian.T @ (jacobian @ moved - y)
    np.testing.assert_allclose(predicted.output, other @ moved, rtol=1e-7, atol=1e-9)
    assert predicted.displacement == pytest.approx(np.linalg.norm(moved), rel=1e-8)


def test_continuous_time_solves_the_flow() -> None:
    jacobian, other, y = _features(1)
    flow = solve_ivp(
        lambda _, moved: -jacobian.T @ (jacobian @ moved - y) / len(y),
        (0, 0.7),
        np.zeros(jacobian.shape[1]),
        rtol=1e-10,
        atol=1e-12,
    ).y[:, -1]
    predicted = lazy_limit(jacobian @ jacobian.T, other @ jacobian.T, y, time=0.7)
    np.testing.assert_allclose(predicted.output, other @ flow, rtol=1e-8)
    assert predicted.displacement == pytest.approx(np.linalg.norm(flow))


def test_infinite_time_is_the_least_norm_interpolation() -> None:
    jacobian, other, y = _features(2)
    solution = np.linalg.lstsq(jacobian, y)[0]
    for step in (0.0, 0.01):
        predicted = lazy_limit(jacobian @ jacobian.T, other @ jacobian.T, y, step=step)
        np.testing.assert_allclose(predicted.output, other @ solution, rtol=1e-8)
        assert predicted.displacement == pytest.approx(np.linalg.norm(solution))


def test_many_targets_at_once() -> None:
    jacobian, other, y = _features(3)
    kernel, cross = jacobian @ jacobian.T, other @ jacobian.T
    both = lazy_limit(kernel, cross, np.stack((y, -2 * y)), time=1.0)
    alone = lazy_limit(kernel, cross, y, time=1.0)
    np.testing.assert_allclose(both.output, np.stack((alone.output, -2 * alone.output)))
    np.testing.assert_allclose(both.displacement, alone.displacement * np.array([1, 2]))


def test_a_direction_that_the_kernel_does_not_see_stays() -> None:
    kernel = np.diag([1.0, 0.0])
    assert lazy_limit(kernel, kernel, [0.0, 3.0], time=5.0).displacement == 0
    with pytest.raises(ValueError, match="singular"):
        lazy_limit(kernel, kernel, [0.0, 3.0])


def test_expressions_are_the_evaluator() -> None:
    eigenvalue, n, t, step, y, alpha = 2.0, 1, 0.8, 0.1, 1.5, 10.0
    flow = symbolic.function(lazy_limit, "learned share of an eigenvector, flow", "lambda", "n", "t")
    steps = symbolic.function(lazy_limit, "learned share of an eigenvector, steps", "lambda", "n", "eta", "N")
    moved = symbolic.function(
        lazy_limit, "squared displacement of an eigenvector, flow", "lambda", "n", "t", "y", "alpha"
    )
    one = lazy_limit([[eigenvalue]], [[eigenvalue]], [y], time=t)
    assert one.output[0] == pytest.approx(y * flow(eigenvalue, n, t))
    assert one.displacement / alpha == pytest.approx(np.sqrt(moved(eigenvalue, n, t, y, alpha)))
    other = lazy_limit([[eigenvalue]], [[eigenvalue]], [y], time=t, step=step)
    assert other.output[0] == pytest.approx(y * steps(eigenvalue, n, step, 8))


def test_bad_input() -> None:
    eye = np.eye(2)
    with pytest.raises(ValueError, match="expected"):
        lazy_limit(eye, eye, np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        lazy_limit(eye, eye, [1.0, np.nan])
    with pytest.raises(ValueError, match="not symmetric"):
        lazy_limit([[1.0, 0.5], [0.0, 1.0]], eye, np.ones(2))
    with pytest.raises(ValueError, match="positive semidefinite"):
        lazy_limit(-eye, eye, np.ones(2))
    with pytest.raises(ValueError, match="step"):
        lazy_limit(eye, eye, np.ones(2), step=5.0)


def test_regime() -> None:
    assert lazy_limit.regime(relative_displacement=1e-3)
    assert "features move" in lazy_limit.regime(relative_displacement=0.5).reason
