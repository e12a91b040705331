"""Figures of a tracker's record: curves of few layers over the steps, a heat map of many layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lowcomplex.plots.page import canvas, panel_letters, sequential, shared_legend, style

_NULL_COLOR = "0.45"
_LONGEST_NAME = 34
_MOST_TICKS = 6


@style()
def plot_record(
    dataset: xr.Dataset, quantities: Sequence[str] | None = None, *, most_lines: int = 8
) -> Figure:
    """Draw a record of `lowcomplex.Tracker`, one panel per quantity.

    A quantity of few layers is drawn as one line per layer. If the dataset has a null under the name
    "null_" + quantity, it is dotted in the layer's color. A quantity of many layers is drawn as a heat map of
    layer × step, divided by its null if there is one. Other dimensions, such as an ensemble's member or a
    sweep's seed, are averaged; bands span their range.

    Args:
        dataset: Quantities over `step` and, if they are of layers, `layer`.
        quantities: Names of the quantities; by default every numeric variable over `step` that has no
            dimension besides `step`, `layer` and `member`.
        most_lines: Largest number of layers that are drawn as lines; more layers become a heat map.

    Returns:
        The figure. The axis of steps is logarithmic if most records are early ones.

    Raises:
        ValueError: No quantity is given or found, or one of them is missing or not over `step`.

    Example:
        >>> steps, layers = [0, 1, 2], ["hidden", "output"]
        >>> rank = xr.DataArray([[3.0, 1.0], [2.5, 1.0], [2.0, 1.0]], {"step": steps, "layer": layers})
        >>> figure = plot_record(xr.Dataset({"effective_rank": rank}))
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['hidden', 'output']
    """
    names = _recorded(dataset) if quantities is None else list(quantities)
    if not names:
        raise ValueError("quantities: expected at least one over the dimension step, found none")
    for name in names:
        if name not in dataset or "step" not in dataset[name].dims:
            raise ValueError(f"quantities: expected names of variables over step, got {name!r}")
    layers = dataset.sizes.get("layer", 0)
    mapped = {name for name in names if "layer" in dataset[name].dims and layers > most_lines}
    columns = 1 if mapped else min(2, len(names))
    rows = -(-len(names) // columns)
    heights = [0.9 + (0.13 * layers if name in mapped else 1.5) for name in names[::columns]]
    figure = canvas(rows, columns, height=sum(heights), height_ratios=heights)
    panels = list(figure.axes)
    for axis, name in zip(panels, names, strict=False):
        null = dataset.get(f"null_{name}")
        if name in mapped:
            _draw_map(figure, axis, dataset[name], null)
        else:
            _draw_lines(axis, dataset[name], null)
    for axis in panels[len(names) :]:
        axis.remove()
    if any(axis.get_legend_handles_labels()[1] for axis in figure.axes):
        shared_legend(figure, ncols=3)
    if len(names) > 1:
        panel_letters(panels[: len(names)])
    return figure


def _recorded(dataset: xr.Dataset) -> list[str]:
    """Names of numeric variables over step and at most layer and member; nulls belong to their quantity."""
    return [
        str(name)
        for name, variable in dataset.data_vars.items()
        if "step" in variable.dims
        and set(variable.dims) <= {"step", "layer", "member"}
        and variable.dtype.kind in "fiu"
        and not str(name).startswith("null_")
    ]


def _draw_lines(axis: Axes, values: xr.DataArray, null: xr.DataArray | None) -> None:
    """Draw one line per layer, or one line if the quantity is of the whole network."""
    steps = values["step"].values
    layers = values["layer"].values if "layer" in values.dims else [None]
    colors = sequential(len(layers)) if len(layers) > 1 else [(0.0, 0.0, 0.0)]
    for layer, color in zip(layers, colors, strict=True):
        own = values if layer is None else values.sel(layer=layer)
        others = [dim for dim in own.dims if dim != "step"]
        axis.plot(steps, own.mean(others), color=color, label=None if layer is None else _shortened(layer))
        if others:
            axis.fill_between(steps, own.min(others), own.max(others), color=color, alpha=0.2, linewidth=0)
        if null is not None:
            level = null if "layer" not in null.dims else null.sel(layer=layer)
            axis.axhline(float(level.mean()), color=color, linestyle=":", linewidth=1)
    if null is not None:
        axis.plot([], [], color=_NULL_COLOR, linestyle=":", linewidth=1, label="random weights")
    if len(steps) > 2 and np.median(steps) < steps[-1] / 4:
        axis.set_xscale("symlog", linthresh=max(1, int(steps[1])))
    axis.set_xlabel("step")
    axis.set_ylabel(_in_words(values))


def _draw_map(figure: Figure, axis: Axes, values: xr.DataArray, null: xr.DataArray | None) -> None:
    """Draw layers downward in their order, and one column per record to the right; NaN is gray."""
    others = [dim for dim in values.dims if dim not in ("step", "layer")]
    shown = values.mean(others)
    label = _in_words(values)
    if null is not None:
        shown = shown / null.mean([dim for dim in null.dims if dim != "layer"])
        label += " over that of random weights"
    axis.set_facecolor("0.85")
    mesh = axis.pcolormesh(shown.transpose("layer", "step").values, cmap="cividis")
    steps, layers = values["step"].values, values["layer"].values
    at = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _MOST_TICKS)).round().astype(int))
    axis.set_xticks(at + 0.5, [f"{step:g}" for step in steps[at]])
    axis.set_yticks(np.arange(len(layers)) + 0.5, [_shortened(layer) for layer in layers])
    axis.set_ylim(len(layers), 0)
    axis.set_xlabel("step")
    axis.set_ylabel("layer")
    figure.colorbar(mesh, ax=axis, label=label, pad=0.01)


def _in_words(values: xr.DataArray) -> str:
    return str(values.attrs.get("long_name", values.name)).replace("_", " ")


def _shortened(name: object) -> str:
    """The end of a long name, which tells the matrices of a layer apart."""
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else "…" + text[1 - _LONGEST_NAME :]
