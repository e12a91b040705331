"""Figures of a tracker's record: curves of few layers over the steps, a heat map of many layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from lowcomplex._names import require_known
from lowcomplex.plots._layer_map import draw_map, rows_of
from lowcomplex.plots.page import DOUBLE, Page, panel_letters, sequential, shared_legend, shortened, style

_NULL, _PREDICTED = "null_", "predicted_"
_KEY_COLOR = "0.45"
_LINES_HEIGHT = 2.4
_MAP_FRAME = 1.2


@style()
def plot_record(
    dataset: xr.Dataset,
    quantities: str | Sequence[str] | None = None,
    *,
    predicted: Mapping[str, xr.DataArray | float] | None = None,
    most_lines: int = 8,
) -> Figure:
    """Draw a record of `lowcomplex.Tracker`, one panel per quantity.

    A quantity of few layers is drawn as one line per layer, with its null dotted and its prediction dashed in
    the layer's color. A quantity of many layers is drawn as a heat map of layer × step, divided by its
    prediction or else by its null, if it has one other than zero. Beyond 60 layers, those whose names differ
    in numbers alone form a group of rows under one name.

    Nulls and predictions are variables of the dataset under the names "null_" + quantity, as a tracker
    records them, and "predicted_" + quantity. Other dimensions, such as an ensemble's member or a sweep's
    seed, are averaged; bands span their range.

    Args:
        dataset: Quantities over `step` and, if they are of layers, `layer`.
        quantities: Name or names of the quantities; by default every numeric variable over `step` that has no
            dimension besides `step`, `layer` and `member`.
        predicted: Predictions by the names of their quantities, in place of those of the dataset: a number,
            or values over `step`, `layer` or both. Steps may be others than those of the record.
        most_lines: Largest number of layers that are drawn as lines; more layers become a heat map.

    Returns:
        The figure. The axis of steps is logarithmic if most records are early ones.

    Raises:
        ValueError: No quantity is given or found, one of them is missing or not over `step`, or a prediction
            is of none of them or has other dimensions than step and layer.

    Example:
        >>> steps, layers = [0, 1, 2], ["hidden", "output"]
        >>> rank = xr.DataArray([[3.0, 1.0], [2.5, 1.0], [2.0, 1.0]], {"step": steps, "layer": layers})
        >>> figure = plot_record(xr.Dataset({"effective_rank": rank}))
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['hidden', 'output']
    """
    if isinstance(quantities, str):
        quantities = (quantities,)
    names = _recorded(dataset) if quantities is None else list(quantities)
    if not names:
        raise ValueError("quantities: expected at least one over the dimension step, found none")
    for name in names:
        require_known("quantities", name, [str(n) for n, v in dataset.data_vars.items() if "step" in v.dims])
    laws = _predictions(dataset, names, predicted or {})
    layers = [str(layer) for layer in dataset["layer"].values] if "layer" in dataset.dims else []
    mapped = [name for name in names if "layer" in dataset[name].dims and len(layers) > most_lines]
    rows = rows_of(layers) if mapped else None
    figure, axes = _panels(names, mapped, 0.0 if rows is None else rows.height)
    for name, axis in axes.items():
        null = dataset.get(f"{_NULL}{name}")
        if rows is None or name not in mapped:
            _draw_lines(axis, dataset[name], null, laws.get(name))
            continue
        values, label = _relative(dataset[name], null, laws.get(name))
        draw_map(
            figure,
            axis,
            values.transpose("layer", "step").to_numpy(),
            dataset["step"].to_numpy(),
            rows,
            label,
            around_one=name in laws,
        )
        if not axis.get_subplotspec().is_first_col():  # type: ignore[union-attr]
            axis.tick_params(labelleft=False)
    if any(axis.get_legend_handles_labels()[1] for axis in axes.values()):
        shared_legend(figure, ncols=3)
    if len(names) > 1:
        panel_letters(list(axes.values()))
    return figure


def _recorded(dataset: xr.Dataset) -> list[str]:
    """Names of numeric variables over step and at most layer and member, except nulls and predictions."""
    return [
        str(name)
        for name, variable in dataset.data_vars.items()
        if "step" in variable.dims
        and set(variable.dims) <= {"step", "layer", "member"}
        and variable.dtype.kind in "fiu"
        and not str(name).startswith((_NULL, _PREDICTED))
    ]


def _predictions(
    dataset: xr.Dataset, names: Sequence[str], given: Mapping[str, xr.DataArray | float]
) -> dict[str, xr.DataArray]:
    """The prediction of each quantity that has one."""
    for name in given:
        require_known("predicted", name, names)
    found = {name: dataset[f"{_PREDICTED}{name}"] for name in names if f"{_PREDICTED}{name}" in dataset}
    found |= {name: xr.DataArray(law) for name, law in given.items()}
    for name, law in found.items():
        if not set(law.dims) <= {"step", "layer"}:
            raise ValueError(
                f"predicted[{name!r}]: expected a number or values over step and layer, got the dimensions "
                f"{', '.join(map(str, law.dims))}"
            )
    return found


def _panels(names: Sequence[str], mapped: Sequence[str], height: float) -> tuple[Page, dict[str, Axes]]:
    """One axis per quantity: maps side by side, of one height in inches, then lines, two in a row."""
    lined = [name for name in names if name not in mapped]
    across = 2 if len(mapped) == 4 else min(3, len(mapped))
    deep, low = -(-len(mapped) // max(across, 1)), -(-len(lined) // 2)
    heights = [height + _MAP_FRAME] * deep + [_LINES_HEIGHT] * low
    figure = Page(figsize=(DOUBLE, sum(heights)), layout="constrained")
    grid = GridSpec(deep + low, 1, figure, height_ratios=heights)
    axes = {}
    for first, chosen, columns in ((0, mapped, across), (deep, lined, min(2, len(lined)))):
        for start in range(0, len(chosen), max(columns, 1)):
            row = grid[first + start // columns].subgridspec(1, columns)
            for place, name in enumerate(chosen[start : start + columns]):
                axes[name] = figure.add_subplot(row[place])
    return figure, axes


def _draw_lines(
    axis: Axes, values: xr.DataArray, null: xr.DataArray | None, law: xr.DataArray | None
) -> None:
    """Draw one line per layer, or one line if the quantity is of the whole network."""
    steps = values["step"].values
    layers = values["layer"].values if "layer" in values.dims else [None]
    colors = sequential(len(layers)) if len(layers) > 1 else [(0.0, 0.0, 0.0)]
    for layer, color in zip(layers, colors, strict=True):
        own = _of_layer(values, layer)
        others = [dim for dim in own.dims if dim != "step"]
        axis.plot(
            steps, own.mean(others), color=color, label=None if layer is None else shortened(str(layer))
        )
        if others:
            axis.fill_between(steps, own.min(others), own.max(others), color=color, alpha=0.2, linewidth=0)
        if null is not None:
            level = float(_of_layer(null, layer).mean())
            axis.axhline(level, color=color, linestyle=":", linewidth=1)
        if law is not None and (layer is None or "layer" not in law.dims or layer in law["layer"].values):
            _draw_law(axis, _of_layer(law, layer), color)
    for shown, dash, label in ((null, ":", "random weights"), (law, "--", "predicted")):
        if shown is not None:
            axis.plot([], [], dash, color=_KEY_COLOR, linewidth=1, label=label)
    if len(steps) > 2 and np.median(steps) < steps[-1] / 4:
        axis.set_xscale("symlog", linthresh=max(1, int(steps[1])))
    axis.set_xlabel("step")
    axis.set_ylabel(_in_words(values))


def _draw_law(axis: Axes, law: xr.DataArray, color: tuple[float, float, float]) -> None:
    if "step" in law.dims:
        axis.plot(law["step"], law, color=color, linestyle="--", linewidth=1)
    else:
        axis.axhline(float(law), color=color, linestyle="--", linewidth=1)


def _relative(
    values: xr.DataArray, null: xr.DataArray | None, law: xr.DataArray | None
) -> tuple[xr.DataArray, str]:
    """Values of layers and steps over their prediction or their null, and what that is in words."""
    shown = values.mean([dim for dim in values.dims if dim not in ("step", "layer")])
    label = _in_words(values)
    if law is not None:
        own = {dim: values[dim] for dim in ("step", "layer") if dim in law.dims}
        return shown / law.reindex(own), f"{label}\nover the prediction"
    if null is not None:
        means = null.mean([dim for dim in null.dims if dim != "layer"])
        # Of what random weights do not have at all, such as condensed directions, no ratio is defined.
        if not bool((means == 0).any()):
            return shown / means, f"{label}\nover that of random weights"
    return shown, label


def _of_layer(values: xr.DataArray, layer: object) -> xr.DataArray:
    return values if layer is None or "layer" not in values.dims else values.sel(layer=layer)


def _in_words(values: xr.DataArray) -> str:
    return str(values.attrs.get("long_name", values.name)).replace("_", " ")
