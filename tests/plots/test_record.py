"""Drawings by `plot_record` of planted records and of a tracker's."""

from __future__ import annotations

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


def test_layers_too_many_to_name_lie_in_groups_of_one_pattern() -> None:
    dataset = _record(200)
    kinds = ("embedding", *(f"blocks.{index // 2}.{'qk'[index % 2]}" for index in range(199)))
    dataset = dataset.assign_coords(layer=list(kinds)).drop_vars("null_effective_rank")
    figure = plots.plot_record(dataset, ["effective_rank"])
    axis = figure.axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["embedding", "blocks.*.q", "blocks.*.k"]
    drawn = np.ma.filled(axis.collections[0].get_array().reshape(200, len(STEPS)), np.nan)
    grouped = [kinds[0], *(k for k in kinds if k.endswith("q")), *(k for k in kinds if k.endswith("k"))]
    np.testing.assert_array_equal(
        drawn, dataset["effective_rank"].sel(layer=grouped).transpose("layer", "step")
    )
    assert 4 < figure.get_figheight() < 12


@pytest.mark.parametrize("given", [True, False])
def test_a_prediction_is_laid_over_lines_and_divides_maps(given: bool) -> None:
    def draw(dataset: xr.Dataset, **laws: xr.DataArray) -> Axes:
        if given:
            return plots.plot_record(dataset, list(laws), predicted=laws).axes[0]
        return plots.plot_record(
            dataset.assign({f"predicted_{n}": v for n, v in laws.items()}), list(laws)
        ).axes[0]

    few, many = _record(3), _record(12)
    axis = draw(few, effective_rank=few["effective_rank"].sum("layer"))
    for layer in few["layer"].values:
        color = _line(axis, layer).get_color()
        (dashed,) = (line for line in axis.lines if (line.get_linestyle(), line.get_color()) == ("--", color))
        np.testing.assert_array_equal(dashed.get_ydata(), few["effective_rank"].sum("layer"))
    law = many["null_effective_rank"] / 3
    axis = draw(many, effective_rank=law)
    np.testing.assert_allclose(
        axis.collections[0].get_array().reshape(12, len(STEPS)),
        (many["effective_rank"] / law).transpose("layer", "step"),
    )


def test_a_map_of_what_random_weights_lack_is_no_ratio() -> None:
    dataset = _record(12).assign(null_effective_rank=("layer", np.zeros(12)))
    axis = plots.plot_record(dataset, ["effective_rank"]).axes[0]
    drawn = axis.collections[0].get_array().reshape(12, len(STEPS))
    np.testing.assert_array_equal(drawn, dataset["effective_rank"].transpose("layer", "step"))


def test_a_tracker_draws_its_record_with_nulls() -> None:
    network = MLP((2, 8, 1))
    with Tracker(network, ("effective_rank",), every=2) as tracker:
        for _ in range(5):
            tracker.step(loss=torch.tensor(1.0))
    dataset = tracker.dataset()
    figure = tracker.plot(predicted={"loss": 0.5})
    assert {axis.get_ylabel() for axis in figure.axes} == {"effective rank", "loss"}
    (axis,) = (axis for axis in figure.axes if axis.get_ylabel() == "effective rank")
    for layer in dataset["layer"].values:
        np.testing.assert_array_equal(
            _line(axis, str(layer)).get_ydata(), dataset["effective_rank"].sel(layer=layer)
        )
    dotted = [line.get_ydata()[0] for line in axis.lines[:-1] if line.get_linestyle() == ":"]
    np.testing.assert_array_equal(dotted, dataset["null_effective_rank"])
    png, shown = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) == 2 * shown["width"]  # sharp on screens of twice the resolution


def test_what_is_not_over_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="'null_effective_rank'"):
        plots.plot_record(_record(2), ["null_effective_rank"])
    with pytest.raises(ValueError, match="'spread'"):
        plots.plot_record(_record(2), ["spread"])
    with pytest.raises(ValueError, match="predicted: expected one of loss, got 'los'; did you mean 'loss'"):
        plots.plot_record(_record(2), ["loss"], predicted={"los": 1.0})
    with pytest.raises(ValueError, match=r"predicted\['loss'\]: .* got the dimensions dim_0"):
        plots.plot_record(_record(2), predicted={"loss": np.ones(6)})
    with pytest.raises(ValueError, match="found none"):
        plots.plot_record(xr.Dataset({"seconds": 1.0}))
