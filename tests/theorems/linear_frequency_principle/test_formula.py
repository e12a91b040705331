from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symbolic
from lowcomplex.predictions import linear_frequency_principle
from lowcomplex.theorems.formulas.line_kernels import line_coefficients, line_kernel
from lowcomplex.theorems.linear_frequency_principle.formula import packet_decay

XI = np.arange(1.5, 8.5, 0.02)
X = (np.arange(1200) + 0.5) * 0.003 - 1.8
PACKET = np.exp(-np.square((X - 0.2) / 0.25) / 2) * np.cos(2 * np.pi * 5 * (X - 0.2) + 0.7)
WEIGHT, OUTPUT = np.array([0.6, 1.0]), np.array([1.4, -0.7])


@pytest.mark.parametrize("parametrization", ["bias", "location"])
@pytest.mark.parametrize("trained", [("output",), ("input",), ("bias",), ("output", "input", "bias")])
def test_spectrum_of_the_exact_kernel(parametrization: Any, trained: tuple[str, ...]) -> None:
    wide = 2.0
    how: dict[str, Any] = {"trained": trained, "parametrization": parametrization}
    kernel = line_kernel(X, X, line_coefficients(WEIGHT, OUTPUT, bias_range=wide, **how), bias_range=wide)
    decay = linear_frequency_principle(
        XI, input_weight=WEIGHT, output_weight=OUTPUT, density=1 / (2 * wide), **how
    )
    measured = PACKET @ kernel @ PACKET * 0.003**2
    # The kernel's kinks fall on samples: an error of second order in 2πξ dx = 0.1.
    assert measured == pytest.approx(packet_decay(X, PACKET, XI, decay), rel=2e-3)


def test_gaussian_biases_err_by_the_curvature_of_their_density() -> None:
    """Relative error -<w² x²>/2σ² to leading order: the density of kinks falls away from the center."""
    b = np.arange(-30, 30, 0.006) + 0.003
    before = X[:, None] + b
    squares = np.square(0.003 * PACKET @ (before > 0)) + np.square(0.003 * PACKET * X @ (before > 0))
    squares += np.square(0.003 * PACKET @ np.maximum(before, 0))
    errors = []
    for sigma in (2.0, 4.0, 8.0):
        density = np.exp(-np.square(b / sigma) / 2) / np.sqrt(2 * np.pi) / sigma
        decay = linear_frequency_principle(XI, input_weight=1.0, output_weight=1.0, density=density.max())
        errors.append(squares @ density * 0.006 / packet_decay(X, PACKET, XI, decay) - 1)
    # Differences, since the samples' spacing adds an error that σ does not change.
    assert errors[0] < errors[1] < errors[2]
    assert (errors[0] - errors[1]) / (errors[1] - errors[2]) == pytest.approx(4, rel=0.05)


def test_asymptotes() -> None:
    low, high = linear_frequency_principle(
        [1e-3, 1e3], input_weight=WEIGHT, output_weight=OUTPUT, density=0.1
    ).rate
    cubic, kink = np.mean(WEIGHT**3), np.mean(OUTPUT**2 * WEIGHT)
    assert low == pytest.approx(0.1 * cubic / (2 * np.pi * 1e-3) ** 4, rel=1e-3)
    assert high == pytest.approx(0.1 * kink / (2 * np.pi * 1e3) ** 2, rel=1e-3)
    located = linear_frequency_principle(
        1.0, input_weight=WEIGHT, output_weight=OUTPUT, density=0.1, parametrization="location"
    )
    assert located.drift == 0


def test_expressions_are_the_evaluator() -> None:
    w, a = 0.8, 1.3
    decay = linear_frequency_principle(XI, input_weight=w, output_weight=a, density=0.2)
    rate = symbolic.function(linear_frequency_principle, "rate, bias", "xi", "p", "w3", "a2w")
    np.testing.assert_allclose(rate(XI, 0.2, w**3, a**2 * w), decay.rate)
    drift = symbolic.function(linear_frequency_principle, "drift, bias", "xi", "p", "a2w")
    np.testing.assert_allclose(drift(XI, 0.2, a**2 * w), decay.drift)
    located = linear_frequency_principle(
        XI, input_weight=w, output_weight=a, density=0.2, parametrization="location"
    )
    rate = symbolic.function(linear_frequency_principle, "rate, location", "xi", "p", "w2", "a2", "a2w2")
    np.testing.assert_allclose(rate(XI, 0.2, w**2, a**2, a**2 * w**2), located.rate)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="frequency"):
        linear_frequency_principle([0.0, 1.0], input_weight=1.0, output_weight=1.0, density=1.0)
    with pytest.raises(ValueError, match="frequency"):
        linear_frequency_principle(np.nan, input_weight=1.0, output_weight=1.0, density=1.0)
    with pytest.raises(ValueError, match="density"):
        linear_frequency_principle(1.0, input_weight=1.0, output_weight=1.0, density=0.0)
    with pytest.raises(ValueError, match="weight, output"):
        linear_frequency_principle(1.0, input_weight=np.inf, output_weight=1.0, density=1.0)


def test_regime() -> None:
    inside = {"bias_range": 2.0, "input_weight": 1.0, "largest_input": 1.0, "relative_displacement": 1e-3}
    assert linear_frequency_principle.regime(**inside)
    assert "samples 3" in linear_frequency_principle.regime(**{**inside, "largest_input": 3.0}).reason
    assert not linear_frequency_principle.regime(**{**inside, "relative_displacement": 1.0})
