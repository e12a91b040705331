import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

import samples
from lowcomplex import measures
from lowcomplex.measures import bandwidth_of, centroid_of, decay_exponent

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "bandwidth_of": lambda c: measures.bandwidth_of(samples.F, c * samples.Y.square()),
    "centroid_of": lambda c: measures.centroid_of(samples.F, c * samples.Y.square()),
    "decay_exponent": lambda c: measures.decay_exponent(samples.F, c * samples.Y.square()).exponent,
}


@settings(max_examples=30, deadline=None)
@given(exponent=st.floats(0.5, 6), scale=st.integers(-12, 12), seed=st.integers(0, 2**31))
def test_planted_power_law_is_inside_its_interval_and_scale_does_not_matter(exponent, scale, seed) -> None:
    f = torch.arange(0.0, 65.0, dtype=torch.float64)
    power = torch.where(f > 0, f.clamp(min=1) ** -exponent, 5.0)
    exact = decay_exponent(f, power * 10.0**scale)
    assert exact.exponent == pytest.approx(exponent)
    noise = torch.randn(65, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    noisy = power * (0.3 * noise).exp()
    fit, scaled = decay_exponent(f, noisy), decay_exponent(3 * f, noisy * 10.0**scale)
    assert scaled.exponent == pytest.approx(fit.exponent)
    assert scaled.low == pytest.approx(fit.low)


def test_the_interval_covers_as_often_as_it_says() -> None:
    f = torch.arange(1.0, 33.0, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    covered = 0
    for _ in range(400):
        noise = 0.5 * torch.randn(32, generator=generator, dtype=torch.float64)
        fit = decay_exponent(f, f**-2 * noise.exp(), confidence=0.9)
        covered += fit.low <= 2 <= fit.high
    assert 0.85 < covered / 400 < 0.95


def test_interval_against_the_textbook() -> None:
    f = torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64)
    power = torch.tensor([1.0, 0.3, 0.05, 0.02], dtype=torch.float64)
    x, y = np.log(f.numpy()), np.log(power.numpy())
    slope, intercept = np.polyfit(x, y, 1)
    s2 = ((y - slope * x - intercept) ** 2).sum() / 2
    half = t.ppf(0.975, 2) * math.sqrt(s2 / ((x - x.mean()) ** 2).sum())
    fit = decay_exponent(f, power)
    assert (fit.low, fit.high) == pytest.approx((-slope - half, -slope + half))
    assert fit.points == 4


def test_band() -> None:
    f = torch.arange(1.0, 100.0, dtype=torch.float64)
    power = torch.where(f < 10, 1.0, f**-3)
    fit = decay_exponent(f, power, band=(10, 50))
    assert (fit.exponent, fit.points) == (pytest.approx(3), 41)


def test_order_and_sign_of_the_frequencies_do_not_matter() -> None:
    f = torch.tensor([3.0, -1.0, 0.0, 2.0])
    power = torch.tensor([[1.0, 1.0, 50.0, 2.0], [0.0, 0.0, 1.0, 0.0]])
    assert centroid_of(f, power).tolist() == [2.0, pytest.approx(math.nan, nan_ok=True)]
    assert bandwidth_of(f, power, share=0.7).tolist() == [2.0, pytest.approx(math.nan, nan_ok=True)]
    assert float(bandwidth_of(f, power[0], share=1.0)) == 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_long_spectra_of_half_precision(dtype: torch.dtype) -> None:
    f, two = torch.arange(512.0), torch.zeros(512, dtype=dtype)
    two[3] = two[400] = 1.0
    assert float(bandwidth_of(f, two)) == 400
    assert float(centroid_of(f.to(dtype), torch.ones(512, dtype=dtype))) == pytest.approx(256, rel=1e-3)


def test_bad_input() -> None:
    f = torch.arange(3.0)
    for function in (centroid_of, bandwidth_of, decay_exponent):
        with pytest.raises(ValueError, match="nonnegative"):
            function(f, -f)
        with pytest.raises(ValueError, match="power: holds NaN"):
            function(f, f * math.nan)
        with pytest.raises(ValueError, match="frequencies, power: expected"):
            function(f, torch.ones(4))
    with pytest.raises(ValueError, match="at least three frequencies"):
        decay_exponent(f, torch.ones(3))
    with pytest.raises(ValueError, match="confidence"):
        decay_exponent(f, torch.ones(3), confidence=1.0)
    with pytest.raises(ValueError, match="share"):
        bandwidth_of(f, f, share=0.0)
