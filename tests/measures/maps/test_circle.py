import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures
from lowcomplex.measures import circle_harmonics, fourier_spectrum

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "circle_harmonics": lambda c: measures.circle_harmonics(samples.F, c * samples.Y, 2).amplitude / c,
}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), degree=st.integers(0, 6), exponent=st.integers(-12, 12))
def test_planted_harmonics_at_random_angles(seed: int, degree: int, exponent: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    angles = 2 * math.pi * torch.rand(60, generator=generator, dtype=torch.float64)
    amplitude = torch.rand(2, degree + 1, generator=generator, dtype=torch.float64) + 0.1
    phase = 3 * (2 * torch.rand(2, degree + 1, generator=generator, dtype=torch.float64) - 1)
    phase[:, 0] = 0
    k = torch.arange(degree + 1, dtype=torch.float64)
    values = (amplitude[:, None] * torch.cos(k * angles[:, None] - phase[:, None])).sum(-1)
    found = circle_harmonics(angles, values * 10.0**exponent, degree)
    torch.testing.assert_close(found.amplitude / 10.0**exponent, amplitude, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(found.phase, phase, rtol=1e-6, atol=1e-6)
    assert (found.residual <= 1e-8 * 10.0**exponent).all()


def test_equal_spacing_gives_the_discrete_transform_and_a_turn_changes_phases_alone() -> None:
    n = 15
    angles = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    values = samples.random(0, n)
    found = circle_harmonics(angles, values, 7)
    torch.testing.assert_close(found.power, fourier_spectrum(values).power)
    turned = circle_harmonics(angles + 0.4, values, 7)
    torch.testing.assert_close(turned.amplitude, found.amplitude)
    assert not torch.allclose(turned.phase, found.phase)


def test_residual_is_what_is_left() -> None:
    angles = torch.linspace(0, 2 * math.pi, 201, dtype=torch.float64)[:-1]
    found = circle_harmonics(angles, torch.cos(angles) + 0.3 * torch.cos(9 * angles), 5)
    assert float(found.residual) == pytest.approx(0.3 / math.sqrt(2))


def test_bad_input() -> None:
    angles = torch.linspace(0, 1, 9)
    with pytest.raises(ValueError, match="do not determine"):
        circle_harmonics(angles, angles, 5)
    with pytest.raises(ValueError, match="do not determine"):
        circle_harmonics(torch.ones(20), torch.ones(20), 2)
    with pytest.raises(ValueError, match="degree"):
        circle_harmonics(angles, angles, -1)
    with pytest.raises(ValueError, match="angles, values"):
        circle_harmonics(angles, torch.ones(3), 1)
    with pytest.raises(ValueError, match="values: holds NaN"):
        circle_harmonics(angles, angles * math.nan, 1)
