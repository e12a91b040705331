import enum
import io
import math
import os
import signal
import subprocess
import sys
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from lowcomplex.networks import MLP
from lowcomplex.tracking import Tracker
from lowcomplex.training import Checkpoint, Ensemble, MemberBatches, adamw, train, warmup_cosine

STEPS = 30


class Ended(NamedTuple):
    losses: torch.Tensor
    weights: dict[str, torch.Tensor]
    moments: list[torch.Tensor]
    record: xr.Dataset
    next_draw: torch.Tensor


class Interruption(BaseException):
    pass


def _run(
    path: Path | None,
    *,
    seed: int = 0,
    width: int = 5,
    steps: int = STEPS,
    stop_at: int | None = None,
    learning_rate: float = 0.05,
    schedule: Callable[[int, int], float] | None = warmup_cosine,
) -> Ended:
    """A training that uses all that a checkpoint must keep; saved every three steps of its clock."""
    data, now = torch.Generator().manual_seed(seed + 1), [0.0]
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Dropout(0.2), nn.Linear(width, 1))

    def loss(network: nn.Module) -> torch.Tensor:
        if now[0] == stop_at:
            raise Interruption
        now[0] += 1
        x = torch.randn(16, 3, generator=data)
        return (network(x) - x.sum(1, keepdim=True)).square().mean()

    def spectrum() -> xr.DataArray:
        values = module[0].weight.detach().double().square().sum(0).numpy()
        return xr.DataArray(
            values, dims="input", coords={"input": ["x", "y", "z"]}, attrs={"long_name": "power"}
        )

    tracker = Tracker(
        module, every=4, quantities={"spectrum": spectrum, "sign": lambda: xr.DataArray(_sign(module[3]))}
    )
    checkpoint = None
    if path is not None:
        checkpoint = Checkpoint(
            path,
            tracker=tracker,
            generators=[data, torch.default_generator],
            every_seconds=3,
            clock=lambda: now[0],
        )
    optimizer = adamw(module, learning_rate, weight_decay=0.1)
    result = train(
        module,
        loss,
        steps=steps,
        optimizer=optimizer,
        schedule=schedule,
        clip_norm=0.5,
        before_step=lambda step: tracker.step(),
        checkpoint=checkpoint,
    )
    moments = [value for state in optimizer.state.values() for value in state.values()]
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    return Ended(result.losses, weights, moments, tracker.dataset(), torch.rand(2, generator=data))


def _sign(layer: nn.Module) -> str:
    return "positive" if float(layer.get_parameter("bias").detach()) > 0 else "negative"


def _assert_same_bits(one: Ended, other: Ended) -> None:
    assert one.losses.equal(other.losses)
    assert one.weights.keys() == other.weights.keys()
    assert all(value.equal(other.weights[name]) for name, value in one.weights.items())
    assert all(a.equal(b) for a, b in zip(one.moments, other.moments, strict=True))
    assert one.next_draw.equal(other.next_draw)
    xr.testing.assert_identical(one.record, other.record)
    for name, variable in one.record.variables.items():
        assert variable.dtype == other.record.variables[name].dtype


def _interrupted_at(path: Path, step: int, **settings: Any) -> None:
    with pytest.raises(Interruption):
        _run(path, stop_at=step, **settings)


def test_interrupted_at_random_steps_and_continued_equals_uninterrupted(tmp_path: Path) -> None:
    alone, path, draw = _run(None), tmp_path / "folder" / "run", np.random.default_rng(0)
    _assert_same_bits(_run(tmp_path / "other"), alone)
    for _ in range(4):  # The clock starts anew: each attempt lives for fewer steps than are left.
        _interrupted_at(path, int(draw.integers(2, 9)))
    calls: list[int] = []
    _assert_same_bits(
        _run(path, schedule=lambda step, n: calls.append(step) or warmup_cosine(step, n)), alone
    )
    assert 0 < min(calls[3:]) < STEPS, "the last attempt continued where an earlier one was"
    assert not list(path.parent.glob("*.tmp"))


KILLED = """
import time, torch
from lowcomplex.training import Checkpoint, train

def run(path, pause):
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    module = torch.nn.Linear(2, 1)

    def loss(module):
        time.sleep(pause)
        return module(torch.randn(4, 2, generator=generator)).square().mean()

    checkpoint = Checkpoint(path, generators=[generator], every_seconds=0.01)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    return train(module, loss, steps=60, optimizer=optimizer, checkpoint=checkpoint).losses
"""


