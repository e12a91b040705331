from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import samples
from lowcomplex import measures
from lowcomplex.measures import linear_pieces
from lowcomplex.networks import TwoLayer

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "linear_pieces": lambda c: (
        measures.linear_pieces(samples.rectifier(c), samples.X[0], -samples.X[1]).breakpoints
    ),
}


def _network(seed: int, *widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, (m, n) in enumerate(pairwise(widths)):
        linear = nn.Linear(m, n).double()
        linear.weight.data = samples.random(seed + 2 * index, n, m) / math.sqrt(m)
        linear.bias.data = 0.3 * samples.random(seed + 2 * index + 1, n)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _patterns(network: nn.Sequential, start: Tensor, end: Tensor, points: int) -> int:
    """Number of changes of the activation pattern on a fine grid, by brute force."""
    t = torch.linspace(0, 1, points, dtype=torch.float64)[:, None]
    x, signs = start + t * (end - start), []
    for layer in network:
        if isinstance(layer, nn.ReLU):
            signs.append(x > 0)
        x = layer(x)
    pattern = torch.cat(signs, 1)
    return int((pattern[1:] != pattern[:-1]).any(1).sum())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), depth=st.integers(1, 3))
def test_pieces_against_a_fine_grid_and_the_network_itself(seed: int, depth: int) -> None:
    network = _network(seed, 3, *[6] * depth, 2)
    start, end = 3 * samples.random(seed + 100, 3), 3 * samples.random(seed + 101, 3)
    found = linear_pieces(network, start, end)
    # A grid misses pieces shorter than its spacing, and never invents one.
    lower = _patterns(network, start, end, 200_001)
    gaps = torch.cat((torch.zeros(1), found.breakpoints, torch.ones(1))).diff()
    assert lower <= found.count - 1 <= lower + 2 * int((gaps < 1e-5).sum())
    # The pieces rebuild the network at any point.
    t = np.random.default_rng(seed).random(50)
    knots = np.concatenate(([0.0], found.breakpoints.numpy(), [1.0]))
    at_knots = network(start + torch.from_numpy(knots)[:, None] * (end - start)).detach().numpy()
    at = network(start + torch.from_numpy(t)[:, None] * (end - start)).detach().numpy()
    for output in range(2):
        np.testing.assert_allclose(np.interp(t, knots, at_knots[:, output]), at[:, output], atol=1e-9)


def test_known_hinges() -> None:
    """f(x) = Σ a_k relu(x - b_k) on the line bends at each b_k by a_k."""
    bends, slopes = torch.tensor([0.1, 0.35, 0.7]), torch.tensor([[2.0, -3.0, 0.5]])
    network = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    network[0].weight.data, network[0].bias.data, network[2].weight.data = torch.ones(3, 1), -bends, slopes
    found = linear_pieces(network, torch.tensor([0.0]), torch.tensor([1.0]))
    assert found.count == 4
    torch.testing.assert_close(found.breakpoints, bends.double())
    torch.testing.assert_close(
        found.slopes.squeeze(1), torch.tensor([0.0, 2.0, -1.0, -0.5], dtype=torch.float64)
    )
    torch.testing.assert_close(found.kinks, slopes[0].abs().double())


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_condensed_neurons_switch_together(scale: float) -> None:
    directions = samples.random(0, 3, 4)
    W = directions.repeat(500, 1) * samples.random(1, 1500, 1).abs() * scale
    network = nn.Sequential(nn.Linear(4, 1500, bias=False), nn.ReLU(), nn.Linear(1500, 1)).double()
    network[0].weight.data = W
    start, end = samples.random(2, 4), samples.random(3, 4)
    crossed = ((directions @ start) * (directions @ end) < 0).sum()
    assert linear_pieces(network, start, end).count == 1 + int(crossed)
    backwards = linear_pieces(network, end, start)
    torch.testing.assert_close(
        1 - backwards.breakpoints.flip(0), linear_pieces(network, start, end).breakpoints
    )


def test_random_one_dimensional_networks_have_as_many_pieces_as_neurons_inside() -> None:
    network = _network(5, 1, 400, 1)
    bends = -network[0].bias.detach() / network[0].weight.detach().squeeze(1)
    found = linear_pieces(network, torch.tensor([-1.0]), torch.tensor([1.0]))
    inside = bends[(bends > -1) & (bends < 1)].sort().values
    torch.testing.assert_close(found.breakpoints, (inside + 1) / 2)


def test_other_ways_to_call_a_relu() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 8), nn.Conv1d(1, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            hidden = functional.leaky_relu(self.first(x), 0.1)
            return hidden + torch.relu(self.second(hidden[:, None])).sum((1, 2), keepdim=True)[:, 0]

    torch.manual_seed(0)
    start, end = samples.random(0, 3), samples.random(1, 3)
    found = linear_pieces(Residual(), 5 * start, 5 * end)
    assert found.count > 3
    assert (found.kinks > 0).all()
    inplace = nn.Sequential(nn.Linear(3, 8), nn.ReLU(inplace=True))
    assert linear_pieces(inplace, 5 * start, -5 * start).count > 1
    two_layer = TwoLayer(3, 20, activation="relu")
    assert linear_pieces(two_layer, start, -start).count > 1


def test_bad_input() -> None:
    x = torch.zeros(3)
    with pytest.raises(ValueError, match="calls no ReLU"):
        linear_pieces(nn.Linear(3, 2), x, x + 1)
    with pytest.raises(ValueError, match="not linear between"):
        linear_pieces(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Tanh()), x, x + 1)
    with pytest.raises(ValueError, match="two different"):
        linear_pieces(nn.ReLU(), x, x)
    with pytest.raises(ValueError, match="one shape"):
        linear_pieces(nn.ReLU(), x, torch.ones(2))
    with pytest.raises(ValueError, match="end: holds NaN"):
        linear_pieces(nn.ReLU(), x, x * math.nan)
    broken = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    broken[0].weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match=r"module\(x\): holds NaN"):
        linear_pieces(broken, x, x + 1)
