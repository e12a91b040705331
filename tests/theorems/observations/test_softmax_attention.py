from __future__ import annotations

import numpy as np
import pytest
import torch

from lowcomplex.theorems.observations import softmax_attention as layer
from lowcomplex.training import LossShare, gradient_flow, stack


def _start(seed: int) -> tuple[np.ndarray, np.ndarray, layer.Weights]:
    x, y = layer.draw_tokens(np.random.default_rng(seed), 10, 3, 3)
    return x, y, layer.initialized(3, (0.6, 0.3), (0.5, 0.9), seed=seed)


def test_initialized_weights_are_scaled_normal_numbers() -> None:
    _, _, start = _start(0)
    draw = layer.draw_weights(3, seed=0)
    np.testing.assert_allclose(start.value, np.array([0.6, 0.3])[:, None, None] * draw.value, rtol=1e-12)
    np.testing.assert_allclose(start.readout, np.array([0.6, 0.3])[:, None] * draw.readout, rtol=1e-12)
    np.testing.assert_allclose(start.key, np.array([0.5, 0.9])[:, None, None] * draw.key, rtol=1e-12)


@pytest.mark.parametrize("own_clocks", [False, True])
def test_flow_is_that_of_automatic_differentiation(own_clocks: bool) -> None:
    x, y, start = _start(0)
    networks = []
    for k in range(2):
        network = layer.AttentionLayer(3)
        with torch.no_grad():
            for name, piece in start._asdict().items():
                weight = getattr(network, name).weight
                weight.copy_(torch.from_numpy(piece[k].T.copy()).reshape(weight.shape))
        networks.append(network)
    parameters, output = stack(networks)
    tokens, targets = torch.from_numpy(x), torch.from_numpy(y)

    def loss(p: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.exp(-targets * output(p, tokens)).mean(1)

    np.testing.assert_allclose(layer.losses(x, y, start), loss(parameters).numpy())
    condition = LossShare(0.9)
    end = layer.train(x, y, start, (0.0, 50.0), until=condition, own_clocks=own_clocks)
    flow = gradient_flow(loss, parameters, (0.0, 50.0), until=condition)
    assert end.reached.all()
    np.testing.assert_allclose(end.end_times, flow.end_times, rtol=1e-7)
    for name in ("value", "hidden", "query", "key"):
        expected = flow.end[f"{name}.weight"].mT
        np.testing.assert_allclose(getattr(end.end, name), expected, atol=1e-7)
    np.testing.assert_allclose(end.end.readout, flow.end["readout.weight"][:, 0], atol=1e-7)
