"""What one of two processes trains, tracked: `python two_processes.py RANK FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import xarray as xr
from torch import distributed, nn

from lowcomplex import Tracker

STEPS = 4


def network() -> nn.Sequential:
    """A network whose matrices do not split evenly."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 7), nn.Linear(7, 1))


def train(module: nn.Module, rank: int, **options: object) -> Tracker:
    """Each process has a half of the batch."""
    tracker = Tracker(module, every=2, **options)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    batches = torch.randn(STEPS, 8, 3, generator=torch.Generator().manual_seed(1)).chunk(2, dim=1)
    for step in range(STEPS):
        loss = torch.cat([part[step] for part in batches]) if rank < 0 else batches[rank][step]
        loss = module(loss).square().mean()
        tracker.step()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tracker.record()
    return tracker


def main(rank: int, folder: Path) -> None:
    """Train with copies and with shards of the weights; rank zero writes the records.

    Layers that are sharded with the whole network alone are whole between the forward and the backward pass.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=2)
    logged: list[int] = []
    options = {"log": lambda numbers, step: logged.append(step)}
    sharded = network()
    mesh = init_device_mesh("cpu", (2,))
    for layer in (*sharded, sharded):
        fully_shard(layer, mesh=mesh)
    as_one = fully_shard(network(), mesh=mesh)
    for name, module in (
        ("copies", torch.compile(nn.parallel.DistributedDataParallel(network()), backend="eager")),
        ("shards", sharded),
        ("shards of one unit", as_one),
    ):
        tracker = train(module, rank, path=folder / f"{name}.nc", **options)
        assert tracker.next_step == STEPS
        if rank == 0:
            xr.testing.assert_identical(
                tracker.dataset().drop_attrs(),
                xr.load_dataset(folder / f"{name}.nc", engine="h5netcdf").drop_attrs(),
            )
        else:
            refused(lambda tracker=tracker: tracker.dataset(), "this process records nothing")
    assert logged == ([] if rank else [0, 2, 4] * 3)
    refused(lambda: Tracker(sharded, budget=0.1), "budget: processes that share the weights")
    # Made without an accelerator, as far as a tracker looks at it.
    piece = FullyShardedDataParallel.__new__(FullyShardedDataParallel)
    nn.Module.__init__(piece)
    refused(lambda: Tracker(nn.Sequential(piece)), "fully_shard, whose weights are gathered")
    distributed.destroy_process_group()


def refused(call: Callable[[], object], message: str) -> None:
    """Demand an error with this message."""
    with pytest.raises((ValueError, RuntimeError), match=message):
        call()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
