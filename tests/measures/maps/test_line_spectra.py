import math

import pytest
import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import line_spectra

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "line_spectra": lambda c: (
        measures.line_spectra(
            lambda x: c * x.sin(), samples.X, lines=2, generator=samples.generator()
        ).centroid
    ),
}


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_radial_wave_has_one_frequency_along_every_line(scale: float) -> None:
    """Along a line, cos(2π k·x) has frequency |k · unit|: known for each pair of two points."""
    X = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    wave = torch.tensor([5.0, 0.0], dtype=torch.float64)
    found = line_spectra(
        lambda x: scale * torch.cos(2 * math.pi * x @ wave), X, lines=5, length=10.0, generator=_generator()
    )
    torch.testing.assert_close(found.centroid, torch.full((5,), 3.0, dtype=torch.float64), rtol=0.01, atol=0)
    assert (found.frequencies[found.power.argmax(-1)] - 3).abs().max() <= 0.1
    assert ((found.bandwidth - 3).abs() <= 0.2).all()
    assert float(found.power.sum(-1).mean() / scale**2) == pytest.approx(0.5 * 3 / 8 / 2, rel=0.1)


def test_many_outputs_add_up_and_a_generator_decides_the_lines() -> None:
    X = samples.random(0, 30, 6)
    one = line_spectra(lambda x: x[:, 0].sin(), X, lines=4, generator=_generator())
    two = line_spectra(lambda x: x[:, :2].sin(), X, lines=4, generator=_generator())
    other = line_spectra(lambda x: x[:, 1].sin(), X, lines=4, generator=_generator())
    torch.testing.assert_close(two.power, one.power + other.power)
    assert two.power.shape == (4, 129)


def test_a_rougher_map_has_a_higher_centroid() -> None:
    X = samples.random(0, 50, 8)
    smooth, rough = (
        line_spectra(lambda x, k=k: torch.sin(k * x[:, 0]), X, lines=32, generator=_generator())
        for k in (1, 10)
    )
    assert float(rough.centroid.nanmedian()) > 2 * float(smooth.centroid.nanmedian())
    assert line_spectra(lambda x: 0 * x + 0.1, X, lines=2).centroid.isnan().all()


def test_bad_input() -> None:
    X = samples.random(0, 4, 2)
    with pytest.raises(ValueError, match="two different samples"):
        line_spectra(lambda x: x, torch.ones(3, 2))
    with pytest.raises(ValueError, match="lines, points"):
        line_spectra(lambda x: x, X, points=2)
    with pytest.raises(ValueError, match="length"):
        line_spectra(lambda x: x, X, length=0.0)
    with pytest.raises(ValueError, match=r"function\(X\): holds NaN"):
        line_spectra(lambda x: x * math.nan, X)
    with pytest.raises(ValueError, match="function: expected one output for each"):
        line_spectra(lambda x: x[:3], X)
    with pytest.raises(ValueError, match="X: holds NaN"):
        line_spectra(lambda x: x, X * math.nan)
