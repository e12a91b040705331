"""Entropy of normalized singular values."""

from __future__ import annotations

import torch
from torch import Tensor


def entropy(s: Tensor) -> Tensor:
    """-Σ p log p with p = s / Σ s, in nats, (..., k) → (...)."""
    p = s / s.sum(-1, keepdim=True)
    total: Tensor = torch.special.entr(p).sum(-1)
    return total
