"""Drawings by `plot_sweep` of planted sweeps."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes

from lowcomplex import plots

GAMMAS, DEPTHS, SEEDS = [0.4, 0.6, 0.9], [2, 3], [0, 1, 2, 3]


@pytest.fixture
def dataset() -> xr.Dataset:
    rng = np.random.default_rng(0)
    coords = {"gamma": GAMMAS, "depth": DEPTHS, "seed": SEEDS, "step": [0, 10], "layer": ["in", "out"]}
    shape = [len(values) for values in coords.values()]
    return xr.Dataset(
        {
            "effective_rank": xr.DataArray(rng.uniform(1, 9, shape), coords),
            "loss": xr.DataArray(rng.uniform(0, 1, shape[:3]), dict(list(coords.items())[:3])),
        }
    )


def _lines(axis: Axes) -> dict[str, np.ndarray]:
    return {
        str(line.get_label()): np.asarray(line.get_ydata())
        for line in axis.lines
        if not str(line.get_label()).startswith("_")
    }


def test_lines_are_means_bands_ranges_and_marks_runs(dataset: xr.Dataset) -> None:
    axis = plots.plot_sweep(dataset, "loss", color="depth").axes[0]
    drawn = _lines(axis)
    assert list(drawn) == ["2", "3"]
    for index, depth in enumerate(DEPTHS):
        own = dataset["loss"].sel(depth=depth)
        np.testing.assert_allclose(drawn[str(depth)], own.mean("seed"))
        marks = [line for line in axis.lines if line.get_markersize() == 2]
        runs = np.array([line.get_ydata() for line in marks[index * len(SEEDS) : (index + 1) * len(SEEDS)]])
        np.testing.assert_array_equal(runs, own.transpose("seed", "gamma"))
        band = axis.collections[index].get_paths()[0].get_extents()
        assert (band.y0, band.y1) == pytest.approx((float(own.min()), float(own.max())))
    assert axis.get_xlabel() == "initialization rate γ"
    assert axis.get_ylabel() == "loss"


def test_the_last_record_is_drawn_one_panel_per_layer(dataset: xr.Dataset) -> None:
    dataset["effective_rank"][0, 0, 0] = np.nan
    figure = plots.plot_sweep(dataset, "effective_rank", color="depth", panel="layer")
    assert [axis.get_title() for axis in figure.axes] == ["layer: in", "layer: out"]
    for axis, layer in zip(figure.axes, ("in", "out"), strict=True):
        last = dataset["effective_rank"].sel(step=10, layer=layer)
        for depth in DEPTHS:
            np.testing.assert_allclose(_lines(axis)[str(depth)], last.sel(depth=depth).mean("seed"))
    figure.savefig(io.BytesIO(), format="png")


def test_texts_stand_in_their_order(dataset: xr.Dataset) -> None:
    named = dataset.assign_coords(gamma=["small", "usual", "large"])
    axis = plots.plot_sweep(named.sel(depth=2), "loss").axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["small", "usual", "large"]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), dataset["loss"].sel(depth=2).mean("seed"))


def test_a_dimension_too_many_is_named(dataset: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"also over \['depth'\]"):
        plots.plot_sweep(dataset, "loss")
    with pytest.raises(ValueError, match=r"lacks \['width'\]"):
        plots.plot_sweep(dataset, "loss", color="width")
    with pytest.raises(ValueError, match="got 'los'"):
        plots.plot_sweep(dataset, "los")
    both = plots.plot_sweep(dataset, "loss", spread=("seed", "depth")).axes[0]
    np.testing.assert_allclose(both.lines[0].get_ydata(), dataset["loss"].mean(["seed", "depth"]))