def test_continues_after_being_killed(tmp_path: Path) -> None:
    path, code = tmp_path / "run", {}
    exec(KILLED, code)
    script = f"{KILLED}\nrun({str(path)!r}, 0.1)"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        deadline = time.monotonic() + 60
        while not path.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert path.exists()
    assert code["run"](path, 0.0).equal(code["run"](tmp_path / "alone", 0.0))


def _train_an_ensemble(path: Path | None, stop_at: int | None = None, learning_rate: float = 0.1) -> Ended:
    torch.manual_seed(0)
    x, now = torch.randn(12, 3), [0.0]
    ensemble = Ensemble(
        [MLP((3, 4, 1)) for _ in range(3)],
        learning_rate=torch.tensor([learning_rate, 0.1, 0.2]),
        optimizer="adamw",
        weight_decay=0.1,
    )
    batches, tracker = MemberBatches(12, 5, seeds=(0, 1, 2)), Tracker(ensemble, every=3)

    def loss(members: Ensemble) -> torch.Tensor:
        if now[0] == stop_at:
            raise Interruption
        now[0] += 1
        drawn = x[batches.draw()]
        errors = members(drawn, shared=False) - drawn.sum(-1, keepdim=True)
        # The second member diverges at the fifth update.
        return errors.square().mean((1, 2)) * torch.tensor([1, math.inf if members.updates == 4 else 1, 1])

    checkpoint = None
    if path is not None:
        checkpoint = Checkpoint(
            path, tracker=tracker, objects=[batches], every_seconds=2, clock=lambda: now[0]
        )
    result = ensemble.train(loss, steps=12, before_step=lambda step: tracker.step(), checkpoint=checkpoint)
    state = ensemble.state_dict()
    losses = result.losses.nan_to_num(-1)
    return Ended(losses, state, [result.diverged_at], tracker.dataset(), batches.draw())


def test_an_ensemble_continues_with_its_tracker_and_its_minibatches(tmp_path: Path) -> None:
    alone, path = _train_an_ensemble(None), tmp_path / "run"
    assert alone.moments[0].tolist() == [-1, 4, -1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for stop_at in (3, 4, 5):
            with pytest.raises(Interruption):
                _train_an_ensemble(path, stop_at)
        _assert_same_bits(_train_an_ensemble(path), alone)
    with pytest.warns(UserWarning, match="another run's: it started from other settings"):
        _train_an_ensemble(path, learning_rate=0.05)


def _flip_a_bit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _replace(path: Path) -> None:
    path.write_text("something else")


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_flip_a_bit, "checksum"), (_truncate, "checksum"), (_replace, "not a checkpoint")],
)
def test_a_damaged_file_is_named_and_set_aside(
    damage: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    _interrupted_at(path, 10)
    damage(path)
    damaged = path.read_bytes()
    with pytest.warns(UserWarning, match=rf"run: .*{said}.* set aside as run.corrupt"):
        _assert_same_bits(_run(path), _run(None))
    assert (tmp_path / "run.corrupt").read_bytes() == damaged


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"width": 6}, "module"),
        ({"seed": 1}, "module, generators"),
        ({"learning_rate": 0.04}, "optimizer"),
        ({"steps": STEPS + 1}, "settings"),
        ({"schedule": None}, "settings"),
    ],
)
def test_a_checkpoint_of_another_run_is_not_mixed_in(
    settings: dict[str, Any], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    _interrupted_at(path, 10)
    with pytest.warns(UserWarning, match=f"another run's: it started from other {named}"):
        _assert_same_bits(_run(path, **settings), _run(None, **settings))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    buffer, path = io.BytesIO(), tmp_path / "run"
    torch.save({"start": Trap()}, buffer)
    _interrupted_at(path, 10)
    magic = path.read_bytes()[: path.read_bytes().index(b"\n") + 1]
    path.write_bytes(magic + sha256(buffer.getvalue()).digest() + buffer.getvalue())
    with pytest.warns(UserWarning, match="cannot be read"):
        _run(path)
    assert not (tmp_path / "sprung").exists()


def test_a_disk_that_is_full_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="run: the checkpoint was not saved: .*No space left"):
        _assert_same_bits(_run(tmp_path / "run"), _run(None))
    assert not list(tmp_path.iterdir())


