import copy
import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from torch.optim.swa_utils import AveragedModel

import two_processes
from lowcomplex import Tracker, effective_rank, measures, nulls, stable_rank
from lowcomplex.networks import MLP
from lowcomplex.tracking import log_linear_steps
from lowcomplex.training import Ensemble


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 5), nn.Linear(5, 5), nn.Conv1d(5, 4, 3))


def _train(module: nn.Module, tracker: Tracker | None, steps: int = 10) -> None:
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        loss = module(torch.randn(8, 7, 6, generator=generator)[:, :5]).square().mean()
        if tracker is not None:
            tracker.step(loss=loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_records_what_the_measures_say() -> None:
    module = _network()
    weights = {name: p.detach().clone() for name, p in module.named_parameters() if p.ndim >= 2}
    tracker = Tracker(module, every=3)
    _train(module, tracker)
    dataset = tracker.dataset()
    assert dataset["step"].values.tolist() == [0, 3, 6, 9]
    assert dataset["layer"].values.tolist() == list(weights)
    for name, weight in weights.items():
        first = dataset.sel(step=0, layer=name)
        assert float(first["effective_rank"]) == pytest.approx(float(effective_rank(weight.flatten(1))))
        assert float(first["stable_rank"]) == pytest.approx(float(stable_rank(weight.flatten(1))))
    assert dataset["loss"].dims == ("step",)
    assert (dataset["effective_rank"].diff("step") != 0).any()


def test_a_record_is_written_as_netcdf() -> None:
    tracker = Tracker(_network())
    tracker.step(loss=1.0)
    content = tracker.dataset().to_netcdf(engine="h5netcdf")
    xr.testing.assert_identical(xr.load_dataset(bytes(content), engine="h5netcdf"), tracker.dataset())


def test_does_not_disturb_training() -> None:
    plain, tracked = _network(), _network()
    _train(plain, None)
    random_state = torch.get_rng_state()
    _train(tracked, Tracker(tracked, measures=("effective_rank", "condensed_directions")))
    assert torch.equal(torch.get_rng_state(), random_state)
    for a, b in zip(plain.parameters(), tracked.parameters(), strict=True):
        assert torch.equal(a, b)


def test_own_measures_and_quantities() -> None:
    module = _network()
    quantity = xr.DataArray([1.0, 2.0], dims="group", coords={"group": ["a", "b"]})
    tracker = Tracker(
        module,
        measures={"norm": lambda W: W.square().sum((-2, -1)).sqrt(), "stable_rank": lambda W: W[..., 0, 0]},
        layers=("0.*", "2.*"),
        steps=(0, 2),
        quantities={"accuracy": lambda: quantity, "one": lambda: 1.0},
    )
    _train(module, tracker)
    dataset = tracker.dataset()
    assert dict(dataset.sizes) == {"step": 2, "layer": 2, "group": 2}
    assert dataset["accuracy"].dims == ("step", "group")
    assert dataset["one"].dims == ("step",)
    # A user's measure takes precedence over the library's of the same name.
    last = module.get_submodule("0").weight
    tracker.record()
    assert float(tracker.dataset()["stable_rank"][-1, 0]) == pytest.approx(last[0, 0].item())


@pytest.mark.parametrize(
    ("forgets", "got"),
    [
        (lambda W: W.norm(), r"shape \(\)"),
        (lambda W: W.norm(dim=-1), r"shape \(2, 5\)"),
        (lambda W: float(W.norm()), "float"),
    ],
)
def test_own_measures_that_are_no_number_per_matrix_are_refused(forgets: object, got: str) -> None:
    tracker = Tracker(_network(), {"norm": forgets}, layers=("2.*", "3.*"))
    with pytest.raises(ValueError, match=rf"measures\['norm'\]: .* \(2,\) for .* got {got}; reduce .*vmap"):
        tracker.step()


def test_one_name_and_the_nulls_of_each_layer_s_shape() -> None:
    tracker = Tracker(_network(), "stable_rank")
    tracker.step()
    dataset = tracker.dataset()
    shapes = [(5, 6), (5, 5), (5, 5), (4, 15)]
    assert dataset["null_stable_rank"].dims == ("layer",)
    assert dataset["null_stable_rank"].values.tolist() == [
        nulls.random_stable_rank(*shape).value for shape in shapes
    ]
    assert list(tracker.dataset(nulls=False)) == ["stable_rank"]
    assert repr(tracker) == "Tracker(stable_rank of 4 layers; 1 records, next step 1)"
    # A null needs two neurons, and functions of one's own have none.
    lone = Tracker(nn.Linear(3, 1), "mean_cosine")
    lone.step()
    assert math.isnan(lone.dataset()["null_mean_cosine"].item())
    own = Tracker(_network(), {"stable_rank": stable_rank})
    own.step()
    assert list(own.dataset()) == ["stable_rank"]


def test_a_conv1d_as_gpt2_has_it_is_read_as_in_out() -> None:
    class Conv1D(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(8, 24))

    layer = Conv1D()
    tracker = Tracker(layer, {"norm of neuron 0": lambda W: W[:, 0].norm(dim=-1)})
    tracker.step()
    assert tracker.dataset()["norm of neuron 0"].item() == pytest.approx(layer.weight[:, 0].norm().item())


def test_divergence_is_recorded_as_nan() -> None:
    module = _network()
    tracker = Tracker(module)
    tracker.step()
    with torch.no_grad():
        module.get_submodule("2").weight[0, 0] = math.nan
    tracker.step()
    dataset = tracker.dataset()
    assert tracker.diverged
    assert math.isnan(dataset["stable_rank"].sel(step=1, layer="2.weight"))
    assert math.isfinite(dataset["stable_rank"].sel(step=1, layer="0.weight"))


def test_random_weights_hold_no_condensed_direction_and_planted_ones_do() -> None:
    layer = nn.Linear(4, 60)
    tracker = Tracker(layer, measures=("condensed_directions",))
    tracker.step()
    with torch.no_grad():
        layer.weight.copy_(torch.ones(60, 4))
    tracker.step()
    assert tracker.dataset()["condensed_directions"].values.ravel().tolist() == [0, 1]


class _Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> float:
        self.now += seconds
        return 0.0


def _run_on_budget(budget: float, costs: list[float], steps: int) -> tuple[Tracker, _Clock]:
    """Updates of one second each; the records' costs in turn, the last of them for all later ones."""
    clock, left = _Clock(), list(costs)
    tracker = Tracker(
        nn.Linear(2, 2),
        budget=budget,
        clock=clock,
        quantities={"cost": lambda: clock.passes(left.pop(0) if len(left) > 1 else left[0])},
    )
    for _ in range(steps):
        tracker.step()
        clock.passes(1.0)
    return tracker, clock


def test_budget_bounds_the_share_of_time_spent_recording() -> None:
    tracker, clock = _run_on_budget(0.05, [0.5], 1000)
    recorded = tracker.dataset()["step"].values.tolist()
    # The first record, and then one for every ten seconds of which half a second is recording.
    assert recorded[:4] == [0, 19, 29, 38]
    assert 0.04 < 0.5 * len(recorded) / (clock.now - 100.0) <= 0.05


def test_budget_records_seldom_when_records_become_expensive_and_often_when_cheap() -> None:
    slow, _ = _run_on_budget(0.1, [0.1] * 5 + [5.0], 400)
    gaps = slow.dataset()["step"].diff("step").values
    assert gaps[:4].max() <= 2
    assert gaps[5:].min() >= 44
    cheap, _ = _run_on_budget(0.1, [5.0, 0.01], 200)
    assert cheap.dataset()["step"].values[1] == 90  # 5 and 5 more seconds are a tenth of 100
    assert (cheap.dataset()["step"].diff("step").values[1:] == 1).all()


def test_budget_continues_from_a_checkpoint_as_if_no_time_had_passed() -> None:
    whole, _ = _run_on_budget(0.05, [0.5], 60)
    first, _ = _run_on_budget(0.05, [0.5], 25)
    second, clock = _run_on_budget(0.05, [0.5], 0)
    clock.passes(1e6)
    second.load_state_dict(first.state_dict())
    for _ in range(35):
        second.step()
        clock.passes(1.0)
    assert second.dataset()["step"].values.tolist() == whole.dataset()["step"].values.tolist()


def test_continues_from_its_state_to_the_last_bit() -> None:
    quantities = {
        "counts": lambda: xr.DataArray([1, 2], dims="group", coords={"group": ["a", "b"]}),
        "phase": lambda: xr.DataArray("rich"),
        "grown": lambda: xr.DataArray(np.arange(3.0, dtype=np.float32) / 3, dims="index"),
    }
    module = _network()
    whole, first, second = (Tracker(module, quantities=quantities) for _ in range(3))
    for tracker in (whole, first):
        tracker.step(loss=torch.tensor(0.1))
        tracker.step()
    second.load_state_dict(first.state_dict())
    for tracker in (whole, second):
        tracker.step(accuracy=1 / 3)
    found, expected = second.dataset(), whole.dataset()
    xr.testing.assert_identical(found, expected)
    assert list(found.variables) == list(expected.variables)
    assert {n: v.dtype for n, v in found.variables.items()} == {
        n: v.dtype for n, v in expected.variables.items()
    }


def test_a_logger_gets_every_measure_under_a_stable_name() -> None:
    clock, logged = _Clock(), {}

    def log(numbers: dict[str, float], *, step: int) -> None:
        logged[step] = numbers
        clock.passes(1.0)

    groups = xr.DataArray([0.25, 0.5], dims="group", coords={"group": ["seen", "new"]})
    quantities = {"accuracy": lambda: groups, "phase": lambda: xr.DataArray("rich")}
    tracker = Tracker(_network(), quantities=quantities, budget=0.1, clock=clock, log=log)
    for _ in range(40):
        tracker.step(loss=1.0)
        clock.passes(1.0)
    dataset = tracker.dataset()
    assert list(logged) == dataset["step"].values.tolist()
    assert list(logged)[:2] == [0, 18]  # what logging takes is within the budget
    for step, numbers in logged.items():
        expected = {
            f"lowcomplex/{name}/{layer}": float(dataset[name].sel(step=step, layer=layer))
            for name in ("effective_rank", "stable_rank")
            for layer in dataset["layer"].values
        }
        assert numbers == {**expected, "lowcomplex/accuracy/seen": 0.25, "lowcomplex/accuracy/new": 0.5}
    members = {}
    Tracker(_ensemble(2), ("stable_rank",), log=lambda numbers, step: members.update(numbers)).record()
    assert [*members][:2] == [f"lowcomplex/stable_rank/0/layers.{i}.weight" for i in (0, 1)]
    assert len(members) == 6


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
tracker = Tracker(torch.nn.Linear(2, 2), budget=0.1)
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


def test_of_two_processes_one_records_what_one_alone_would(tmp_path: Path) -> None:
    script = two_processes.__file__
    running = [subprocess.Popen([sys.executable, script, str(rank), tmp_path]) for rank in (0, 1)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    expected = two_processes.train(two_processes.network(), rank=-1).dataset()
    for name in ("copies", "shards"):
        found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf")
        xr.testing.assert_allclose(found, expected, rtol=1e-5)


def test_stage_three_of_zero_is_refused() -> None:
    module = nn.Linear(3, 3)
    module.weight.data = torch.empty(0)
    module.weight.ds_id = 0
    with pytest.raises(ValueError, match="ZeRO leaves no values of 'weight'"):
        Tracker(module)


def test_a_file_that_is_no_record_of_the_same_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "record.nc"
    path.write_bytes(b"notes")
    with pytest.raises(ValueError, match=r"path: .*record\.nc is no record of a tracker"):
        Tracker(_network(), path=path)
    assert path.read_bytes() == b"notes"
    path.unlink()
    Tracker(_network(), path=path).record()
    for options, message in (
        ({"measures": ("stable_rank",)}, "path: .* of other measures: effective_rank, stable_rank"),
        ({"layers": "0.*"}, "path: .* of other layers: 0.weight"),
        ({"quantities": {"one": lambda: 1.0}}, "path: .* of other quantities"),
        ({"path": tmp_path}, "path: expected a file, got the folder"),
        ({"path": 5}, "path: expected the name of a file, got 5"),
    ):
        with pytest.raises(ValueError, match=message):
            Tracker(_network(), **{"path": path, **options})
    # A disk that refuses the record does not end the training.
    tracker = Tracker(_network(), path=tmp_path / "folder" / "inside.nc")
    (tmp_path / "folder").write_text("no folder")
    with pytest.warns(UserWarning, match=r"inside\.nc: the record was not written"):
        tracker.step()
    assert tracker.dataset().sizes["step"] == 1


def test_a_budget_goes_on_in_a_file(tmp_path: Path) -> None:
    clock = _Clock()
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


def test_log_linear_steps() -> None:
    steps = log_linear_steps(2500)
    assert steps[0] == 0
    assert steps[-1] == 2500
    assert list(steps) == sorted(set(steps))
    assert sum(step < 250 for step in steps) >= 8


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"measures": ("efective_rank",)}, "did you mean 'effective_rank'"),
        ({"layers": "query"}, "matches no weight matrix"),
        ({"every": 0}, "every: expected whole numbers from 1 on, got 0"),
        ({"every": 1.5}, "every: .* got 1.5"),
        ({"every": True}, "every: .* got True"),
        ({"every": "x"}, "every: .* got 'x'"),
        ({"steps": 5}, "steps: expected several .* got 5"),
        ({"steps": "12"}, "steps: expected several .* got '12'"),
        ({"steps": [float("nan")]}, "steps: .* got nan"),
        ({"steps": [[1, 2]]}, r"steps: .* got \[1, 2\]"),
        ({"steps": torch.ones(2, 2)}, "steps: .* got tensor"),
        ({"budget": "x"}, "budget: .* got 'x'"),
        ({"measures": "effective_rnk"}, "measures: .* did you mean 'effective_rank'"),
        ({"measures": {"norm": 3}}, r"measures\['norm'\]: expected a function, got 3"),
        ({"measures": {3: stable_rank}}, "measures: expected text as a name, got 3"),
        (
            {"measures": stable_rank},
            "measures: expected names, .* got <function .*; give the name 'stable_rank'",
        ),
        ({"measures": [len]}, r"measures: .* give your own function a name, as in \{'norm': function\}"),
        ({"measures": 5}, "measures: expected names, .* got 5"),
        ({"layers": 5}, "layers: expected patterns of names, .* got int"),
        ({"layers": ("0.*", torch.ones(2))}, "layers: .* got Tensor"),
        ({"quantities": [len]}, "quantities: expected a mapping from names to functions"),
        ({"quantities": {"one": 1.0}}, r"quantities\['one'\]: expected a function, got 1.0"),
        ({"module": torch.ones(2, 2)}, "module: expected a network or an ensemble, got Tensor"),
        ({"quantities": {"null_stable_rank": lambda: 0.5}}, "something else is recorded as null_stable_rank"),
        ({"measures": ()}, "measures: expected at least one"),
        ({"module": None}, "module: expected a network or an ensemble, got None"),
        (
            {"module": nn.Sequential(nn.Linear(3, 3), nn.LazyLinear(2))},
            r"module: '1\.weight' has no shape yet",
        ),
        ({"module": nn.Linear(3, 3, device="meta")}, "module: 'weight' is on the meta device"),
        ({"every": 2, "budget": 0.05}, "got every and budget"),
        ({"steps": (0,), "budget": 0.05}, "got steps and budget"),
        ({"budget": 5}, "between 0 and 1"),
        ({"steps": np.geomspace(1, 8, 5)}, "whole numbers from 0 on, got 1.68"),
        ({"steps": (-1,)}, "whole numbers from 0 on, got -1"),
        ({"steps": ()}, "at least one step"),
        ({"quantities": {"stable_rank": lambda: 0.5}}, "something else is recorded as stable_rank"),
        ({"log": "wandb"}, "log: expected a function of numbers and a step, got 'wandb'"),
        ({"quantities": {"step": lambda: 0.5}}, "something else is recorded as step"),
    ],
)
def test_bad_arguments(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tracker(**{"module": _network(), **kwargs})


@pytest.mark.parametrize("steps", [torch.arange(0, 9, 3), np.arange(0, 9, 3), [0.0, 3.0, 6.0]])
def test_steps_are_numbers_of_any_kind(steps: object) -> None:
    tracker = Tracker(_network(), steps=steps)
    for _ in range(9):
        tracker.step()
    assert tracker.dataset()["step"].values.tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    "scalar", [{"stable_rank": 0.5}, {"layer": 1}, {"loss": None}, {"loss": "x"}, {"loss": torch.ones(2)}]
)
def test_scalars_that_are_refused(scalar: dict) -> None:
    (name,) = scalar
    with pytest.raises(ValueError, match=name):
        Tracker(_network()).step(**scalar)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": ("stable_rank",)}, "other measures: effective_rank, stable_rank"),
        ({"layers": "0.*"}, "other layers"),
        ({"quantities": {"one": lambda: 1.0}}, "other quantities"),
        ({"every": 3}, r"records at the steps \[0, 2\]; this one records with every=3"),
        ({"budget": 0.1}, r"records at the steps \[0, 2\]; this one records with budget=0.1"),
    ],
)
def test_a_state_of_another_tracker_is_refused(options: dict, message: str) -> None:
    state = Tracker(_network(), steps=(0, 2)).state_dict()
    with pytest.raises(ValueError, match=message):
        Tracker(
            _network(), **({"steps": (0, 2)} if message[:5] == "other" else {}), **options
        ).load_state_dict(state)


