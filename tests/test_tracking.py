import copy
import math

import pytest
import torch
import xarray as xr
from torch import nn

from lowcomplex import Tracker, effective_rank, stable_rank
from lowcomplex.tracking import log_linear_steps


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
    # A measure of the user's under a name of ours is the user's.
    last = module.get_submodule("0").weight
    tracker.record()
    assert float(tracker.dataset()["stable_rank"][-1, 0]) == pytest.approx(last[0, 0].item())


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
        ({"every": 0}, "every"),
    ],
)
def test_bad_arguments(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tracker(_network(), **kwargs)


def test_nothing_recorded() -> None:
    with pytest.raises(RuntimeError, match="recorded nothing"):
        Tracker(_network()).dataset()


def test_a_copy_of_the_network_is_not_followed() -> None:
    module = _network()
    tracker = Tracker(module)
    _train(copy.deepcopy(module), None)
    tracker.record()
    tracker.record()
    assert (tracker.dataset()["effective_rank"].diff("step") == 0).all()
