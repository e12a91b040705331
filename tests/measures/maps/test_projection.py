import math

import numpy as np
import pytest
import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import projected_spectrum

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "projected_spectrum": lambda c: measures.projected_spectrum(
        samples.X, samples.Y, c * samples.X[:2], samples.F
    ).abs(),
}


def test_against_the_definition_at_any_scale_of_the_directions() -> None:
    X, values, directions = samples.random(0, 20, 6), samples.random(1, 3, 20), samples.random(2, 2, 6)
    frequencies = torch.tensor([0.0, 0.3, 1.7], dtype=torch.float64)
    unit = (directions / directions.norm(dim=1, keepdim=True)).numpy()
    phase = np.exp(-2j * np.pi * frequencies.numpy()[:, None, None] * (X.numpy() @ unit.T))
    expected = np.einsum("knp,bn->bpk", phase, values.numpy()) / 20
    for scale in (1e-12, 1.0, 1e12):
        found = projected_spectrum(X, values, scale * directions, frequencies)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_a_plane_wave_stands_at_its_frequency_along_its_direction() -> None:
    X = torch.rand(5000, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    along, across = torch.eye(10, dtype=torch.float64)[:2]
    values = torch.cos(2 * math.pi * 4 * X @ along)
    frequencies = torch.arange(8, dtype=torch.float64)
    found = projected_spectrum(X, values, torch.stack((along, across)), frequencies).abs()
    assert int(found[0].argmax()) == 4
    assert float(found[0, 4]) == pytest.approx(0.5, abs=0.02)
    assert float(found[1].max()) < 0.05


def test_bad_input() -> None:
    X, f = torch.ones(3, 2), torch.ones(1)
    with pytest.raises(ValueError, match="zero vector"):
        projected_spectrum(X, torch.ones(3), torch.zeros(1, 2), f)
    with pytest.raises(ValueError, match="X, values"):
        projected_spectrum(X, torch.ones(2), torch.ones(1, 2), f)
    with pytest.raises(ValueError, match="directions, frequencies"):
        projected_spectrum(X, torch.ones(3), torch.ones(1, 3), f)
    with pytest.raises(ValueError, match="values: holds NaN"):
        projected_spectrum(X, torch.full((3,), math.nan), torch.ones(1, 2), f)
