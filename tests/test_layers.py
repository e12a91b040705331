"""Which layers a tracker measures, and under which names, while the network changes."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from torch.optim.swa_utils import AveragedModel

import tracked
import two_processes
from lowcomplex import Tracker


def test_a_conv1d_as_gpt2_has_it_is_read_as_in_out() -> None:
    class Conv1D(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(8, 24))

    layer = Conv1D()
    tracker = Tracker(layer, {"norm of neuron 0": lambda W: W[:, 0].norm(dim=-1)})
    tracker.step()
    assert tracker.dataset()["norm of neuron 0"].item() == pytest.approx(layer.weight[:, 0].norm().item())


def test_of_two_processes_one_records_what_one_alone_would(tmp_path: Path) -> None:
    script = two_processes.__file__
    running = [subprocess.Popen([sys.executable, script, str(rank), tmp_path]) for rank in (0, 1)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    expected = two_processes.train(two_processes.network(), rank=-1).dataset()
    for name in ("copies", "shards", "shards of one unit"):
        found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf")
        xr.testing.assert_allclose(found, expected, rtol=1e-5)


def test_stage_three_of_zero_is_refused() -> None:
    module = nn.Linear(3, 3)
    module.weight.data = torch.empty(0)
    module.weight.ds_id = 0
    with pytest.raises(ValueError, match="ZeRO leaves no values of 'weight'"):
        Tracker(module)


def test_a_copy_of_the_network_is_not_followed() -> None:
    module = tracked.network()
    tracker = Tracker(module)
    tracker.step()
    tracked.train(copy.deepcopy(module), None)
    tracker.step()
    assert tracker.dataset().sizes["step"] == 2
    assert (tracker.dataset()["effective_rank"].diff("step") == 0).all()


def test_replaced_parameters_are_followed() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tracker = Tracker(module, {"sum": lambda W: W.float().sum((-2, -1))}, layers="*.weight")
    expected = []

    def record() -> None:
        expected.append([float(layer.weight.detach().sum()) for layer in module])
        tracker.step()

    record()
    module.load_state_dict({k: torch.ones_like(v) for k, v in module.state_dict().items()}, assign=True)
    record()
    module[0] = nn.Linear(3, 3)
    record()
    module.double()
    record()
    module[1] = nn.Linear(3, 5)
    module.float()
    record()
    module[0].weight.data = torch.eye(3)
    record()
    np.testing.assert_allclose(tracker.dataset()["sum"].values, expected, rtol=1e-6)
    module[1] = nn.Identity()
    with pytest.raises(ValueError, match=r"no weight matrix '1\.weight' any more"):
        tracker.step()


def test_a_layer_without_a_shape_may_be_left_out() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.LazyLinear(2))
    tracker = Tracker(module, ("stable_rank",), layers="0.*")
    tracker.step()
    assert tracker.dataset().sizes == {"step": 1, "layer": 1}
    module(torch.ones(1, 3))
    tracker = Tracker(module, ("stable_rank",))
    tracker.step()
    assert tracker.dataset()["layer"].values.tolist() == ["0.weight", "1.weight"]


class _Wrapped(nn.Module):
    """A network of compiled and wrapped parts, one of which is called `module` without being wrapped."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Linear(3, 3)
        self.fast = torch.compile(nn.Sequential(nn.Linear(3, 3)))
        self.mean = AveragedModel(torch.compile(nn.Linear(3, 3)))


def test_wrappers_leave_no_trace_in_names() -> None:
    tracker = Tracker(
        nn.DataParallel(AveragedModel(_Wrapped())), ("stable_rank",), layers=("module.*", "*e*")
    )
    tracker.step()
    names = ["module.weight", "fast.0.weight", "mean.weight"]
    assert tracker.dataset()["layer"].values.tolist() == names
    # Names that would then be the same stay as they are.
    twin = nn.Linear(3, 3)
    twin._orig_mod = nn.Linear(3, 3)
    tracker = Tracker(twin, ("stable_rank",))
    tracker.step()
    assert tracker.dataset()["layer"].values.tolist() == ["weight", "_orig_mod.weight"]


def test_frozen_matrices_are_measured_once() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 5).bfloat16())
    module[0].weight.requires_grad_(False)
    module[2].weight.requires_grad_(False)
    measured: list[int] = []

    def spread(W: torch.Tensor) -> torch.Tensor:
        measured.append(len(W))
        return W.float().std((-2, -1)) + W[..., 0, 0]

    tracker = Tracker(module, {"spread": spread})
    expected = []

    def record() -> int:
        measured.clear()
        tracker.step()
        found = sum(measured)
        expected.append([float(spread(layer.weight.detach()[None])) for layer in module])
        return found

    assert [record(), record()] == [3, 1]
    module[0].weight.data[0, 0] += 1  # seen although it leaves no trace in the tensor's version
    assert [record(), record()] == [2, 1]
    module[0].weight.data = module[0].weight.data.flip(0)
    assert [record(), record()] == [2, 1]
    module[2].weight.requires_grad_(True)
    assert record() == 2
    np.testing.assert_array_equal(tracker.dataset()["spread"].values, expected)
