import math

import pytest
import torch
from torch import nn

import samples
from lowcomplex import measures
from lowcomplex.measures import jacobian_norms

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "jacobian_norms": lambda c: measures.jacobian_norms(samples.linear(c), samples.X).frobenius / c,
}


@pytest.mark.parametrize("outputs", [1, 2, 9])
@pytest.mark.parametrize("block", [None, 1, 2])
def test_against_autograd_one_by_one(outputs: int, block: int | None) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, outputs)).double()
    x = samples.random(0, 5, 4)
    found = jacobian_norms(network, x, block=block)
    for index, single in enumerate(x):
        J = torch.autograd.functional.jacobian(lambda v: network(v[None])[0], single)
        assert float(found.frobenius[index]) == pytest.approx(float(J.norm()))
        assert float(found.spectral[index]) == pytest.approx(float(torch.linalg.svdvals(J)[0]))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_linear_map_has_the_norms_of_its_matrix(scale: float) -> None:
    layer = nn.Linear(6, 3).double()
    layer.weight.data = scale * samples.random(1, 3, 6)
    found = jacobian_norms(layer, samples.random(2, 4, 6))
    s = torch.linalg.svdvals(layer.weight.detach())
    torch.testing.assert_close(found.spectral / scale, (s[0] / scale).expand(4))
    torch.testing.assert_close(found.frobenius / scale, (s.norm() / scale).expand(4))


def test_inputs_with_several_dimensions() -> None:
    convolution = nn.Conv2d(1, 2, 3).double()
    assert jacobian_norms(convolution, samples.random(0, 3, 1, 5, 5)).frobenius.shape == (3,)


def test_bad_input() -> None:
    layer = nn.Linear(2, 1)
    with pytest.raises(ValueError, match="x: expected inputs"):
        jacobian_norms(layer, torch.ones(0, 2))
    with pytest.raises(TypeError, match="x: expected floating-point"):
        jacobian_norms(layer, torch.ones(3, 2, dtype=torch.long))
    with pytest.raises(ValueError, match="block"):
        jacobian_norms(layer, torch.ones(3, 2), block=0)
    layer.weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="Jacobian holds NaN"):
        jacobian_norms(layer, torch.ones(3, 2))
