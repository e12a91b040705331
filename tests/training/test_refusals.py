"""Wrong calls are refused at once, in words that name the argument."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lowcomplex.networks import MLP
from lowcomplex.training import (
    Ensemble,
    MemberBatches,
    adamw,
    descend,
    displacement_at,
    gradient_flow,
    train,
    warmup_cosine,
)

X = torch.ones(4, 2)
Y = torch.ones(4)
START = {"x": torch.ones(2)}


def _ensemble(**options: object) -> Ensemble:
    return Ensemble([MLP((2, 3, 1))], **{"learning_rate": 0.1, **options})


def _train(loss: Callable[[nn.Module], object], steps: float = 2, optimizer: type | None = None) -> object:
    network = MLP((2, 3, 1))
    chosen = adamw(network, 0.1) if optimizer is None else optimizer(network.parameters())
    return train(network, loss, steps=steps, optimizer=chosen)


def _loss(network: nn.Module) -> Tensor:
    return network(X).mean()


def _square(parameters: dict[str, Tensor]) -> Tensor:
    return parameters["x"].square().sum()


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("members: expected several networks, got one MLP", lambda: Ensemble(MLP((2, 1)), learning_rate=0.1)),
        ("members: expected networks, but member 0 is 3", lambda: Ensemble([3], learning_rate=0.1)),
        ("learning_rate: expected one number or 1, got 'a'", lambda: _ensemble(learning_rate="a")),
        ("clip_norm: expected a positive norm, got -1", lambda: _ensemble(clip_norm=-1)),
        ("steps: expected an integer, got 2.5", lambda: _ensemble().train(lambda e: e(X).mean(), steps=2.5)),
        ("loss: expected a tensor, shape", lambda: _ensemble().train(lambda e: 1.0, steps=2)),
        ("loss: expected a function of the tr", lambda: _ensemble().train(lambda e: torch.ones(1), steps=2)),
        ("loss: expected a tensor, a scalar, got 1.0", lambda: _train(lambda network: 1.0)),
        (r"loss: expected a scalar, got shape \(4, 1\)", lambda: _train(lambda network: network(X))),
        ("loss: expected a function of the tr", lambda: _train(lambda network: torch.ones(()))),
        ("steps: expected an integer, got 2.5", lambda: _train(_loss, 2.5)),
        ("optimizer: .* got LBFGS", lambda: _train(_loss, optimizer=torch.optim.LBFGS)),
        ("module: has no parameter that needs", lambda: adamw(MLP((2, 1)).requires_grad_(False), 0.1)),
        ("module: has parameters without a shape", lambda: adamw(nn.LazyLinear(3), 0.1)),
        ("total: expected a positive number", lambda: warmup_cosine(0, 0)),
        ("seeds: expected an integer, got 'a'", lambda: MemberBatches(8, 4, ("a",))),
        ("parameters: expected tensors by name", lambda: descend(_square, START["x"], rate=0.1, steps=2)),
        ("parameters: expected at least one", lambda: descend(_square, {}, rate=0.1, steps=2)),
        (
            "rate: expected finite numbers, got nan",
            lambda: descend(_square, START, rate=float("nan"), steps=2),
        ),
        ("parameters: expected at least one", lambda: gradient_flow(_square, {}, [0.0, 1.0])),
        ("method: .*mean 'RK45'", lambda: gradient_flow(_square, START, [0.0, 1.0], method="RK")),
        ("inputs, targets: expected .* and", lambda: displacement_at(X, Y[:3], 0.5, hidden=(3,))),
        ("inputs, targets: expected finite", lambda: displacement_at(X / 0, Y, 0.5, hidden=(3,))),
        ("inputs, targets: .* not zero", lambda: displacement_at(X, 0 * Y, 0.5, hidden=(3,))),
        ("stop: expected a share", lambda: displacement_at(X, Y, 0.5, hidden=(3,), stop=2.0)),
    ],
)
def test_wrong_calls(words: str, call: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}"):
        call()
