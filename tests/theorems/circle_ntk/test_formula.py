from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

import symbolic
from lowcomplex.predictions import circle_ntk
from lowcomplex.theorems.circle_ntk.formula import circle_kernel, direction_error


@pytest.mark.parametrize("bias", [False, True])
def test_rates_are_fourier_coefficients_of_the_kernel(bias: bool) -> None:
    for k in range(8):

        def integrand(angle: float, k: int = k) -> float:
            return float(circle_kernel(angle, bias=bias)) * np.cos(k * angle) / np.pi

        assert circle_ntk(k, bias=bias) == pytest.approx(quad(integrand, 0, np.pi)[0], abs=1e-12)


@pytest.mark.parametrize("bias", [False, True])
def test_kernel_is_the_mean_over_random_neurons(bias: bool) -> None:
    rng = np.random.default_rng(0)
    w, a = rng.standard_normal((400_000, 2)), rng.standard_normal(400_000)
    for angle in (0.0, 0.7, 2.5):
        x = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        z = w @ x.T
        active = (z > 0).all(1)
        samples = z.prod(1) * active + a**2 * active * (x[0] @ x[1] + bias)
        error = samples.std() / np.sqrt(len(samples))
        assert abs(samples.mean() - circle_kernel(angle, bias=bias)) < 4 * error


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("samples", [16, 17])
def test_samples_alias(bias: bool, samples: int) -> None:
    k = np.arange(6)
    shifts = samples * np.arange(-20_000, 20_001)
    aliased = circle_ntk(np.abs(k[:, None] + shifts), bias=bias).sum(1)
    # What the sum leaves out is below 2/(π² n² 20 000) · 2.
    np.testing.assert_allclose(circle_ntk(k, bias=bias, samples=samples), aliased, atol=1e-7)


def test_steps_tend_to_the_flow() -> None:
    k = np.arange(7)
    assert np.all(circle_ntk(k, step=1.0) >= circle_ntk(k))
    np.testing.assert_allclose(circle_ntk(k, step=1e-7), circle_ntk(k), rtol=1e-6)


def test_law_of_high_frequencies() -> None:
    k = np.arange(100, 110)
    np.testing.assert_allclose(k**2 * circle_ntk(k, bias=True), 1 / np.pi**2, rtol=1e-3)
    odd = k[k % 2 == 1]
    assert not circle_ntk(odd).any()


@pytest.mark.parametrize("shift", [0.5, 0.25, 0.1])
def test_error_of_equispaced_directions(shift: float) -> None:
    samples, directions, k = 32, 1024, np.arange(7)
    angles = 2 * np.pi * np.arange(samples) / samples
    turned = np.pi / 2 + 2 * np.pi * (np.arange(directions) + shift) / directions
    z = np.sqrt(2) * np.cos(angles[:, None] - turned)
    hidden, active = np.maximum(z, 0), (z > 0).astype(float)
    kernel = (hidden @ hidden[0] + active @ active[0] * np.cos(angles)) / directions
    measured = np.cos(k[:, None] * angles) @ kernel / samples - circle_ntk(k, samples=samples)
    expected = direction_error(k, directions, samples=samples, shift=shift)
    np.testing.assert_allclose(measured, expected, rtol=1e-3, atol=1e-14)
    # The next term is the same share of it for all even k.
    second, fourth = shift**2 - shift + 1 / 6, shift**4 - 2 * shift**3 + shift**2 - 1 / 30
    rest = -fourth / (3 * second) * (2 * np.pi / directions) ** 2
    np.testing.assert_allclose(measured[::2] / expected[::2] - 1, rest, rtol=1e-2)
    continuum = direction_error(k, 2**20, shift=shift)
    np.testing.assert_allclose(direction_error(k, 2**20, samples=2**12, shift=shift), continuum, rtol=1e-4)


def test_expressions_are_the_evaluator() -> None:
    even, odd, angle = np.array([0, 2, 4, 6]), np.array([1, 3, 5]), np.linspace(0, np.pi, 9)
    np.testing.assert_allclose(symbolic.function(circle_ntk, "c_k, even k", "k")(even), circle_ntk(even))
    bias = symbolic.function(circle_ntk, "bias part of c_k, odd k", "k")(odd)
    np.testing.assert_allclose(bias, circle_ntk(odd, bias=True) - circle_ntk(odd))
    kernel = symbolic.function(circle_ntk, "kernel", "theta")(angle)
    np.testing.assert_allclose(kernel, circle_kernel(angle), atol=1e-15)
    added = symbolic.function(circle_ntk, "bias part of the kernel", "theta")(angle)
    np.testing.assert_allclose(kernel + added, circle_kernel(angle, bias=True), atol=1e-15)
    rate = symbolic.function(circle_ntk, "rate", "c_k", "eta")
    np.testing.assert_allclose(rate(circle_ntk(even), 0.5), circle_ntk(even, step=0.5))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="nonnegative integers"):
        circle_ntk(1.5)
    with pytest.raises(ValueError, match="nonnegative integers"):
        circle_ntk([1, np.nan])
    with pytest.raises(ValueError, match="alias the frequency 9"):
        circle_ntk(9, samples=16)
    with pytest.raises(ValueError, match="step"):
        circle_ntk([0, 1], step=10.0)
    with pytest.raises(ValueError, match="a multiple of 4"):
        direction_error(2, 64, samples=30)


def test_regime() -> None:
    assert circle_ntk.regime(output_factor=1e4, directions=256, frequency=6)
    assert "kernel moves" in circle_ntk.regime(output_factor=1.0, directions=256).reason
    assert not circle_ntk.regime(output_factor=1e4, directions=16, frequency=6)