def test_nothing_recorded() -> None:
    with pytest.raises(RuntimeError, match="recorded nothing"):
        Tracker(_network()).dataset()


def test_a_copy_of_the_network_is_not_followed() -> None:
    module = _network()
    tracker = Tracker(module)
    tracker.step()
    _train(copy.deepcopy(module), None)
    tracker.step()
    assert tracker.dataset().sizes["step"] == 2
    assert (tracker.dataset()["effective_rank"].diff("step") == 0).all()


def _ensemble(size: int = 3) -> Ensemble:
    networks = []
    for seed in range(size):
        torch.manual_seed(seed)
        networks.append(MLP((4, 6, 6, 6)).double())
    return Ensemble(networks, learning_rate=0.1)


def test_measures_all_members_of_an_ensemble() -> None:
    names = ("effective_rank", "condensed_directions", "mean_cosine")
    ensemble = _ensemble()
    single = [Tracker(ensemble.member(index), names) for index in range(3)]
    tracker = Tracker(ensemble, names, quantities={"twice": lambda: xr.DataArray([1, 2, 3], dims="member")})
    for each in single:
        each.step()
    tracker.step(loss=torch.tensor([1.0, 2.0, 3.0]), rate=0.5)
    dataset = tracker.dataset()
    assert dataset.drop_vars(("loss", "rate", "twice")).sizes == {"step": 1, "member": 3, "layer": 3}
    for index, each in enumerate(single):
        expected = each.dataset()
        for name in names:
            found = dataset[name].sel(member=index)
            np.testing.assert_allclose(found.values, expected[name].values, rtol=1e-12)
    assert dataset["loss"].dims == ("step", "member")
    assert dataset["rate"].dims == ("step",)
    assert dataset["twice"].dims == ("step", "member")


