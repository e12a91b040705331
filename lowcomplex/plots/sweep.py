"""A quantity of a sweep over the fields that were swept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lowcomplex.plots.page import (
    GAMMA_LABEL,
    MARKERS,
    canvas,
    categorical,
    panel_letters,
    sequential,
    shared_legend,
    style,
)


@style()
def plot_sweep(
    dataset: xr.Dataset,
    quantity: str,
    x: str = "gamma",
    *,
    color: str | None = None,
    panel: str | None = None,
    spread: Sequence[str] = ("seed",),
) -> Figure:
    """Draw a quantity of the dataset that `lowcomplex.sweeps.load` returns, over swept fields.

    Lines are means over the dimensions of `spread`, bands their range, small marks the runs. If the quantity
    was recorded over `step`, its last record is drawn. NaN, such as that of a diverged run, is left out.

    Args:
        dataset: The quantity over `x`, `color`, `panel`, `spread`, and `step` if it was recorded over time.
        quantity: Name of the quantity.
        x: The dimension on the horizontal axis: numbers, or texts in their order.
        color: The dimension that has one color and marker per value, if any.
        panel: The dimension that has one panel per value, if any: a swept field, or `layer`.
        spread: Dimensions over which runs are repetitions of each other.

    Returns:
        The figure.

    Raises:
        ValueError: The quantity is not in the dataset, lacks one of these dimensions, or has another one.
            Select one value of the other dimension first, or name it as `color`, `panel` or `spread`.

    Example:
        >>> rank = xr.DataArray([[8.0, 6.0], [2.0, 4.0]], {"gamma": [0.5, 1.0], "seed": [0, 1]})
        >>> figure = plot_sweep(xr.Dataset({"effective_rank": rank}), "effective_rank")
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [7.0, 3.0]
    """
    values = _asked(dataset, quantity, x, (color, panel), spread)
    cells = [None] if panel is None else list(values[panel].values)
    columns = min(3, len(cells))
    rows = -(-len(cells) // columns)
    figure = canvas(rows, columns, height=0.5 + 2.0 * rows, sharex=True, sharey=True)
    panels = list(figure.axes)
    for axis, cell in zip(panels, cells, strict=False):
        _draw(axis, values if cell is None else values.sel({panel: cell}), x, color)
        if panel is not None:
            axis.set_title(f"{_in_words(panel)}: {_named(cell)}")
    for axis in panels[len(cells) :]:
        axis.remove()
    for axis in panels[max(0, len(cells) - columns) : len(cells)]:
        axis.set_xlabel(_in_words(x))
        axis.tick_params(labelbottom=True)
    for axis in panels[: len(cells) : columns]:
        axis.set_ylabel(_in_words(values.attrs.get("long_name", quantity)))
    if color is not None:
        shared_legend(figure, title=_in_words(color))
    if len(cells) > 1:
        panel_letters(panels[: len(cells)])
    return figure


def _asked(
    dataset: xr.Dataset, quantity: str, x: str, split: Sequence[str | None], spread: Sequence[str]
) -> xr.DataArray:
    """Return the quantity over (split, x, repetition); its last record if it was recorded in time."""
    if quantity not in dataset:
        raise ValueError(f"quantity: expected a variable of the dataset, got {quantity!r}")
    values = dataset[quantity]
    fields = [x, *(name for name in split if name is not None)]
    lacking = [name for name in fields if name not in values.dims]
    if lacking:
        raise ValueError(f"{quantity}: expected the dimensions {fields}, lacks {lacking}")
    if "step" in values.dims and "step" not in fields:
        values = values.isel(step=-1)
    repeated = [name for name in spread if name in values.dims and name not in fields]
    others = [str(name) for name in values.dims if name not in (*fields, *repeated)]
    if others:
        raise ValueError(
            f"{quantity}: is also over {others}; select one value of each, or name them as color, panel or "
            "spread"
        )
    return values.stack(repetition=repeated) if repeated else values.expand_dims(repetition=1)


def _draw(axis: Axes, values: xr.DataArray, x: str, color: str | None) -> None:
    """Draw one line per value of `color`."""
    places = values[x].values
    is_text = not np.issubdtype(places.dtype, np.number)
    at = np.arange(len(places)) if is_text else places
    keys: list[Any] = [None] if color is None else list(values[color].values)
    ordered = color is not None and np.issubdtype(values[color].dtype, np.number)
    shades = sequential(len(keys)) if ordered else categorical(len(keys))
    for index, (key, shade) in enumerate(zip(keys, shades, strict=True)):
        own = (values if key is None else values.sel({color: key})).transpose(x, "repetition")
        mean, low, high = own.mean("repetition"), own.min("repetition"), own.max("repetition")
        marker = MARKERS[index % len(MARKERS)]
        axis.plot(at, mean, marker=marker, color=shade, label=None if key is None else _named(key))
        axis.fill_between(at, low, high, color=shade, alpha=0.15, linewidth=0)
        axis.plot(at, own, marker, color=shade, markersize=2, alpha=0.7)
    if is_text or len(places) <= 8:
        axis.set_xticks(at, [_named(place) for place in places])


def _in_words(name: str) -> str:
    return GAMMA_LABEL if name == "gamma" else name.replace("_", " ")


def _named(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"
