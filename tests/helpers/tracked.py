"""What tests of trackers train, and a clock that they set forward."""

from __future__ import annotations

import torch
from torch import nn

from lowcomplex import Tracker
from lowcomplex.networks import MLP
from lowcomplex.training import Ensemble


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 5), nn.Linear(5, 5), nn.Conv1d(5, 4, 3))


def train(module: nn.Module, tracker: Tracker | None, steps: int = 10) -> None:
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        loss = module(torch.randn(8, 7, 6, generator=generator)[:, :5]).square().mean()
        if tracker is not None:
            tracker.step(loss=loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> float:
        self.now += seconds
        return 0.0


def ensemble(size: int = 3) -> Ensemble:
    networks = []
    for seed in range(size):
        torch.manual_seed(seed)
        networks.append(MLP((4, 6, 6, 6)).double())
    return Ensemble(networks, learning_rate=0.1)