def test_one_decomposition_a_shape_over_members_and_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import lowcomplex.measures._spectra as spectra

    batches: list[tuple[int, ...]] = []
    inner = spectra.scaled_singular_values

    def counted(stacked: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        batches.append(tuple(stacked.shape))
        return inner(stacked)

    module = sys.modules[measures.singular_values.__module__]
    monkeypatch.setattr(module, "scaled_singular_values", counted)
    Tracker(_ensemble(5), ("effective_rank", "stable_rank")).record()
    assert sorted(batches) == [(5, 6, 4), (10, 6, 6)]


def test_a_diverged_member_is_recorded_as_nan() -> None:
    ensemble = _ensemble()
    tracker = Tracker(ensemble, ("effective_rank",), layers="layers.1.weight")
    x = torch.ones(5, 4, dtype=torch.float64)
    bad = torch.tensor([1.0, torch.nan, 1.0])
    ensemble.train(
        lambda e: e(x).square().mean((1, 2)) * (bad if e.updates == 2 else 1.0),
        steps=3,
        before_step=lambda step: tracker.step(),
    )
    missing = tracker.dataset()["effective_rank"].isnull().squeeze("layer")
    assert missing.values.tolist() == [[False] * 3, [False] * 3, [False, True, False], [False, True, False]]
    assert tracker.diverged


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


def test_training_that_was_lost_is_recorded_again() -> None:
    module = _network()
    tracker = Tracker(module, every=4)
    tracker.resume(7)
    for loss in range(6):
        tracker.step(loss=loss)
    assert tracker.next_step == 13
    tracker.step()
    tracker.record()
    tracker.record(loss=9)
    assert tracker.dataset()["step"].values.tolist() == [8, 12, 14]
    assert tracker.dataset()["loss"].values.tolist() == [1, 5, 9]
    for step, kept in ((13, [8, 12]), (12, [8, 12]), (9, [8])):
        tracker.resume(step)
        assert tracker.dataset()["step"].values.tolist() == kept
    tracker.resume(11)
    for _ in range(2):
        tracker.step()
    assert tracker.dataset()["loss"].fillna(-1).values.tolist() == [1, -1]
    with pytest.raises(ValueError, match=r"step: .* got -1"):
        tracker.resume(-1)


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


def test_steps_of_no_training() -> None:
    for wrong in ({"total": 0}, {"total": "x"}, {"total": 10, "early": 1}, {"total": 10, "late": 0}):
        (name, *_) = reversed(wrong)
        with pytest.raises(ValueError, match=f"{name}: expected whole numbers"):
            log_linear_steps(**wrong)


def test_another_default_device_and_half_precision_record_the_same() -> None:
    layer = nn.Linear(150, 140).bfloat16()
    names = tuple(measures.weight_measures())
    trackers = [Tracker(module, names) for module in (layer, layer, copy.deepcopy(layer).float())]
    with torch.device("meta"):
        trackers[0].record()
    trackers[1].record()
    trackers[2].record()
    elsewhere, half, single = (tracker.dataset() for tracker in trackers)
    assert int(half["numerical_rank"].squeeze()) == 140
    for name in half.data_vars:
        np.testing.assert_array_equal(elsewhere[name], half[name])
        if name in names:
            np.testing.assert_allclose(half[name], single[name], rtol=1e-6)
