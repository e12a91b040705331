"""Sweeps as jobs: on this machine, and through a Slurm of three small scripts."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import submitit
import xarray as xr

import toy
from lowcomplex import sweeps
from lowcomplex.sweeps import _jobs
from lowcomplex.sweeps._exca import InflightRegistry
from lowcomplex.sweeps._heartbeat import Process

LOCAL = sweeps.Cluster(kind="local", parallel=1)
# Like the real ones as far as submitit goes: sbatch starts the array's tasks and returns, srun takes options
# and a command, sacct says how jobs are.
SBATCH = """#!/bin/sh
cp "$1" "$FAKE/script.sh"
echo "$@" >> "$FAKE/submissions"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
export SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0
export SLURM_JOB_ID=$$
for task in $(seq 0 "${last:-0}"); do
    id=$$
    if [ -n "$last" ]; then id=$$_$task; export SLURM_ARRAY_JOB_ID=$$ SLURM_ARRAY_TASK_ID="$task"; fi
    (bash "$1"; echo "$id|$FAKE_STATE" >> "$FAKE/over") > "$FAKE/$id.log" 2>&1 < /dev/null &
done
echo "Submitted batch job $$"
"""
SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do
    case "$1" in --output | --error) shift ;; esac
    shift
done
exec "$@"
"""
SACCT = """#!/bin/sh
echo "JobID|State|NodeList"
cat "$FAKE/over" 2> /dev/null | sed 's/$/|node1/'
"""


def _run(folder: Path, cluster: sweeps.Cluster = LOCAL, **values) -> sweeps.Summary:
    return sweeps.run(toy.sweep(**values), folder, cluster=cluster, progress=False)


def _load(folder: Path, **values) -> xr.Dataset:
    return sweeps.load(toy.sweep(**values), folder).load()


@pytest.fixture(autouse=True)
def _jobs_find_the_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(Path(toy.__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(_jobs._SECONDS, "slurm", (0.05, 0.5, 0.5))
    monkeypatch.setattr(submitit.SlurmJob.watcher, "_delay_s", 0.1)
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, script in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(folder))
    monkeypatch.setenv("FAKE_STATE", "COMPLETED")
    return folder


def test_jobs_give_the_same_values_and_failures_are_recorded(tmp_path: Path) -> None:
    values = {"gamma": (0.3, 0.8), "seed": (0, 1), "fails": True}
    summary = _run(tmp_path / "jobs", sweeps.Cluster(kind="local", parallel=2, batches_per_job=4), **values)
    assert summary.computed == 2
    assert len(summary.failed) == 2
    assert all("does not work" in trace and "Traceback" in trace for trace in summary.failed.values())
    assert len(list((tmp_path / "jobs" / "failures").iterdir())) == 2
    half = values | {"seed": (0,)}
    sweeps.run(toy.sweep(**half), tmp_path / "here", workers=0, progress=False)
    xr.testing.assert_identical(_load(tmp_path / "jobs", **half), _load(tmp_path / "here", **half))
    assert _run(tmp_path / "jobs", **half).cached == 2


def test_a_killed_job_is_started_again(tmp_path: Path) -> None:
    cells = tmp_path / "cells"
    with _signaled(cells, signal.SIGKILL) as killed:  # As the kernel does when memory runs out.
        summary = _run(tmp_path, gamma=0.3, seed=(0,), seconds=0.5)
    assert killed
    assert (summary.computed, summary.failed) == (1, {})
    assert len(list((tmp_path / "jobs").glob("*_submitted.pkl"))) == 2


def test_a_preempted_job_is_queued_again_and_continues_its_cell(tmp_path: Path) -> None:
    (config,) = sweeps.grid(toy.Toy, gamma=0.3, seconds=1.0)
    long = sweeps.Sweep("long", toy.measure_in_steps, (config,), ("gamma",), resumable=True)
    checkpoint = tmp_path / "checkpoints" / config.hash
    with _signaled(checkpoint, signal.SIGUSR2):  # What Slurm sends before it takes the node away.
        summary = sweeps.run(long, tmp_path, cluster=LOCAL, progress=False)
    assert (summary.computed, summary.failed) == (1, {})
    assert len(list((tmp_path / "jobs").glob("*_submitted.pkl"))) == 1
    (log,) = (tmp_path / "jobs").glob("*_log.err")
    assert "this job is preempted" in log.read_text()
    steps = [int(line) for line in (tmp_path / "steps.log").read_text().split()]
    assert steps == sorted(set(steps)), "no step is taken twice"
    assert not list((tmp_path / "checkpoints").iterdir())
    alone = toy.measure_in_steps(config, tmp_path / "alone" / "cell")
    xr.testing.assert_equal(sweeps.load(long, tmp_path).squeeze("gamma", drop=True), alone)


@contextlib.contextmanager
def _signaled(path: Path, number: int) -> Iterator[list[int]]:
    """Meanwhile, as soon as a path exists, signal the process that has claimed a cell."""
    signaled: list[int] = []

    def watch() -> None:
        folder = next(parent for parent in path.parents if parent.name not in ("checkpoints", "cells"))
        deadline = time.monotonic() + 60
        while not signaled and time.monotonic() < deadline:
            time.sleep(0.02)
            if not path.exists():
                continue
            with InflightRegistry(folder / "cells") as registry:
                for holder in registry.get().values():
                    assert isinstance(holder.liveness, Process)
                    os.kill(holder.liveness.pid, number)
                    signaled.append(holder.liveness.pid)

    thread = threading.Thread(target=watch)
    thread.start()
    yield signaled
    thread.join()


def test_jobs_outlive_the_command_and_are_found_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import sys, toy; from pathlib import Path; from lowcomplex import sweeps; toy.heed_interrupts(); "
        "sweeps.run(toy.sweep(gamma=0.3, seed=(0,), seconds=2.0), Path(sys.argv[1]), "
        "cluster=sweeps.Cluster(kind='local'), progress=False)"
    )
    waiting = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], start_new_session=True)
    cells = tmp_path / "cells"
    deadline = time.monotonic() + 60
    while not (cells / "inflight.db").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(waiting.pid, signal.SIGINT)  # As Ctrl-C does: to the command and to all that it started.
    assert waiting.wait() != 0
    assert "1 jobs go on (local " in capfd.readouterr().err
    summary = _run(tmp_path, gamma=0.3, seed=(0,), seconds=2.0)
    assert (summary.computed, summary.failed) == (1, {})
    said = capfd.readouterr().err
    assert "1 batches were submitted before; waiting for them (process " in said
    assert socket.gethostname() in said
    assert len(list((tmp_path / "jobs").glob("*_submitted.pkl"))) == 1


