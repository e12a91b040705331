from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import samples
from lowcomplex import measures
from lowcomplex.measures import kernel_drift, neural_tangent_kernel

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "neural_tangent_kernel": lambda c: (
        measures.neural_tangent_kernel(samples.linear(1), c * samples.X) / c**2
    ),
}


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
@pytest.mark.parametrize("method", ["contraction", "products", "auto"])
def test_is_the_inner_product_of_all_gradients(block: int | None, method: str) -> None:
    x = samples.random(1, 9, 3)
    kernel = neural_tangent_kernel(_network(), x, block=block, method=method)
    torch.testing.assert_close(kernel, _by_backward_passes(_network(), x))
    assert torch.equal(kernel, kernel.mT)
    assert float(torch.linalg.eigvalsh(kernel)[0]) > -1e-10


@pytest.mark.parametrize("block", [None, 2])
@pytest.mark.parametrize("method", ["contraction", "products"])
def test_between_two_sets_of_inputs(block: int | None, method: str) -> None:
    x, other = samples.random(2, 5, 3), samples.random(3, 4, 3)
    whole = neural_tangent_kernel(_network(), torch.cat((x, other)))
    torch.testing.assert_close(
        neural_tangent_kernel(_network(), x, other, block=block, method=method), whole[:5, 5:]
    )


def test_two_layers_in_closed_form() -> None:
    # f = Σ a s(w·x): K = Σ_k s(w_k·x) s(w_k·x') + x·x' Σ_k a_k² s'(w_k·x) s'(w_k·x').
    w, a, x = samples.random(4, 50, 3), samples.random(5, 1, 50), samples.random(6, 8, 3)
    network = nn.Sequential(nn.Linear(3, 50, bias=False), nn.Tanh(), nn.Linear(50, 1, bias=False)).double()
    network[0].weight.data, network[2].weight.data = w, a
    h = (x @ w.mT).tanh()
    slope = (1 - h.square()) * a
    torch.testing.assert_close(neural_tangent_kernel(network, x), h @ h.mT + (x @ x.mT) * (slope @ slope.mT))


def test_frozen_parameters_do_not_count_and_nothing_changes() -> None:
    module, x = _network(), samples.random(7, 4, 3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for parameter in module[:-1].parameters():
        parameter.requires_grad_(False)
    features = module[:-1](x)
    torch.testing.assert_close(neural_tangent_kernel(module, x), 2 * (features @ features.mT + 1))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_wide_networks_at_large_output_scale_turn_their_kernel_less() -> None:
    x, y = samples.random(8, 6, 3), samples.random(9, 6)[:, None]
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
    with pytest.raises(ValueError, match="method"):
        neural_tangent_kernel(nn.Linear(2, 1), torch.ones(3, 2), method="jacobian")


class _Tokens(nn.Module):
    """A large table, few of whose rows any input touches."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.read = nn.Embedding(20_000, 8), nn.Linear(8, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        read: Tensor = self.read(self.table(tokens).mean(1))
        return read


def test_the_cheaper_method_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from lowcomplex.measures.training import tangent_kernel

    chosen = []
    for name in ("_by_contraction", "_by_products"):
        inner = getattr(tangent_kernel, name)
        monkeypatch.setattr(
            tangent_kernel, name, lambda *a, name=name, inner=inner: chosen.append(name) or inner(*a)
        )
    neural_tangent_kernel(_network(), samples.random(1, 9, 3))
    module, tokens = _Tokens().double(), torch.arange(60).reshape(20, 3)
    by_products = neural_tangent_kernel(module, tokens)
    assert chosen == ["_by_contraction", "_by_products"]
    torch.testing.assert_close(by_products, neural_tangent_kernel(module, tokens, method="contraction"))
    monkeypatch.setattr(tangent_kernel, "_PAIRS", 7)
    by_rows = neural_tangent_kernel(module, tokens, method="products")
    torch.testing.assert_close(by_rows, by_products)
    monkeypatch.setattr(tangent_kernel, "_ENTRIES", 50)
    neural_tangent_kernel(_network(), samples.random(1, 9, 3))
    assert chosen[-1] == "_by_products"
