import math

import numpy as np
import pytest
import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import low_high_error, low_high_parts

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "low_high_error": lambda c: (
        measures.low_high_error(samples.X, c * samples.Y, c * samples.Y.flip(0), 1.0).low
    ),
    "low_high_parts": lambda c: measures.low_high_parts(samples.X, c * samples.Y, 1.0).low / c,
}


def test_against_the_definition_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowcomplex.measures.maps.low_high._DISTANCES", 50)
    X, values = samples.random(0, 12, 5), samples.random(1, 12, 2)
    squared = ((X[:, None] - X) ** 2).sum(-1).numpy()
    weights = np.exp(-squared / (2 * 1.5**2))
    expected = weights @ values.numpy() / weights.sum(1, keepdims=True)
    found = low_high_parts(X, values, 1.5)
    np.testing.assert_allclose(found.low.numpy(), expected, rtol=1e-12)
    torch.testing.assert_close(found.low + found.high, values)
    torch.testing.assert_close(low_high_parts(X, values[:, 0], 1.5).low, found.low[:, 0])


def test_a_wave_on_a_line_is_damped_by_the_transform_of_the_filter() -> None:
    x = torch.arange(4000, dtype=torch.float64)[:, None] / 200
    delta = 0.1
    for k in (0.5, 1.0, 2.0):
        wave = torch.cos(2 * math.pi * k * x[:, 0])
        damped = low_high_parts(x, wave, delta).low[800:3200]
        expected = math.exp(-((2 * math.pi * k * delta) ** 2) / 2)
        torch.testing.assert_close(damped, expected * wave[800:3200], rtol=1e-4, atol=1e-4)


def test_limits_of_the_scale() -> None:
    X, values = samples.random(0, 12, 5), samples.random(1, 12)
    torch.testing.assert_close(low_high_parts(X, values, 1e-6).low, values)
    torch.testing.assert_close(low_high_parts(X, values, 1e9).low, values.mean().expand(12))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_errors_tell_low_from_high(scale: float) -> None:
    x = torch.linspace(0, 1, 400, dtype=torch.float64)[:, None]
    slow, fast = torch.sin(2 * math.pi * x[:, 0]), torch.sin(2 * math.pi * 20 * x[:, 0])
    error = low_high_error(x, scale * slow, scale * (slow + fast), 0.03)
    assert error.low < 0.1
    assert error.high > 0.9
    nothing = low_high_error(x, 0 * slow, scale * (slow + fast), 0.03)
    assert nothing == pytest.approx((1, 1))


def test_bad_input() -> None:
    X, y = torch.ones(3, 2), torch.ones(3)
    with pytest.raises(ValueError, match="delta"):
        low_high_parts(X, y, 0.0)
    with pytest.raises(ValueError, match="X, values"):
        low_high_parts(X, torch.ones(2), 1.0)
    with pytest.raises(ValueError, match="learned, target"):
        low_high_error(X, y, torch.ones(2), 1.0)
    with pytest.raises(ValueError, match="values: holds NaN"):
        low_high_parts(X, y * math.nan, 1.0)
