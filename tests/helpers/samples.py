"""Samples that the generic test of measures uses: fixed draws, and networks of a scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def random(seed: int, *shape: int) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


W, V, X, Y = random(0, 12, 5), random(1, 5, 7), random(2, 9, 3), random(3, 9)
PATH, BITS, MAP = random(4, 6, 8, 30), random(5, 16), random(6, 6, 6)
STEPS, F = torch.arange(6), torch.arange(9, dtype=torch.float64)
KERNEL = X @ X.mT + torch.eye(9, dtype=torch.float64)
POINTS = torch.rand(9, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def linear(c: float) -> nn.Module:
    """A linear map of three inputs whose weights are multiplied by c."""
    layer = nn.Linear(3, 2, bias=False).double()
    layer.weight.data = c * random(8, 2, 3)
    return layer


def rectifier(c: float) -> nn.Module:
    """A ReLU layer whose weights are multiplied by c."""
    return nn.Sequential(linear(c), nn.ReLU())


def generator() -> torch.Generator:
    """A fresh source of the same random numbers."""
    return torch.Generator().manual_seed(0)


def curved(c: float) -> list[tuple[Tensor, Tensor]]:
    """One batch of a squared loss whose curvature is multiplied by c²."""
    return [(c * X, torch.zeros(9, 2, dtype=torch.float64))]
