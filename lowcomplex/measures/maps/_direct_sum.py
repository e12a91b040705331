"""Fourier sums over scattered points, term by term."""

from __future__ import annotations

import torch
from torch import Tensor

# Phases held at once: 128 MB with their cosines.
_PHASES = 2**23


def direct_sum(phases: Tensor, values: Tensor, frequencies: Tensor) -> Tensor:
    """(1/n) Σ_j values_j exp(-i frequencies · phases_j), in blocks of frequencies of bounded memory.

    Args:
        phases: (n, d) in radians.
        values: (..., n).
        frequencies: (f, d), any real numbers.

    Returns:
        (..., f) complex128.
    """
    n = len(phases)
    weights = values.double() / n
    parts = []
    for block in torch.split(frequencies.double(), max(1, _PHASES // n)):
        angle = phases.double() @ block.mT
        parts.append(torch.complex(weights @ angle.cos(), -(weights @ angle.sin())))
    return torch.cat(parts, -1)
