"""Trackers as users call them: records, arguments, checkpoints, loggers."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import tracked
from lowcomplex import Tracker, effective_rank, measures, nulls, stable_rank


def test_records_what_the_measures_say() -> None:
    module = tracked.network()
    weights = {name: p.detach().clone() for name, p in module.named_parameters() if p.ndim >= 2}
    tracker = Tracker(module, every=3)
    tracked.train(module, tracker)
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
    tracker = Tracker(tracked.network())
    tracker.step(loss=1.0)
    content = tracker.dataset().to_netcdf(engine="h5netcdf")
    xr.testing.assert_identical(xr.load_dataset(bytes(content), engine="h5netcdf"), tracker.dataset())


def test_does_not_disturb_training() -> None:
    plain, observed = tracked.network(), tracked.network()
    tracked.train(plain, None)
    random_state = torch.get_rng_state()
    tracked.train(observed, Tracker(observed, measures=("effective_rank", "condensed_directions")))
    assert torch.equal(torch.get_rng_state(), random_state)
    for a, b in zip(plain.parameters(), observed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_own_measures_and_quantities() -> None:
    module = tracked.network()
    quantity = xr.DataArray([1.0, 2.0], dims="group", coords={"group": ["a", "b"]})
    tracker = Tracker(
        module,
        measures={"norm": lambda W: W.square().sum((-2, -1)).sqrt(), "stable_rank": lambda W: W[..., 0, 0]},
        layers=("0.*", "2.*"),
        steps=(0, 2),
        quantities={"accuracy": lambda: quantity, "one": lambda: 1.0},
    )
    tracked.train(module, tracker)
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
    tracker = Tracker(tracked.network(), {"norm": forgets}, layers=("2.*", "3.*"))
    with pytest.raises(ValueError, match=rf"measures\['norm'\]: .* \(2,\) for .* got {got}; reduce .*vmap"):
        tracker.step()


def test_one_name_and_the_nulls_of_each_layer_s_shape() -> None:
    tracker = Tracker(tracked.network(), "stable_rank")
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
    own = Tracker(tracked.network(), {"stable_rank": stable_rank})
    own.step()
    assert list(own.dataset()) == ["stable_rank"]


def test_continues_from_its_state_to_the_last_bit() -> None:
    quantities = {
        "counts": lambda: xr.DataArray([1, 2], dims="group", coords={"group": ["a", "b"]}),
        "phase": lambda: xr.DataArray("rich"),
        "grown": lambda: xr.DataArray(np.arange(3.0, dtype=np.float32) / 3, dims="index"),
    }
    module = tracked.network()
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
    clock, logged = tracked.Clock(), {}

    def log(numbers: dict[str, float], *, step: int) -> None:
        logged[step] = numbers
        clock.passes(1.0)

    groups = xr.DataArray([0.25, 0.5], dims="group", coords={"group": ["seen", "new"]})
    quantities = {"accuracy": lambda: groups, "phase": lambda: xr.DataArray("rich")}
    tracker = Tracker(tracked.network(), quantities=quantities, budget=0.1, clock=clock, log=log)
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
    Tracker(tracked.ensemble(2), ("stable_rank",), log=lambda numbers, step: members.update(numbers)).record()
    assert [*members][:2] == [f"lowcomplex/stable_rank/0/layers.{i}.weight" for i in (0, 1)]
    assert len(members) == 6


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
        Tracker(**{"module": tracked.network(), **kwargs})


@pytest.mark.parametrize(
    "scalar", [{"stable_rank": 0.5}, {"layer": 1}, {"loss": None}, {"loss": "x"}, {"loss": torch.ones(2)}]
)
def test_scalars_that_are_refused(scalar: dict) -> None:
    (name,) = scalar
    with pytest.raises(ValueError, match=name):
        Tracker(tracked.network()).step(**scalar)


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
    state = Tracker(tracked.network(), steps=(0, 2)).state_dict()
    with pytest.raises(ValueError, match=message):
        Tracker(
            tracked.network(), **({"steps": (0, 2)} if message[:5] == "other" else {}), **options
        ).load_state_dict(state)


def test_nothing_recorded() -> None:
    with pytest.raises(RuntimeError, match="recorded nothing"):
        Tracker(tracked.network()).dataset()


def test_training_that_was_lost_is_recorded_again() -> None:
    module = tracked.network()
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
