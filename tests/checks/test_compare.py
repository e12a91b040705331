from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lowcomplex.checks import compare
from lowcomplex.predictions import deep_linear_modes, gamma_law, linear_stage


def test_broadcasts_by_name() -> None:
    slopes = xr.Dataset(
        {"slope": (("depth", "gamma"), [[2.0, 1.0], [3.0, 1.2]])},
        coords={"gamma": [0.2, 1.4], "depth": [2, 3]},
    )
    result = compare(slopes, gamma_law, measured="slope", tolerance=0.1)
    assert result["predicted"].sel(depth=3, gamma=0.2) == 3
    assert not result["agrees"].sel(depth=3, gamma=1.4)
    assert int(result["agrees"].sum()) == 3
    assert result.attrs["regime"] == "not decided: 'gamma' varies over the record"


def test_times_and_modes() -> None:
    strengths, initial, times = np.array([2.0, 1.0]), np.array([1e-3, 1e-3]), np.linspace(0, 5, 7)
    modes = deep_linear_modes(strengths, initial, times)
    record = xr.Dataset(
        {"strength": (("time", "mode"), modes + np.array([0.0, 0.1]))},
        coords={"time": times},
        attrs={"strengths": strengths, "initial": initial},
    )
    result = compare(record, deep_linear_modes, measured="strength", tolerance=0.05, dims=("time", "mode"))
    assert result["agrees"].all("time").values.tolist() == [True, False]
    with pytest.raises(ValueError, match=r"dims: deep_linear_modes returned shape \(7, 2\)"):
        compare(record, deep_linear_modes, measured="strength", tolerance=0.05, dims=("time",))


def test_one_field_of_several_and_nan_never_agrees() -> None:
    w, a, v = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5, -0.5]), np.array([1.0, 0.0])
    cosine = linear_stage(w, a, v, step=0.1, steps=3).cosine
    record = xr.Dataset({"cosine": ("neuron", [cosine[0], np.nan])})
    given = {"input_weight": w, "output_weight": a, "v": v, "step": 0.1, "steps": 3, "sigma": 1e-6}
    result = compare(
        record,
        linear_stage,
        measured="cosine",
        tolerance=1e-9,
        arguments=given,
        dims=("neuron",),
        field="cosine",
    )
    assert result["agrees"].values.tolist() == [True, False]
    assert result.attrs["regime"].startswith("inside: multiplicity 1")


def test_bad_input() -> None:
    record = xr.Dataset({"slope": ("gamma", [1.0])}, coords={"gamma": [1.4]})
    with pytest.raises(ValueError, match="did you mean 'slope'"):
        compare(record, gamma_law, measured="slop", tolerance=0.1)
    with pytest.raises(ValueError, match="gamma_law needs 'depth'"):
        compare(record, gamma_law, measured="slope", tolerance=0.1)
    with pytest.raises(ValueError, match="tolerance: expected a positive"):
        compare(record, gamma_law, measured="slope", tolerance=0.0, arguments={"depth": 2})
    with pytest.raises(ValueError, match="did you mean 'depth'"):
        compare(record, gamma_law, measured="slope", tolerance=0.1, arguments={"depth": 2, "dept": 3})
