from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lowcomplex.measures import kernel_alignment, kernel_drift, neural_tangent_kernel


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _network(outputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, outputs)
    ).double()


def _by_backward_passes(module: nn.Module, x: Tensor) -> Tensor:
    """One backward pass for every output of every input."""
    rows = []
    for single in x:
        for value in module(single[None]).flatten():
            gradients = torch.autograd.grad(value, list(module.parameters()), retain_graph=True)
            rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    jacobian = torch.stack(rows).view(len(x), -1)
    return jacobian @ jacobian.mT


@pytest.mark.parametrize("block", [None, 1, 4, 100])
def test_is_the_inner_product_of_all_gradients(block: int | None) -> None:
    x = _random(1, 9, 3)
    kernel = neural_tangent_kernel(_network(), x, block=block)
    torch.testing.assert_close(kernel, _by_backward_passes(_network(), x))
    assert torch.equal(kernel, kernel.mT)
    assert float(torch.linalg.eigvalsh(kernel)[0]) > -1e-10


@pytest.mark.parametrize("block", [None, 2])
def test_between_two_sets_of_inputs(block: int | None) -> None:
    x, other = _random(2, 5, 3), _random(3, 4, 3)
    whole = neural_tangent_kernel(_network(), torch.cat((x, other)))
    torch.testing.assert_close(neural_tangent_kernel(_network(), x, other, block=block), whole[:5, 5:])


def test_two_layers_in_closed_form() -> None:
    # f = Σ a s(w·x): K = Σ_k s(w_k·x) s(w_k·x') + x·x' Σ_k a_k² s'(w_k·x) s'(w_k·x').
    w, a, x = _random(4, 50, 3), _random(5, 1, 50), _random(6, 8, 3)
    network = nn.Sequential(nn.Linear(3, 50, bias=False), nn.Tanh(), nn.Linear(50, 1, bias=False)).double()
    network[0].weight.data, network[2].weight.data = w, a
    h = (x @ w.mT).tanh()
    slope = (1 - h.square()) * a
    torch.testing.assert_close(neural_tangent_kernel(network, x), h @ h.mT + (x @ x.mT) * (slope @ slope.mT))


def test_frozen_parameters_do_not_count_and_nothing_changes() -> None:
    module, x = _network(), _random(7, 4, 3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for parameter in module[:-1].parameters():
        parameter.requires_grad_(False)
    features = module[:-1](x)
    torch.testing.assert_close(neural_tangent_kernel(module, x), 2 * (features @ features.mT + 1))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), scale=st.sampled_from([1e-12, 1.0, 1e12]))
def test_alignment_and_drift_are_angles(seed: int, scale: float) -> None:
    features, y = _random(seed, 6, 4), _random(seed + 1, 6)
    kernel, other = features @ features.mT, torch.outer(y, y)
    cosine = float((kernel * other).sum() / (kernel.norm() * other.norm()))
    assert float(kernel_alignment(scale * kernel, y)) == pytest.approx(cosine)
    assert float(kernel_drift(kernel, scale * other)) == pytest.approx(1 - cosine)
    assert float(kernel_alignment(other, y)) == pytest.approx(1)
    assert float(kernel_drift(kernel, scale * kernel)) == pytest.approx(0, abs=1e-12)


def test_wide_networks_at_large_output_scale_turn_their_kernel_less() -> None:
    x, y = _random(8, 6, 3), _random(9, 6)[:, None]
    drifts = []
    for alpha in (1.0, 100.0):
        network = _network(1)
        start, offset = neural_tangent_kernel(network, x), network(x).detach()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05 / alpha**2)
        for _ in range(200):
            loss = (alpha * (network(x) - offset) - y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        drifts.append(float(kernel_drift(start, neural_tangent_kernel(network, x))))
    assert drifts[1] < 1e-2 * drifts[0]


def test_bad_input() -> None:
    frozen = nn.Linear(2, 1).requires_grad_(False)
    with pytest.raises(ValueError, match="no trainable parameter"):
        neural_tangent_kernel(frozen, torch.ones(3, 2))
    with pytest.raises(ValueError, match="x: expected inputs"):
        neural_tangent_kernel(nn.Linear(2, 1), torch.ones(0, 2))
    with pytest.raises(ValueError, match="block"):
        neural_tangent_kernel(nn.Linear(2, 1), torch.ones(3, 2), block=0)
    with pytest.raises(ValueError, match="tangent kernel holds NaN"):
        neural_tangent_kernel(nn.Linear(2, 1), torch.full((3, 2), math.nan))
    with pytest.raises(ValueError, match="kernel, targets"):
        kernel_alignment(torch.eye(3), torch.ones(4))
    with pytest.raises(ValueError, match="before, after"):
        kernel_drift(torch.eye(3), torch.eye(4))
