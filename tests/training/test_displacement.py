from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lowcomplex.training import Displacement, displacement_at, displacement_from


def _problem(width: int = 40, depth: int = 3) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Inputs, targets, and the standard normal matrices that `_at` draws."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    normals = [draw(width, width) for _ in range(depth - 1)] + [draw(1, width)]
    x = draw(5, width)
    return x / x.norm(dim=1, keepdim=True), draw(5), normals


def _at(gamma: float, **settings: int) -> Displacement:
    x, y, _ = _problem()
    return displacement_at(
        x, y, gamma, hidden=(40, 40), generator=torch.Generator().manual_seed(0), **settings
    )


@pytest.mark.parametrize(("gamma", "step"), [(0.2, 2e-4), (0.5, 2e-2), (1.0, 2e-2)])
def test_is_what_many_small_steps_of_plain_descent_give(gamma: float, step: float) -> None:
    x, y, normals = _problem()
    start = [normal * normal.shape[1] ** -gamma for normal in normals]
    network = nn.Sequential(
        *(layer for W in start[:-1] for layer in (_linear(W), nn.ReLU())), _linear(start[-1])
    )
    wanted = (network(x).squeeze(1) + y).detach()
    optimizer = torch.optim.SGD(network.parameters(), lr=step)
    while (loss := (network(x).squeeze(1) - wanted).square().mean() / 2) > 0.02 * y.square().mean() / 2:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    moved = [float((p.detach() - W).square().sum()) for p, W in zip(network.parameters(), start, strict=True)]
    initial = [float(W.square().sum()) for W in start]
    found = _at(gamma)
    assert found.converged
    assert found.relative_displacement == pytest.approx((sum(moved) / sum(initial)) ** 0.5, rel=1e-2)
    assert found.relative_displacement_first == pytest.approx((moved[0] / initial[0]) ** 0.5, rel=1e-2)


def _linear(W: Tensor) -> nn.Linear:
    layer = nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=torch.float64)
    layer.weight.data.copy_(W)
    return layer


def test_a_small_budget_is_not_convergence() -> None:
    end = _at(1.0, max_evaluations=20)
    assert not end.converged
    assert end.loss_ratio > 0.02


def test_bad_gamma() -> None:
    with pytest.raises(ValueError, match="gamma"):
        _at(float("nan"))


def test_given_weights_are_trained_as_they_are() -> None:
    x, y, normals = _problem()
    weights = [normal * normal.shape[1] ** -0.3 for normal in normals]
    assert displacement_from(x, y, weights) == _at(0.3)


def test_an_output_scale_is_a_scale_of_all_weights() -> None:
    # f/α is the network of inputs x/α, and that of weights divided by the L-th root of α.
    x, y, normals = _problem(depth=2)
    weights = [normal * 0.2 for normal in normals]
    scaled = displacement_from(x / 4.0, y, weights)
    assert scaled.relative_displacement == pytest.approx(
        displacement_from(x, y, [weight / 2 for weight in weights]).relative_displacement, rel=1e-2
    )


def test_bad_weights() -> None:
    x, y, normals = _problem()
    with pytest.raises(ValueError, match=r"weights: expected \(m, d\)"):
        displacement_from(x, y, normals[::-1])
    with pytest.raises(ValueError, match="finite"):
        displacement_from(x, y, [*normals[:-1], normals[-1] * float("nan")])
