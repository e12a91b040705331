from __future__ import annotations

import numpy as np
import pytest
import torch

from lowcomplex.networks import DiagonalLinear
from lowcomplex.predictions import diagonal_linear
from lowcomplex.training import gradient_flow


def test_starts_at_zero_and_maps_by_its_coefficients() -> None:
    network = DiagonalLinear(4, alpha=0.3, power=3)
    x = torch.randn(2, 5, 4, dtype=torch.float64)
    assert not network(x).any()
    with torch.no_grad():
        network.positive.copy_(torch.tensor([1.0, 2.0, 0.0, -1.0]))
    expected = torch.tensor([1.0, 8.0, 0.0, -1.0], dtype=torch.float64) - 0.3**3
    torch.testing.assert_close(network(x), (x * expected).sum(-1))


def test_flows_to_the_predicted_interpolant() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 6)), rng.standard_normal(3)
    network = DiagonalLinear(6, alpha=0.5)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def loss(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        output = torch.func.functional_call(network, parameters, (inputs,))
        return (output - targets).square().mean()

    flow = gradient_flow(loss, dict(network.named_parameters()), [0.0, 200.0], rtol=1e-8, method="LSODA")
    u, v = (flow.parameters[name][-1] for name in ("positive", "negative"))
    np.testing.assert_allclose((u**2 - v**2).numpy(), diagonal_linear(x, y, alpha=0.5), rtol=1e-5)


@pytest.mark.parametrize("bad", [{"d_in": 0}, {"alpha": 0.0}, {"power": 0}])
def test_bad_sizes(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        DiagonalLinear(**{"d_in": 2, "alpha": 1.0, "power": 2} | bad)
