from __future__ import annotations

import math
from collections.abc import Callable

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


class Square(torch.autograd.Function):
    """A square without a forward derivative."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x**2

    @staticmethod
    def setup_context(ctx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


class Squared(nn.Module):
    """A layer between two functions."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(3, 2), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.layer(x))


@pytest.mark.parametrize("measure", [neural_tangent_kernel, measures.jacobian_norms])
def test_the_other_way_where_an_operation_has_no_forward_derivative(
    measure: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lowcomplex.measures.training import tangent_kernel

    # So that products, which go forward, would be chosen.
    monkeypatch.setattr(tangent_kernel, "_ENTRIES", 1)
    layer = Squared(Square.apply).double()
    x = samples.random(0, 5, 3)
    if measure is measures.jacobian_norms:
        layer.layer, x = nn.Linear(2, 2).double(), x[:, :2]
    found = measure(layer, x)
    layer.function = torch.square
    for one, other in zip(found, measure(layer, x), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("training", [True, False])
def test_attention_by_either_method(training: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 8, dropout=0.0, batch_first=True).double().train(training)
    x = samples.random(0, 3, 4, 8)
    found = [neural_tangent_kernel(layer, x, method=method) for method in ("contraction", "products")]
    gradients = []
    for single in x:
        outputs = layer(single[None]).flatten()
        rows = [torch.autograd.grad(y, list(layer.parameters()), retain_graph=True) for y in outputs]
        gradients.append(torch.stack([torch.cat([g.flatten() for g in row]) for row in rows]))
    expected = torch.stack([torch.stack([(a * b).sum() for b in gradients]) for a in gradients])
    for kernel in found:
        torch.testing.assert_close(kernel, expected)
    assert measures.jacobian_norms(layer, x).spectral.isfinite().all()
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()


def test_outputs_without_a_dimension_of_their_own() -> None:
    module, x = _network(1), samples.random(1, 4, 3)
    for method in ("contraction", "products"):
        found = neural_tangent_kernel(nn.Sequential(module, nn.Flatten(0)), x, method=method)
        torch.testing.assert_close(found, neural_tangent_kernel(module, x))


def test_inputs_of_another_precision_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"x: expected torch\.float64, as the network's, got torch\.float32"):
        neural_tangent_kernel(_network(), torch.ones(3, 3))
    with pytest.raises(TypeError, match="other: expected"):
        neural_tangent_kernel(_network(), samples.X, torch.ones(3, 3))
    with pytest.raises(TypeError, match="x: expected a tensor of inputs"):
        neural_tangent_kernel(_network(), {"input": torch.ones(3, 3)})


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
