"""Members with buffers or computed weights train as alone; those that cannot are refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from lowcomplex.training import Ensemble, adamw, train

_X = torch.randn(23, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
_Y = torch.sin(_X[:, :2])


def _normalized(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 2)).double()


class _Counts(nn.Module):
    """Puts a new tensor into its buffer's place, and depends on it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen = self.seen + 1
        output: Tensor = self.layer(x) * (1 + self.seen / 10)
        return output


def _counting(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return _Counts().double()


@pytest.mark.parametrize("make", [_normalized, _counting])
def test_members_have_the_buffers_that_training_gave_them(make: Callable[[int], nn.Module]) -> None:
    def loss(outputs: Tensor) -> Tensor:
        return (outputs - _Y).square().mean((-2, -1))

    ensemble = Ensemble([make(seed) for seed in range(3)], learning_rate=0.1)
    losses = ensemble.train(lambda e: loss(e(_X)), steps=4).losses
    network = make(2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    alone = train(network, lambda module: loss(module(_X)), steps=4, optimizer=optimizer)
    torch.testing.assert_close(losses[:, 2], alone.losses)
    member = ensemble.member(2)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(member.state_dict()[name], value, rtol=1e-8, atol=1e-8)
    continued = Ensemble([make(seed) for seed in range(3)], learning_rate=0.1)
    state = ensemble.state_dict()
    continued.load_state_dict(state)
    for name, value in member.named_buffers():
        assert torch.equal(continued.member(2).get_buffer(name), value)
    with pytest.raises(ValueError, match="state_dict: expected a buffer"):
        continued.load_state_dict({k: v for k, v in state.items() if not k.startswith("buffers.")})


def test_a_member_that_diverges_keeps_its_buffers_of_before() -> None:
    def run(steps: int, spoils: bool) -> Ensemble:
        ensemble = Ensemble([_normalized(seed) for seed in range(2)], learning_rate=0.1)

        def loss(e: Ensemble) -> Tensor:
            inputs = torch.stack([_X, _X * (math.nan if spoils and e.updates >= 3 else 1.0)])
            return e(inputs, shared=False).square().mean((1, 2))

        ensemble.train(loss, steps=steps)
        return ensemble

    spoiled = run(6, spoils=True)
    assert spoiled.diverged_at.tolist() == [-1, 3]
    for index, steps in ((0, 6), (1, 3)):
        for name, value in run(steps, spoils=False).member(index).named_buffers():
            assert torch.equal(spoiled.member(index).get_buffer(name), value), name


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("kind", ["weight_norm", "orthogonal"])
def test_parametrized_weights_train_as_alone(kind: str, optimizer: str) -> None:
    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        layer = getattr(parametrizations, kind)(nn.Linear(3, 3))
        return nn.Sequential(layer, nn.Tanh(), nn.Linear(3, 2)).double()

    def loss(outputs: Tensor) -> Tensor:
        return (outputs - _Y).square().mean((-2, -1))

    decay = 0.1 if optimizer == "adamw" else 0.0
    ensemble = Ensemble(
        [make(0), make(1)], learning_rate=0.05, optimizer=optimizer, weight_decay=decay, eps=1e-8
    )
    ensemble.train(lambda e: loss(e(_X)), steps=5)
    network = make(1)
    if optimizer == "adamw":
        alone = adamw(network, 0.05, weight_decay=decay)
    else:
        alone = torch.optim.SGD(network.parameters(), lr=0.05)
    train(network, lambda module: loss(module(_X)), steps=5, optimizer=alone)
    for one, other in zip(ensemble.member(1).parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(ensemble.member(1)[0].weight, network[0].weight, rtol=1e-7, atol=1e-7)


def _pruned() -> nn.Module:
    layer = nn.Linear(3, 2)
    prune.random_unstructured(layer, "weight", 0.5)
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_pruned, "weight is computed by a hook"),
        (lambda: nn.utils.weight_norm(nn.Linear(3, 2)), "weight is computed by a hook"),
        (lambda: nn.LazyLinear(2), "weight has no shape yet"),
        (lambda: nn.Sequential(nn.Linear(3, 2), nn.Dropout()), r"draws random numbers.*call eval\(\)"),
        (lambda: parametrizations.spectral_norm(nn.Linear(3, 2)), r"torch.vmap cannot do.*call eval\(\)"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_refuses_members_that_would_not_train_as_alone(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ValueError, match=f"members: .*{message}"):
        Ensemble([make(), make()], learning_rate=0.1)(_X.float())


def test_refuses_members_whose_plain_tensors_differ() -> None:
    networks = [nn.Linear(3, 2) for _ in range(2)]
    for index, network in enumerate(networks):
        network.scale = torch.tensor(float(index))
    with pytest.raises(ValueError, match="scale is a tensor that is no buffer"):
        Ensemble(networks, learning_rate=0.1)