def test_saves_every_so_many_seconds_and_seldom_if_saving_is_slow(tmp_path: Path) -> None:
    now, cost, saved = [0.0], 0.0, []

    class Slow:
        def state_dict(self) -> dict[str, Any]:
            now[0] += cost
            return {}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            pass

    checkpoint = Checkpoint(tmp_path / "run", objects=[Slow()], every_seconds=60, clock=lambda: now[0])
    checkpoint.resume({})
    cost = 3.0
    while now[0] < 1200:
        now[0] += 1
        if checkpoint.due:
            checkpoint.save()
            saved.append(now[0])
    assert saved == [63, 366, 669, 972]


def test_a_finished_run_is_continued_to_the_same_end(tmp_path: Path) -> None:
    path = tmp_path / "run"
    first = _run(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _assert_same_bits(_run(path), first)


class _Numbers:
    """Numbers and containers as people have them, none of which is of a plain type."""

    class Phase(enum.IntEnum):
        RICH = 2

    def __init__(self) -> None:
        self.state: Any = {
            np.int64(3): np.float64(0.1),
            "rate": np.float32(0.1),
            "flag": np.bool_(True),
            "phase": self.Phase.RICH,
            "name": np.str_("γ"),
            "nested": OrderedDict(shape=torch.Size((2, 3)), parameter=nn.Parameter(torch.ones(2))),
        }

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        self.state = state


def test_what_is_saved_can_be_read(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    saved = Checkpoint(tmp_path / "run")
    assert saved.resume({"numbers": _Numbers()}, {"steps": np.int64(4)}) is None
    saved.save(step=np.int64(2), losses=np.float64(0.5))
    numbers = _Numbers()
    progress = Checkpoint(tmp_path / "run").resume({"numbers": numbers}, {"steps": 4})
    assert progress == {"step": 2, "losses": 0.5}
    assert not recwarn.list
    expected = {3: 0.1, "rate": float(np.float32(0.1)), "flag": True, "phase": 2, "name": "γ"}
    nested = numbers.state.pop("nested")
    assert numbers.state == expected
    assert [type(v) for v in numbers.state.values()] == [float, float, bool, int, str]
    assert nested["shape"] == (2, 3)
    assert torch.equal(nested["parameter"], torch.ones(2))


@pytest.mark.parametrize("rate", [np.logspace(-3, -1, 3)[2], np.float32(0.1)])
def test_a_run_with_numbers_of_numpy_continues(tmp_path: Path, rate: Any) -> None:
    _interrupted_at(tmp_path / "run", 20, learning_rate=rate)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        continued = _run(tmp_path / "run", learning_rate=rate)
    _assert_same_bits(continued, _run(None, learning_rate=float(rate)))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_set_aside(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "run")
    checkpoint = Checkpoint(tmp_path / "run")
    with pytest.warns(UserWarning, match="run: this is no regular file; set aside as run.corrupt"):
        assert checkpoint.resume({}) is None
    checkpoint.save(step=1)
    assert Checkpoint(tmp_path / "run").resume({}) == {"step": 1}


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    checkpoint = Checkpoint(tmp_path / "file" / "run")
    assert checkpoint.resume({}) is None
    with pytest.warns(UserWarning, match="the checkpoint was not saved"):
        checkpoint.save(step=1)


def test_an_optimizer_that_computes_the_loss_several_times_is_refused() -> None:
    module = nn.Linear(2, 1)
    optimizer = torch.optim.LBFGS(module.parameters())
    with pytest.raises(ValueError, match="optimizer: expected one that steps once per loss, got LBFGS"):
        train(module, lambda m: m(torch.ones(1, 2)).sum(), steps=1, optimizer=optimizer)


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every_seconds: expected zero or more"):
        Checkpoint(tmp_path / "run", every_seconds=-1)
    with pytest.raises(RuntimeError, match="call resume before save"):
        Checkpoint(tmp_path / "run").save(step=1)
    with pytest.raises(ValueError, match="count: expected state_dict and load_state_dict, got int"):
        Checkpoint(tmp_path / "run").resume({"count": 3})  # type: ignore[dict-item]

    class Odd(nn.Module):
        def get_extra_state(self) -> Any:
            return {1, 2}

    with pytest.raises(ValueError, match=r"module._extra_state: a checkpoint holds tensors.*got set"):
        Checkpoint(tmp_path / "run").resume({"module": Odd()})
