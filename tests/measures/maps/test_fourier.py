import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import (
    bandwidth,
    bandwidth_of,
    centroid_of,
    fourier_spectrum,
    fourier_spectrum_2d,
    relative_error_by_frequency,
    spectral_centroid,
)

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "bandwidth": lambda c: measures.bandwidth(c * samples.Y),
    "fourier_spectrum": lambda c: measures.fourier_spectrum(c * samples.Y).power / c**2,
    "fourier_spectrum_2d": lambda c: measures.fourier_spectrum_2d(c * samples.W).power / c**2,
    "relative_error_by_frequency": lambda c: measures.relative_error_by_frequency(
        c * samples.Y, c * samples.Y.flip(0)
    ),
    "spectral_centroid": lambda c: measures.spectral_centroid(c * samples.Y),
}


def _waves(amplitudes: dict[int, float], n: int = 64) -> Tensor:
    x = torch.arange(n, dtype=torch.float64) / n
    return sum((a * torch.sin(2 * math.pi * k * x + k) for k, a in amplitudes.items()), torch.zeros(n))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 2**31), exponent=st.integers(-12, 12))
def test_parseval_and_brute_force(n: int, seed: int, exponent: int) -> None:
    values = samples.random(seed, 3, n) * 10.0**exponent
    spectrum = fourier_spectrum(values, spacing=0.5)
    torch.testing.assert_close(spectrum.power.sum(-1), values.square().mean(-1))
    k, j = np.arange(n // 2 + 1)[:, None], np.arange(n)
    direct = values.numpy() @ np.exp(-2j * np.pi * k * j / n).T / n
    np.testing.assert_allclose(spectrum.coefficients.numpy(), direct, rtol=1e-9, atol=1e-12 * 10.0**exponent)
    np.testing.assert_allclose(spectrum.frequencies.numpy(), np.fft.rfftfreq(n, 0.5))


def test_summaries_of_planted_waves() -> None:
    values = 7.0 + _waves({2: 1.0, 6: 1.0, 20: 0.1})
    power = {2: 0.5, 6: 0.5, 20: 0.005}
    centroid = sum(k * p for k, p in power.items()) / sum(power.values())
    assert float(spectral_centroid(values, spacing=1 / 64)) == pytest.approx(centroid)
    assert float(bandwidth(values, spacing=1 / 64)) == pytest.approx(6)
    assert float(bandwidth(values, spacing=1 / 64, share=1.0)) == pytest.approx(20)
    assert float(bandwidth(1e-9 * values, spacing=1 / 64)) == pytest.approx(6)


def test_relative_error_of_partly_learned_waves() -> None:
    target = _waves({1: 1.0, 3: 0.5, 5: 0.2})
    error = relative_error_by_frequency(_waves({1: 1.0, 3: 0.25}), target)
    assert error[1] == pytest.approx(0, abs=1e-12)
    assert error[3] == pytest.approx(0.5)
    assert error[5] == pytest.approx(1)
    asked = torch.zeros(33, dtype=torch.bool)
    asked[[1, 3, 5]] = True
    assert torch.equal(~torch.isnan(error), asked)


def test_constants_have_no_centroid() -> None:
    assert torch.isnan(spectral_centroid(torch.ones(8)))
    assert torch.isnan(bandwidth(torch.zeros(8)))


@settings(max_examples=30, deadline=None)
@given(m=st.integers(2, 9), n=st.integers(2, 9), seed=st.integers(0, 2**31), exponent=st.integers(-12, 12))
def test_two_dimensions_against_brute_force(m: int, n: int, seed: int, exponent: int) -> None:
    values = samples.random(seed, 2, m, n) * 10.0**exponent
    spectrum = fourier_spectrum_2d(values, spacing=(0.5, 0.25))
    torch.testing.assert_close(spectrum.power.sum((-2, -1)), values.square().mean((-2, -1)))
    k, j = np.arange(m)[:, None], np.arange(n // 2 + 1)[:, None]
    first = np.exp(-2j * np.pi * k * np.arange(m) / m)
    second = np.exp(-2j * np.pi * j * np.arange(n) / n)
    direct = first @ values.numpy() @ second.T / (m * n)
    np.testing.assert_allclose(spectrum.coefficients.numpy(), direct, rtol=1e-9, atol=1e-12 * 10.0**exponent)
    np.testing.assert_allclose(spectrum.radius[:, 0].numpy(), np.abs(np.fft.fftfreq(m, 0.5)))


def test_two_dimensional_summaries_of_a_planted_wave() -> None:
    x = torch.arange(32, dtype=torch.float64) / 32
    wave = torch.cos(2 * math.pi * (3 * x[:, None] - 4 * x)) + 7
    spectrum = fourier_spectrum_2d(wave, spacing=(1 / 32, 1 / 32))
    radius, power = spectrum.radius.flatten(), spectrum.power.flatten()
    assert float(centroid_of(radius, power)) == pytest.approx(5)
    assert float(bandwidth_of(radius, power)) == pytest.approx(5)


@pytest.mark.parametrize("bad", [torch.ones(1), torch.tensor([1.0, math.nan])])
@pytest.mark.parametrize("measure", [fourier_spectrum, spectral_centroid, bandwidth])
def test_bad_values(measure, bad: Tensor) -> None:
    with pytest.raises(ValueError, match="values"):
        measure(bad)


def test_different_grids() -> None:
    with pytest.raises(ValueError, match="one grid"):
        relative_error_by_frequency(torch.ones(4), torch.ones(5))


def test_bad_spacing_and_share() -> None:
    with pytest.raises(ValueError, match="spacing"):
        fourier_spectrum(torch.ones(4), spacing=0.0)
    with pytest.raises(ValueError, match="share"):
        bandwidth(torch.ones(4), share=0.0)


def test_bad_grid_in_two_dimensions() -> None:
    with pytest.raises(ValueError, match="at least 2 x 2"):
        fourier_spectrum_2d(torch.ones(1, 4))
    with pytest.raises(ValueError, match="spacing"):
        fourier_spectrum_2d(torch.ones(4, 4), spacing=(1.0, 0.0))
    with pytest.raises(ValueError, match="values: holds NaN"):
        fourier_spectrum_2d(torch.full((2, 2), math.nan))
