"""The neural tangent kernel against one backward pass per sample."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lowcomplex.measures import neural_tangent_kernel
from ratios import ratio


def _by_samples(module: nn.Module, x: Tensor) -> Tensor:
    rows = []
    for single in x:
        gradients = torch.autograd.grad(module(single[None]).squeeze(), list(module.parameters()))
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.mT


def test_against_a_loop_over_samples() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    x = torch.randn(512, 10)
    torch.testing.assert_close(
        neural_tangent_kernel(network, x), _by_samples(network, x), rtol=1e-4, atol=1e-4
    )
    ratio(lambda: neural_tangent_kernel(network, x), lambda: _by_samples(network, x), rounds=5, bar=1 / 5)
