"""Cells of the benchmarks of sweeps: one that costs nothing, and one of about a second of training."""

import torch
import xarray as xr

from lowcomplex import sweeps


class Cell(sweeps.Config):
    seed: int
    work: int = 0


def measure(config: Cell) -> xr.Dataset:
    x = torch.randn(64, 64, generator=torch.Generator().manual_seed(config.seed))
    start = x
    for _ in range(config.work):
        x = torch.tanh(x @ start / 8)
    return xr.Dataset({"value": float(x.square().mean())})


def sweep(cells: int, work: int = 0) -> sweeps.Sweep:
    return sweeps.Sweep("busy", measure, sweeps.grid(Cell, seed=tuple(range(cells)), work=work), ("seed",))
