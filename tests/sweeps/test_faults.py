"""Kills, full disks, races and changed configs: nothing finished is lost, nothing is mixed."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import xarray as xr

import toy
from lowcomplex import Tracker, initialize, sweeps
from lowcomplex.networks import MLP
from lowcomplex.sweeps import _heartbeat, _store
from lowcomplex.sweeps._claims import claims, live_claims
from lowcomplex.sweeps._exca import InflightRegistry, WorkerInfo
from lowcomplex.sweeps._index import Index
from lowcomplex.training import train


def _run(folder: Path, measure=toy.measure, workers: int = 0, **values) -> sweeps.Summary:
    return sweeps.run(toy.sweep(measure, **values), folder, workers=workers, progress=False)


def _load(folder: Path, measure=toy.measure, **values) -> xr.Dataset:
    return sweeps.load(toy.sweep(measure, **values), folder).load()


def _program(folder: Path, seconds: float, workers: int, kind: str = "measure") -> list[str]:
    return [sys.executable, toy.__file__, str(folder), str(seconds), str(workers), kind]


def _cells_stored(folder: Path) -> int:
    index = (folder / "cells").glob("*.jsonl")
    return sum(len(path.read_text().splitlines()) for path in index)


def test_killed_at_fifty_random_moments(tmp_path: Path) -> None:
    seconds = 0.15
    moments = np.random.default_rng(0).uniform(0.0, 0.2, size=50)
    server = subprocess.Popen(
        [sys.executable, toy.__file__, "serve", str(tmp_path / "killed"), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    ends = []
    for moment in moments:
        server.stdin.write("\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        ends.append(int(server.stdout.readline()))
    server.communicate()
    # Most signals must have met a sweep in the middle, or the test shows little.
    assert ends.count(signal.SIGKILL) >= 40
    for name, sweep in toy.every_kind(seconds).items():
        sweeps.run(sweep, tmp_path / "killed" / name, workers=0, progress=False)
        sweeps.run(sweep, tmp_path / "whole" / name, workers=0, progress=False)
        killed, whole = (sweeps.load(sweep, tmp_path / f / name).load() for f in ("killed", "whole"))
        xr.testing.assert_identical(killed, whole)
        assert _cells_stored(tmp_path / "killed" / name) == len(sweep.configs)
        assert not list((tmp_path / "killed" / name / "checkpoints").glob("*"))


@pytest.mark.slow
def test_killed_with_its_workers(tmp_path: Path) -> None:
    for wait in (1.5, 2.3):
        process = subprocess.Popen(_program(tmp_path / "killed", 0.3, 2, "together_resumably"))
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    values = {"measure": toy.together_resumably, "seconds": 0.3}
    summary = _run(tmp_path / "killed", workers=2, **values)
    assert summary.computed + summary.cached == 6
    _run(tmp_path / "whole", **values)
    xr.testing.assert_identical(_load(tmp_path / "killed", **values), _load(tmp_path / "whole", **values))


@pytest.mark.parametrize("kind", [pytest.param("measure", marks=pytest.mark.slow), "together"])
def test_two_sweeps_on_one_folder_compute_no_cell_twice(tmp_path: Path, kind: str) -> None:
    racers = [subprocess.Popen(_program(tmp_path, 0.3, 1, kind)) for _ in range(2)]
    assert [racer.wait() for racer in racers] == [0, 0]
    assert _cells_stored(tmp_path) == 6


def test_an_interrupt_does_not_wait_for_cells(tmp_path: Path) -> None:
    process = subprocess.Popen(
        _program(tmp_path, 60, 2), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    cells = tmp_path / "cells"
    while not (cells.is_dir() and len(sweeps.status(toy.sweep(seconds=60), tmp_path).running) == 2):
        time.sleep(0.1)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in said
    assert psutil.wait_procs(workers, timeout=20)[1] == []


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_stops_the_sweep_with_words(tmp_path: Path, workers: int, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(xr.Dataset, "to_netcdf", xr.Dataset.to_netcdf)  # Put back what the toy replaces.
        with pytest.raises(sweeps.StorageError, match=r"No space left on device.*same command") as error:
            _run(tmp_path, toy.fills_the_disk, workers=workers)
    assert str(tmp_path) in str(error.value)
    assert not list((tmp_path / "cells" / "data").glob("save-tmp-*"))
    summary = _run(tmp_path)
    assert summary.cached >= (workers == 0)
    assert summary.computed + summary.cached == 6


def test_a_disk_full_at_the_index_loses_no_finished_cell(tmp_path: Path, monkeypatch) -> None:
    add, calls = Index.add, []

    def fail_at_the_third(self, *args):
        calls.append(args)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return add(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Index, "add", fail_at_the_third)
        with pytest.raises(sweeps.StorageError, match="No space left"):
            _run(tmp_path)
    summary = _run(tmp_path)
    assert (summary.computed, summary.cached) == (4, 2)


def test_a_disk_that_fills_in_the_middle_of_a_file(tmp_path: Path) -> None:
    """The limit is the operating system's own, met by a real write; HDF5 must not take the process along."""
    program = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(toy.__file__).parent)!r})
