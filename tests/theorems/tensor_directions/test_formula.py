from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import symbolic
from lowcomplex.predictions import tensor_directions
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.tensor_directions.formula import slowest_turning, stationary_polynomial, tensor_value

seeds = st.integers(0, 2**32 - 1)


def _data(seed: int, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.stack((rng.uniform(-1, 1, n), np.ones(n)), axis=1), rng.standard_normal(n)


def _extrema(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the maxima and the minima of values on a circle."""
    before, after = np.roll(values, 1), np.roll(values, -1)
    return np.flatnonzero((values > before) & (values >= after)), np.flatnonzero(
        (values < before) & (values <= after)
    )


@settings(max_examples=60, deadline=None)
@given(seed=seeds, p=st.integers(1, 5))
def test_attractors_are_the_extrema_found_on_a_fine_grid(seed: int, p: int) -> None:
    x, y = _data(seed)
    found = tensor_directions(x, y, p)
    grid = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    values = tensor_value(x, y, p, grid)
    maxima, minima = _extrema(values)
    # Extrema that the grid cannot separate from their neighbors, or from zero, say nothing.
    strong = 1e-6 * np.abs(values).max()
    assume(len(maxima) + len(minima) <= 2 * p)
    for sign, indices in ((1, maxima), (-1, minima)):
        expected = grid[indices][sign * values[indices] > strong]
        predicted = found.angles[(found.attracts == sign) & (np.abs(found.values) > strong)]
        distance = np.abs(np.angle(np.exp(1j * (expected[:, None] - predicted))))
        assert distance.shape[0] == distance.shape[1]
        if len(expected):
            assert distance.min(1).max() < 1e-3


@settings(max_examples=60, deadline=None)
@given(seed=seeds, p=st.integers(1, 7))
def test_at_most_p_lines_and_stationary(seed: int, p: int) -> None:
    x, y = _data(seed)
    found = tensor_directions(x, y, p)
    assert len(found.angles) <= 2 * p
    h = 1e-5
    slope = (tensor_value(x, y, p, found.angles + h) - tensor_value(x, y, p, found.angles - h)) / (2 * h)
    scale = np.abs(y) @ np.linalg.norm(x, axis=1) ** p
    assert np.abs(slope).max() < 1e-6 * scale


def test_multiplicity_one_is_the_driving_vector() -> None:
    x, y = _data(3)
    v = driving_vector(x, y)
    attracting = tensor_directions(x, y, 1)
    up = attracting.angles[attracting.attracts == 1]
    assert up == pytest.approx(np.arctan2(v[1], v[0]) % (2 * np.pi))


def test_multiplicity_two_is_the_top_and_bottom_eigenvector() -> None:
    x, y = _data(5)
    values, vectors = np.linalg.eigh((x.T * y) @ x / len(y))
    found = tensor_directions(x, y, 2)
    for sign, index in ((1, 1), (-1, 0)):
        if sign * values[index] > 0:
            angles = found.angles[found.attracts == sign]
            cosines = np.cos(angles) * vectors[0, index] + np.sin(angles) * vectors[1, index]
            np.testing.assert_allclose(np.abs(cosines), 1.0)
            assert found.values[found.attracts == sign] == pytest.approx(values[index])


def test_a_vertical_line_is_not_lost() -> None:
    # Σ y x1 = 0 makes φ = π/2 stationary, where tan φ is infinite.
    found = tensor_directions([[1.0, 1.0], [-1.0, 1.0]], [1.0, 1.0], 1)
    np.testing.assert_allclose(found.angles, [np.pi / 2, 3 * np.pi / 2])
    np.testing.assert_array_equal(found.attracts, [1, -1])


def test_expressions_are_the_evaluator() -> None:
    x, y = _data(1)
    angles = np.linspace(0.1, 6, 5)
    term = symbolic.function(tensor_directions, "term of T", "x_1", "x_2", "phi", "p")
    total = (y * term(x[:, 0], x[:, 1], angles[:, None], 3)).mean(1)
    np.testing.assert_allclose(total, tensor_value(x, y, 3, angles))
    term = symbolic.function(tensor_directions, "term of the polynomial in z = tan φ", "x_1", "x_2", "z", "p")
    z = np.array([-2.0, 0.3, 5.0])
    total = (y * term(x[:, 0], x[:, 1], z[:, None], 3)).sum(1)
    np.testing.assert_allclose(total, np.polyval(stationary_polynomial(x, y, 3), z))


@settings(max_examples=30, deadline=None)
@given(seed=seeds, p=st.integers(2, 4))
def test_turning_is_at_most_the_contraction_of_each_stationary_orientation(seed: int, p: int) -> None:
    x, y = _data(seed)
    found = tensor_directions(x, y, p)
    strong = np.abs(found.values) > 1e-3 * np.abs(found.values).max()
    assume(strong.all())
    h = 1e-3
    second = (
        tensor_value(x, y, p, found.angles + h) + tensor_value(x, y, p, found.angles - h) - 2 * found.values
    ) / h**2
    contraction = np.abs(second / (p * found.values))
    assert slowest_turning(x, y, p, found) <= 1.02 * contraction.min() + 0.01
    assert slowest_turning(x, -3 * y, p, tensor_directions(x, -3 * y, p)) == pytest.approx(
        slowest_turning(x, y, p, found), rel=1e-3
    )


def test_turning_of_one_input_is_known() -> None:
    # T = cos(φ)^p: T'/(pT) = -tan φ, and tan ψ / sin ψ is least at ψ = 0, where it is 1.
    x, y = np.array([[1.0, 0.0]]), np.array([1.0])
    found = tensor_directions(x, y, 1)
    assert slowest_turning(x, y, 1, found) == pytest.approx(1.0, rel=1e-3)


def test_nearly_merged_orientations_are_a_bottleneck() -> None:
    # A maximum and a minimum have just merged and vanished: T' is small on a whole arc without a root.
    rng = np.random.default_rng([100, 3])
    x = np.stack((rng.uniform(-1, 1, 8), np.ones(8)), axis=1)
    y = rng.standard_normal(8)
    found = tensor_directions(x, y, 3)
    assert len(found.angles) == 2
    assert slowest_turning(x, y, 3, found) < 0.05
    assert not tensor_directions.regime(sigma=1e-9, multiplicity=3, turning=slowest_turning(x, y, 3, found))


def test_bad_input() -> None:
    x, y = _data(0)
    with pytest.raises(ValueError, match="constant on the circle"):
        tensor_directions(x, 0 * y, 2)
    with pytest.raises(ValueError, match="constant on the circle"):
        tensor_directions(np.eye(2), np.ones(2), 2)
    with pytest.raises(ValueError, match=r"expected \(n, 2\)"):
        tensor_directions(np.ones((4, 3)), np.ones(4), 2)
    with pytest.raises(ValueError, match="NaN or infinite"):
        tensor_directions(x, y * np.inf, 2)
    with pytest.raises(ValueError, match="multiplicity: expected"):
        tensor_directions(x, y, 0)


def test_regime() -> None:
    assert tensor_directions.regime(sigma=1e-3, multiplicity=2)
    assert not tensor_directions.regime(sigma=1e-3, multiplicity=None)
    assert not tensor_directions.regime(sigma=0.5, multiplicity=2)
