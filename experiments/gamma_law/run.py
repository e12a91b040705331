"""How far a network moves from its initialization by the time its loss has fallen."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from experiments.gamma_law.config import GammaAxisConfig
from lowcomplex.training import displacement_at


def measure(config: GammaAxisConfig) -> xr.Dataset:
    """Train a centered ReLU network by gradient flow and measure its relative displacement."""
    state = np.random.SeedSequence([config.seed, config.depth]).generate_state(1)
    generator = torch.Generator().manual_seed(int(state[0]))

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = draw(config.samples, config.width)
    y = draw(config.samples)
    hidden = (config.width,) * (config.depth - 1)
    x = x / x.norm(dim=1, keepdim=True)
    end = displacement_at(x, y, config.gamma, hidden=hidden, generator=generator)
    return xr.Dataset(
        {
            "relative_displacement": end.relative_displacement,
            "relative_displacement_first": end.relative_displacement_first,
            "loss_ratio": end.loss_ratio,
            "converged": end.converged,
        },
        attrs={"width": config.width, "samples": config.samples},
    )
