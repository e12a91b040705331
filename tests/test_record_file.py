"""The file of a tracker: whole after a kill, continued, never written over."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from torch import nn

import tracked
from lowcomplex import Tracker

_TRAINED = """
import torch
from lowcomplex import Tracker

torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
tracker = Tracker(module, path=path)
for _ in range(6):
    loss = module(torch.ones(2, 3)).square().mean()
    tracker.step(loss=loss)
    loss.backward()
    optimizer.step()
"""


_KILLED = """
import os, signal, sys

path, write, written = sys.argv[1], os.fsync, []

def kill_the_fourth(file):
    write(file)
    written.append(file)
    if len(written) == 4:
        os.kill(os.getpid(), signal.SIGKILL)

from lowcomplex import Tracker
import torch
tracker = Tracker(torch.nn.Linear(2, 2), budget=0.1, path=os.path.dirname(os.path.dirname(path)) + "/warm.nc")
loaded = {*sys.modules}
tracker.step()
if late := {*sys.modules} - loaded:
    sys.exit(f"the first record loads {late}")
os.fsync = kill_the_fourth
"""


def test_a_killed_process_loses_at_most_the_record_in_progress(tmp_path: Path) -> None:
    killed, whole = tmp_path / "new" / "killed.nc", tmp_path / "whole.nc"
    # On the way: what a first record loads does not count against a budget.
    assert subprocess.run([sys.executable, "-c", _KILLED + _TRAINED, killed]).returncode == -signal.SIGKILL
    exec(_TRAINED, {"path": whole})
    expected = xr.load_dataset(whole, engine="h5netcdf")
    assert expected["step"].values.tolist() == list(range(6))
    left = xr.load_dataset(killed, engine="h5netcdf")
    xr.testing.assert_allclose(left, expected.isel(step=slice(3)), rtol=1e-6)
    # Reopened, it goes on: after its last step, or where training is resumed.
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tracker = Tracker(module, path=killed)
    assert tracker.next_step == 3
    tracker.step(loss=0.5)
    tracker.resume(2)
    tracker.step(loss=0.25)
    assert tracker.dataset()["step"].values.tolist() == [0, 1, 2]
    assert tracker.dataset()["loss"].values.tolist() == [*left["loss"].values[:2], 0.25]
    found = xr.load_dataset(killed, engine="h5netcdf")
    xr.testing.assert_identical(found.drop_attrs(deep=False), tracker.dataset().drop_attrs(deep=False))
    assert [file.name for file in killed.parent.iterdir()] == ["killed.nc"]


def test_a_file_that_is_no_record_of_the_same_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "record.nc"
    path.write_bytes(b"notes")
    with pytest.raises(ValueError, match=r"path: .*record\.nc is no record of a tracker"):
        Tracker(tracked.network(), path=path)
    assert path.read_bytes() == b"notes"
    path.unlink()
    Tracker(tracked.network(), path=path).record()
    for options, message in (
        ({"measures": ("stable_rank",)}, "path: .* of other measures: effective_rank, stable_rank"),
        ({"layers": "0.*"}, "path: .* of other layers: 0.weight"),
        ({"quantities": {"one": lambda: 1.0}}, "path: .* of other quantities"),
        ({"path": tmp_path}, "path: expected a file, got the folder"),
        ({"path": 5}, "path: expected the name of a file, got 5"),
    ):
        with pytest.raises(ValueError, match=message):
            Tracker(tracked.network(), **{"path": path, **options})
    # A disk that refuses the record does not end the training.
    tracker = Tracker(tracked.network(), path=tmp_path / "folder" / "inside.nc")
    (tmp_path / "folder").write_text("no folder")
    with pytest.warns(UserWarning, match=r"inside\.nc: the record was not written"):
        tracker.step()
    assert tracker.dataset().sizes["step"] == 1


def test_a_budget_goes_on_in_a_file(tmp_path: Path) -> None:
    clock = tracked.Clock()
    options = {"budget": 0.1, "clock": clock, "path": tmp_path / "record.nc"}
    first = Tracker(nn.Linear(2, 2), quantities={"cost": lambda: clock.passes(1.0)}, **options)
    first.step()
    clock.passes(9.0)
    first.record()
    second = Tracker(nn.Linear(2, 2), quantities={"cost": lambda: clock.passes(1.0)}, **options)
    due = []
    for _ in range(30):
        due.append(second.due)
        clock.passes(1.0)
    # Of the first, 11 seconds had passed, of which the record that ended then is not yet counted.
    assert due.index(True) == 8
