import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures
from lowcomplex.measures import scattered_spectrum

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "scattered_spectrum": lambda c: measures.scattered_spectrum(samples.POINTS, c * samples.Y, 3).abs() / c,
}


@settings(max_examples=20, deadline=None)
@given(
    d=st.integers(1, 3),
    n=st.integers(1, 30),
    modes=st.integers(0, 4),
    seed=st.integers(0, 2**31),
    exponent=st.integers(-12, 12),
)
def test_both_methods_agree_with_the_definition(d: int, n: int, modes: int, seed: int, exponent: int) -> None:
    points = 5 * samples.random(seed, n, d)
    values = samples.random(seed + 1, 2, n) * 10.0**exponent
    k = np.arange(-modes, modes + 1)
    grid = np.stack(np.meshgrid(*[k] * d, indexing="ij"), -1)
    phase = np.exp(-2j * np.pi * (grid @ points.numpy().T) / 2.5)
    expected = np.einsum("...j,bj->b...", phase, values.numpy()) / n
    for method in ("direct", "nufft", "auto"):
        if method == "nufft":
            pytest.importorskip("finufft")
        found = scattered_spectrum(points, values, modes, period=2.5, method=method)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-10 * 10.0**exponent)


def test_on_a_grid_it_is_the_discrete_transform() -> None:
    values = samples.random(0, 16)
    found = scattered_spectrum(torch.arange(16, dtype=torch.float64) / 16, values, 7)
    torch.testing.assert_close(found[7:], torch.fft.rfft(values, norm="forward")[:8])
    torch.testing.assert_close(found[:7], found[8:].flip(0).conj())


def test_many_points_take_the_fast_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    finufft = pytest.importorskip("finufft")
    called = []
    inner = finufft.nufft1d1
    monkeypatch.setattr(finufft, "nufft1d1", lambda *a, **k: called.append(1) or inner(*a, **k))
    points, values = torch.rand(3000, dtype=torch.float64), samples.random(1, 3000)
    fast = scattered_spectrum(points, values, 100)
    assert called
    torch.testing.assert_close(fast, scattered_spectrum(points, values, 100, method="direct"))


def test_far_periods_fold_and_noise_stays_at_its_floor() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(4000, generator=generator, dtype=torch.float64)
    values = torch.cos(2 * math.pi * 3 * points)
    found = scattered_spectrum(points + 1000, values, 20)
    torch.testing.assert_close(found, scattered_spectrum(points, values, 20), rtol=1e-8, atol=1e-8)
    assert abs(complex(found[23]) - 0.5) < 0.05
    others = torch.cat((found[24:], found[20:23])).abs().square().mean()
    assert float(others) == pytest.approx(0.5 / 4000, rel=0.8)


@pytest.mark.parametrize("method", ["direct", "nufft"])
def test_points_a_billion_periods_away_keep_their_phase(method) -> None:
    """Multiples of 1/64 stay exact there, so the sum is the discrete transform's to rounding."""
    if method == "nufft":
        pytest.importorskip("finufft")
    grid = torch.arange(64, dtype=torch.float64) / 64
    values = samples.random(2, 64)
    found = scattered_spectrum(grid + 2.0**30, values, 31, method=method)
    expected = torch.fft.fftshift(torch.fft.fft(values, norm="forward"))[1:]
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-13)


def test_bad_input() -> None:
    x = torch.rand(5)
    with pytest.raises(ValueError, match="points, values"):
        scattered_spectrum(x, torch.ones(4), 2)
    with pytest.raises(ValueError, match="at most three dimensions"):
        scattered_spectrum(torch.rand(5, 4), torch.ones(5), 2)
    with pytest.raises(ValueError, match="modes"):
        scattered_spectrum(x, x, -1)
    with pytest.raises(ValueError, match="period"):
        scattered_spectrum(x, x, 1, period=0.0)
    with pytest.raises(ValueError, match="method"):
        scattered_spectrum(x, x, 1, method="fft")
    with pytest.raises(ValueError, match="values: holds NaN"):
        scattered_spectrum(x, x * math.nan, 1)
