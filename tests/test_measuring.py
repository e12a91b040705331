"""What a tracker measures at a step, of one network and of the members of an ensemble."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import tracked
from lowcomplex import Tracker, measures


def test_measures_all_members_of_an_ensemble() -> None:
    names = ("effective_rank", "condensed_directions", "mean_cosine")
    ensemble = tracked.ensemble()
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
    Tracker(tracked.ensemble(5), ("effective_rank", "stable_rank")).record()
    assert sorted(batches) == [(5, 6, 4), (10, 6, 6)]


def test_a_diverged_member_is_recorded_as_nan() -> None:
    ensemble = tracked.ensemble()
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


def test_divergence_is_recorded_as_nan() -> None:
    module = tracked.network()
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
