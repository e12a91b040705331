"""Many networks trained as one program against one after another, on one core.

The loops are what a careful user writes: plain modules, PyTorch's fused optimizers, nothing made twice. The
sizes are those of the studies and of the theory's two-layer networks; an ensemble pays where starting an
operation costs more than the operation does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lowcomplex import Tracker, initialize
from lowcomplex.networks import MLP, Transformer, TwoLayer
from lowcomplex.tasks import AnchorTask
from lowcomplex.training import Ensemble, adamw, member_cross_entropy
from ratios import ratio


@pytest.fixture(autouse=True)
def _one_core() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _one_by_one(
    networks: list[nn.Module],
    loss: Callable[[nn.Module], Tensor],
    optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    clip_norm: float | None = None,
) -> Callable[[], None]:
    optimizers = [optimizer(network) for network in networks]

    def step() -> None:
        for network, chosen in zip(networks, optimizers, strict=True):
            chosen.zero_grad()
            loss(network).backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
            chosen.step()

    return step


def _repeated(step: Callable[[], object], times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            step()

    return run


@pytest.mark.parametrize(("width", "bar"), [(100, 1 / 9), (1000, 1 / 1.8)])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_64_two_layer_networks(width: int, bar: float, optimizer: str) -> None:
    networks: list[nn.Module] = [TwoLayer(1, width, dtype=torch.float32) for _ in range(64)]
    x = torch.linspace(-1, 1, 64)[:, None]
    y = torch.sin(3 * x)
    ensemble = Ensemble(networks, optimizer=optimizer, learning_rate=1e-3)
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer]
    loop = _one_by_one(
        networks,
        lambda network: (network(x) - y).square().mean(),
        lambda network: make(network.parameters(), lr=1e-3, fused=True),
    )

    def step() -> None:
        ensemble.step((ensemble(x) - y).square().mean((1, 2)))

    ratio(_repeated(step, 5), _repeated(loop, 5), rounds=7, bar=bar)


@pytest.mark.parametrize(("members", "bar"), [(6, 1 / 2), (18, 1 / 2.5), (35, 1 / 3)])
def test_networks_of_the_frequency_principle(members: int, bar: float) -> None:
    networks: list[nn.Module] = [MLP((1, 128, 128, 1)) for _ in range(members)]
    x = torch.linspace(0, 1, 32)[:, None]
    y = torch.sin(6 * x)
    ensemble = Ensemble(networks, optimizer="adam", learning_rate=3e-4)
    loop = _one_by_one(
        networks,
        lambda network: (network(x) - y).square().mean(),
        lambda network: torch.optim.Adam(network.parameters(), lr=3e-4, fused=True),
    )

    def step() -> None:
        ensemble.step((ensemble(x) - y).square().mean((1, 2)))

    ratio(_repeated(step, 10), _repeated(loop, 10), rounds=7, bar=bar)


@pytest.mark.parametrize(
    ("width", "feedforward", "depth", "batch", "members", "bar"),
    [
        (64, 128, 3, 256, 4, None),  # The size of the anchor study, for which no gain is claimed.
        (16, 32, 2, 64, 8, 1 / 2),
        (16, 32, 2, 16, 32, 1 / 5),
    ],
)
def test_transformers(
    width: int, feedforward: int, depth: int, batch: int, members: int, bar: float | None
) -> None:
    task = AnchorTask()
    data = task.sample(batch, torch.Generator().manual_seed(0))
    networks: list[nn.Module] = []
    for seed in range(members):
        model = Transformer(task.vocabulary, task.length, width, 1, width, feedforward, depth)
        initialize(model, 0.6, generator=torch.Generator().manual_seed(seed))
        networks.append(model)
    ensemble = Ensemble(networks, optimizer="adamw", learning_rate=1e-3, weight_decay=0.01, clip_norm=1.0)

    def loss(network: nn.Module) -> Tensor:
        assert isinstance(network, Transformer)
        return functional.cross_entropy(network.last(data.tokens), data.labels)

    def step() -> None:
        logits = ensemble(data.tokens, method="last")
        ensemble.step(member_cross_entropy(logits, data.labels))

    loop = _one_by_one(networks, loss, lambda network: adamw(network, 1e-3, weight_decay=0.01), clip_norm=1.0)
    ratio(step, loop, rounds=7, bar=bar)


def test_measuring_all_members_at_once() -> None:
    """Rank measures and condensation of 64 two-layer networks of width 100."""
    networks = [TwoLayer(1, 100) for _ in range(64)]
    names = ("effective_rank", "stable_rank", "mean_cosine")
    ensemble = Ensemble(networks, learning_rate=1e-3)
    together = Tracker(ensemble, names)
    alone = [Tracker(network, names) for network in networks]

    def each() -> None:
        for tracker in alone:
            tracker.record()

    ratio(together.record, each, rounds=5, bar=1 / 10)
