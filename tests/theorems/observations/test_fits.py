from __future__ import annotations

import numpy as np
import pytest

from lowcomplex.theorems.observations.fits import crossing, fit_exponent, joint_norm, relative_error


def test_crossing_is_interpolated_between_points() -> None:
    assert crossing(np.array([-3.0, -1.0, 3.0, 1.0])) == pytest.approx(1.25)
    assert crossing(np.array([-1.0, 0.0])) == pytest.approx(1.0)


@pytest.mark.parametrize("path", [[-2.0, -1.0], [0.0, 1.0], [1.0, -1.0, 2.0]])
def test_a_path_that_does_not_rise_through_zero_has_no_crossing(path: list[float]) -> None:
    assert np.isnan(crossing(np.array(path)))


def test_errors_of_several_matrices_are_those_of_one_long_vector() -> None:
    rng = np.random.default_rng(0)
    measured = [rng.standard_normal((5, *shape)) for shape in ((3, 2), (4, 1))]
    predicted = [rng.standard_normal(matrix.shape) for matrix in measured]
    flat, expected = (
        np.concatenate([matrix.reshape(5, -1) for matrix in matrices], axis=1)
        for matrices in (measured, predicted)
    )
    np.testing.assert_allclose(joint_norm(measured), np.linalg.norm(flat, axis=1))
    error = np.linalg.norm(flat - expected, axis=1) / np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(relative_error(measured, predicted), error)


def test_a_diverged_network_has_an_infinite_norm() -> None:
    assert np.isinf(joint_norm([np.full((1, 1, 1), 1e200)])).all()


def test_an_exponent_carries_its_interval_into_the_comparison() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    fit = fit_exponent(x, x**-2 * [1.0, 1.01, 0.99, 1.0])
    compared = fit.beside("exponent", -2.0, tolerance=0.1, reason="none", draws=3)
    assert (compared.measured, compared.interval, compared.draws) == (fit.slope, fit.interval, 3)
    assert compared.predicted == -2.0
    assert compared.passed
    assert not fit.beside("exponent", -2.0, tolerance=fit.interval / 2, reason="none").passed


def test_points_at_one_place_have_no_exponent() -> None:
    x = np.array([2.0, 2.0 * (1 + 2e-16), 2.0])
    assert np.isnan(fit_exponent(x, np.array([1.0, 2.0, 3.0])).slope)