from pathlib import Path
import toy, xarray as xr
from lowcomplex import sweeps
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
def measure(config):
    return xr.Dataset({{"large": ("x", [0.0] * 100_000)}})
try:
    large = sweeps.Sweep("toy", measure, toy.sweep().configs, ("gamma", "seed"))
    sweeps.run(large, Path({str(tmp_path)!r}), workers=0)
except sweeps.StorageError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "File too large" in run.stdout
    assert not list((tmp_path / "cells" / "data").iterdir())


def test_claims_that_cannot_be_recorded(tmp_path: Path, monkeypatch) -> None:
    """As on a disk that is full when a claim is registered: no cell stays claimed."""
    monkeypatch.setattr(InflightRegistry, "claim", lambda self, keys: [])
    with pytest.raises(sweeps.StorageError, match=r"inflight\.db.*claims on cells cannot be recorded"):
        _run(tmp_path)


@pytest.mark.parametrize(
    "other",
    [{"birth": "0"}, {"machine": "before the power failed", "counter": ""}, {"counter": "0" * 32}],
    ids=["another start", "another start of the machine", "this process, which could not release it"],
)
def test_a_claim_of_nobody_is_released(tmp_path: Path, other: dict) -> None:
    """A container that is started again after a kill has the host name and the process number of before."""
    process = _heartbeat.Process.of(os.getppid() if "birth" in other else os.getpid())
    process = process.model_copy(update=other)
    key = toy.Toy(gamma=0.3).hash
    (tmp_path / "cells" / "beats").mkdir(parents=True)
    (tmp_path / "cells" / "beats" / ("0" * 32)).touch()
    worker = WorkerInfo(token="0" * 32, liveness=process)
    with InflightRegistry(tmp_path / "cells", worker=worker) as registry:
        assert registry.claim([key])
    assert _run(tmp_path, gamma=0.3, seed=(0,)).computed == 1


@pytest.mark.parametrize("hours", [-1, 1, 24 * 3650])
def test_clocks_do_not_matter(tmp_path: Path, monkeypatch, hours: int) -> None:
    """A live process keeps its claim, whatever the time of day was when it made it, and is now."""
    now = time.time
    with claims(tmp_path) as registry:
        monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
        assert registry.claim(["cell"])
        monkeypatch.setattr(time, "time", now)
        monkeypatch.setattr(os, "getpid", os.getppid)  # Seen by another process.
        monkeypatch.setattr(_heartbeat, "_running", set())
        assert "cell" in live_claims(registry)


def test_another_machine_lives_as_long_as_its_counter_moves(tmp_path: Path, monkeypatch) -> None:
    """Its clock says nothing; so does the age of the claim, which exca would let end after ten minutes."""
    now, monotonic = time.time, time.monotonic
    seconds = [0.0]
    monkeypatch.setattr(time, "time", lambda: now() - 700)
    with claims(tmp_path) as registry:
        assert registry.claim(["cell"])
        monkeypatch.setattr(time, "time", now)
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + seconds[0])
        (counter,) = (tmp_path / "beats").iterdir()
        for beat in range(3):
            assert "cell" in live_claims(registry)
            with claims(tmp_path) as other:
                assert other.claim(["cell"]) == []
            seconds[0] += 0.9 * _heartbeat.PATIENCE
            counter.write_text(f"{beat}")
        assert "cell" in live_claims(registry)
        seconds[0] += 1.1 * _heartbeat.PATIENCE
        assert live_claims(registry) == {}
        with claims(tmp_path) as other:
            assert other.claim(["cell"]) == ["cell"]