def test_the_array_that_slurm_is_asked_for(slurm: Path, tmp_path: Path) -> None:
    cluster = sweeps.Cluster(
        partition="gpu",
        minutes=90,
        cpus=2,
        gpus=1,
        memory_gb=6,
        parallel=1,
        setup=("module load cuda",),
        options={"account": "theory"},
    )
    values = {"gamma": (0.3, 0.8), "seed": (0,)}
    summary = _run(tmp_path / "jobs", cluster, **values)
    assert (summary.computed, summary.failed) == (2, {})
    sweeps.run(toy.sweep(**values), tmp_path / "here", workers=0, progress=False)
    xr.testing.assert_identical(_load(tmp_path / "jobs", **values), _load(tmp_path / "here", **values))
    assert len((slurm / "submissions").read_text().splitlines()) == 1
    script = (slurm / "script.sh").read_text()
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script, re.MULTILINE))
    expected = {
        "job-name": "toy",
        "partition": "gpu",
        "time": "90",
        "cpus-per-task": "2",
        "gpus-per-node": "1",
        "mem": "6GB",
        "array": "0-1%1",
        "nodes": "1",
        "ntasks-per-node": "1",
        "account": "theory",
    }
    assert {name: asked.get(name) for name in expected} == expected
    lines = script.splitlines()
    (command,) = (line for line in lines if line.startswith("srun"))
    assert f"{sys.executable} -u -m submitit.core._submit {tmp_path / 'jobs' / 'jobs'}" in command
    before = lines[: lines.index(command)]
    assert {"module load cuda", "export OMP_NUM_THREADS=1", "export MKL_NUM_THREADS=1"} <= set(before)


@pytest.mark.parametrize(("state", "submissions"), [("OUT_OF_MEMORY", 3), ("CANCELLED by 1000", 1)])
def test_a_slurm_job_that_died_is_submitted_again_and_a_canceled_one_is_not(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, submissions: int
) -> None:
    (slurm / "srun").write_text("#!/bin/sh\nexit 9\n")
    monkeypatch.setenv("FAKE_STATE", state)
    summary = _run(tmp_path, sweeps.Cluster(), gamma=0.3, seed=(0,))
    assert summary.computed == 0
    (failure,) = summary.failed.values()
    assert state in failure if submissions == 3 else "was canceled" in failure
    assert len((slurm / "submissions").read_text().splitlines()) == submissions


def test_without_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="sbatch and srun: not found"):
        _run(tmp_path / "sweep", sweeps.Cluster())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "slrum"}, "did you mean 'slurm'"),
        ({"minutes": 0}, "minutes: expected a whole number of at least 1, got 0"),
        ({"gpus": -1}, "gpus: expected a whole number of at least 0, got -1"),
        ({"parallel": 1.5}, "parallel: .* got 1.5"),
        ({"memory_gb": 0}, "memory_gb: expected a positive amount"),
        ({"setup": "module load cuda"}, "setup: expected a tuple of shell commands"),
    ],
)
def test_impossible_demands(values: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sweeps.Cluster(**values)
