"""Drawings by `plot_record` of planted records and of a tracker's."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lowcomplex import Tracker, plots
from lowcomplex.networks import MLP

STEPS = [0, 1, 2, 4, 8, 100]


def _record(layers: int, members: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(0)
    coords = {"step": STEPS, "layer": [f"layer {index}" for index in range(layers)]}
    shape = [len(STEPS), layers]
    if members:
        coords["member"], shape = list(range(members)), [*shape, members]
    rank = xr.DataArray(rng.uniform(1, 9, shape), coords)
    loss = xr.DataArray(rng.uniform(0, 1, len(STEPS)), {"step": STEPS})
    null = xr.DataArray(10.0 + np.arange(layers), {"layer": coords["layer"]})
    return xr.Dataset({"effective_rank": rank, "loss": loss, "null_effective_rank": null})


def _line(axis: Axes, label: str) -> Line2D:
    (found,) = (line for line in axis.lines if line.get_label() == label)
    return found


def test_lines_are_the_recorded_numbers_and_nulls_are_dotted() -> None:
    dataset = _record(3)
    rank, loss = plots.plot_record(dataset).axes
    for index, layer in enumerate(dataset["layer"].values):
        line = _line(rank, layer)
        np.testing.assert_array_equal(line.get_xdata(), STEPS)
        np.testing.assert_array_equal(line.get_ydata(), dataset["effective_rank"].sel(layer=layer))
        dotted = [
            other.get_ydata()[0]
            for other in rank.lines
            if other.get_linestyle() == ":" and other.get_color() == line.get_color()
        ]
        assert dotted == [10.0 + index]
    assert rank.get_ylabel() == "effective rank"
    (line,) = loss.lines
    np.testing.assert_array_equal(line.get_ydata(), dataset["loss"])
    assert rank.get_xscale() == "symlog"


def test_members_are_averaged_and_their_range_is_a_band() -> None:
    dataset = _record(2, members=3)
    axis = plots.plot_record(dataset, ["effective_rank"]).axes[0]
    values = dataset["effective_rank"].sel(layer="layer 1")
    np.testing.assert_allclose(_line(axis, "layer 1").get_ydata(), values.mean("member"))
    band = axis.collections[1].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == pytest.approx((float(values.min()), float(values.max())))


def test_many_layers_are_a_map_over_their_null() -> None:
    dataset = _record(12)
    dataset["effective_rank"][2, 3] = np.nan
    axis = plots.plot_record(dataset, ["effective_rank"]).axes[0]
    drawn = np.ma.filled(axis.collections[0].get_array().reshape(12, len(STEPS)), np.nan)
    expected = dataset["effective_rank"] / dataset["null_effective_rank"]
    np.testing.assert_array_equal(drawn, expected.transpose("layer", "step"))
    assert [tick.get_text() for tick in axis.get_xticklabels()] == [str(step) for step in STEPS]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == list(dataset["layer"].values)
    plain = plots.plot_record(dataset.drop_vars("null_effective_rank"), ["effective_rank"]).axes[0]
    np.testing.assert_array_equal(
        np.ma.filled(plain.collections[0].get_array().reshape(12, len(STEPS)), np.nan),
        dataset["effective_rank"].transpose("layer", "step"),
    )


def test_a_tracker_s_record_is_drawn_as_it_is() -> None:
    network = MLP((2, 8, 1))
    with Tracker(network, ("effective_rank",), every=2) as tracker:
        for _ in range(5):
            tracker.step(loss=torch.tensor(1.0))
    dataset = tracker.dataset()
    figure = plots.plot_record(dataset)
    assert {axis.get_ylabel() for axis in figure.axes} == {"effective rank", "loss"}
    (axis,) = (axis for axis in figure.axes if axis.get_ylabel() == "effective rank")
    for layer in dataset["layer"].values:
        np.testing.assert_array_equal(
            _line(axis, str(layer)).get_ydata(), dataset["effective_rank"].sel(layer=layer)
        )
    figure.savefig(io.BytesIO(), format="png")


def test_what_is_not_over_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="'null_effective_rank'"):
        plots.plot_record(_record(2), ["null_effective_rank"])
    with pytest.raises(ValueError, match="'spread'"):
        plots.plot_record(_record(2), ["spread"])
    with pytest.raises(ValueError, match="found none"):
        plots.plot_record(xr.Dataset({"seconds": 1.0}))