def test_a_counter_moves_and_goes_with_its_claims(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(_heartbeat, "SECONDS_BETWEEN_BEATS", 0.01)
    with claims(tmp_path) as registry:
        (counter,) = (tmp_path / "beats").iterdir()
        start = counter.read_bytes()
        deadline = time.monotonic() + 10
        while counter.read_bytes() == start and time.monotonic() < deadline:
            time.sleep(0.01)
        assert counter.read_bytes() != start
        assert registry.claim(["cell"])
        registry.close()
    with InflightRegistry(tmp_path) as registry:
        assert registry.get().keys() == {"cell"}  # Not released, as on a full disk.
        assert live_claims(registry) == {}


def test_a_long_wait_is_reported(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(_store, "_SILENT_WAIT", 0.0)
    monkeypatch.setattr(_store, "_SECONDS_BETWEEN_LOOKS", 0.01)
    store = sweeps.Store(tmp_path)
    with claims(tmp_path) as registry:
        registry.claim(["cell"])
        thread = threading.Thread(target=store.wait, args=(["cell"],))
        thread.start()
        time.sleep(0.2)
        registry.release(["cell"])
        thread.join(timeout=10)
    assert capsys.readouterr().err.startswith(f"waiting for 1 cells of process {os.getpid()} on ")


def test_a_read_only_folder_is_refused_before_anything_is_computed(tmp_path: Path, monkeypatch) -> None:
    def read_only(self, *args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    monkeypatch.setattr(Path, "write_text", read_only)
    with pytest.raises(sweeps.StorageError, match=f"cannot write to {tmp_path}.*Read-only file system"):
        _run(tmp_path, fails=True)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(sweeps.StorageError, match=r"cannot write to .*file"):
        _run(tmp_path / "file" / "results")


def test_a_cell_that_kills_its_worker_costs_no_other(tmp_path: Path) -> None:
    summary = _run(tmp_path, toy.kills_its_worker, workers=2, gamma=0.3)
    assert summary.computed == 2
    assert set(summary.failed.values()) == {"the worker process died 3 times"}
    states = sweeps.status(toy.sweep(toy.kills_its_worker, gamma=0.3), tmp_path)
    assert [cell.state for cell in states.cells] == ["finished", "failed", "finished"]


@pytest.mark.slow
def test_a_worker_that_died_is_replaced(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "markers").mkdir()
    monkeypatch.setenv("TOY_MARKERS", str(tmp_path / "markers"))
    summary = _run(tmp_path, toy.kills_its_worker_once, workers=2, gamma=0.3, seed=(0, 1))
    assert (summary.computed, summary.failed) == (2, {})


def test_a_diverging_cell_is_recorded_as_that_and_the_sweep_goes_on(tmp_path: Path) -> None:
    class Training(sweeps.Config):
        learning_rate: float

    def measure(config: Training) -> xr.Dataset:
        layer = MLP((2, 4, 1))
        initialize(layer, 0.5, generator=torch.Generator().manual_seed(0))
        x = torch.linspace(-1, 1, 16).view(8, 2)
        tracker = Tracker(layer, ("stable_rank",), every=10)
        result = train(
            layer,
            lambda module: (module(x) - x[:, :1]).square().mean(),
            steps=40,
            optimizer=torch.optim.SGD(layer.parameters(), lr=config.learning_rate),
            before_step=lambda step: tracker.step(),
        )
        return tracker.dataset().assign_attrs(diverged_at=result.diverged_at or -1)

    grid = sweeps.grid(Training, learning_rate=(0.1, 1e20, 0.2))
    sweep = sweeps.Sweep("toy", measure, grid, ("learning_rate",))
    summary = sweeps.run(sweep, tmp_path, workers=0, progress=False)
    assert summary.computed == 3, summary.failed.values()
    store = sweeps.Store(tmp_path / "cells")
    diverged_at = [int(store.load(config.hash).attrs["diverged_at"]) for config in grid]
    assert diverged_at[0] == diverged_at[2] == -1
    assert 0 < diverged_at[1] < 10
    rank = sweeps.load(sweep, tmp_path)["stable_rank"].sel(step=40)
    assert rank.isnull().all("layer").values.tolist() == [False, True, False]


def test_a_changed_config_never_meets_an_old_result(tmp_path: Path) -> None:
    _run(tmp_path)
    old = toy.sweep()

    class Toy(toy.Toy):
        version = 2

    grid = tuple(Toy(**config.model_dump()) for config in old.configs)

    def measure(config: Toy) -> xr.Dataset:
        return toy.measure(config).assign(walk=lambda dataset: 2 * dataset["walk"])

    new = sweeps.Sweep("toy", measure, grid, old.dimensions)
    with pytest.raises(FileNotFoundError, match="6 of 6"):
        sweeps.load(new, tmp_path)
    summary = sweeps.run(new, tmp_path, workers=0, progress=False)
    assert (summary.computed, summary.cached) == (6, 0)
    xr.testing.assert_equal(sweeps.load(new, tmp_path)["walk"], 2 * sweeps.load(old, tmp_path)["walk"])


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    sweeps.run(toy.sweep(), tmp_path / "study", workers=0, progress=False)
    (tmp_path / "study" / "toy.json").write_text("{")
    with pytest.raises(ValueError, match=r"toy\.json: expected a sweep's manifest"):
        sweeps.open("study/toy", folder=tmp_path)
