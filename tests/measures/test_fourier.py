import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lowcomplex.measures import (
    bandwidth,
    fourier_spectrum,
    relative_error_by_frequency,
    shift_equivariant_share,
    spectral_centroid,
)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _waves(amplitudes: dict[int, float], n: int = 64) -> Tensor:
    x = torch.arange(n, dtype=torch.float64) / n
    return sum((a * torch.sin(2 * math.pi * k * x + k) for k, a in amplitudes.items()), torch.zeros(n))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 2**31), exponent=st.integers(-12, 12))
def test_parseval_and_brute_force(n: int, seed: int, exponent: int) -> None:
    values = _random(seed, 3, n) * 10.0**exponent
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


def test_shift_equivariant_share() -> None:
    n = 12
    diagonal = _random(0, 2 * n - 1)
    index = torch.arange(n) - torch.arange(n)[:, None] + n - 1
    toeplitz = diagonal[index]
    assert float(shift_equivariant_share(toeplitz * 1e-12)) == pytest.approx(1)
    keys_only = _random(1, n, 1).expand(n, n)
    assert float(shift_equivariant_share(keys_only)) < 0.5
    noise = _random(2, 2000, n, n)
    expected = (2 * n - 2) / (n * n - 1)
    assert float(shift_equivariant_share(noise).mean()) == pytest.approx(expected, rel=0.02)


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
