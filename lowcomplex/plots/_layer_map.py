"""A heat map of many layers over the recorded steps, with names that stay legible."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lowcomplex.plots.page import shortened

# Inches: a named row, the lowest row in a group that has one name, and the highest map.
_NAMED = 0.13
_LOWEST = 0.03
_HIGHEST = 14.0
_EACH_NAMED = 60
_MOST_TICKS = 6


@dataclass(frozen=True)
class Rows:
    """How layers lie below each other.

    Attributes:
        order: (layers,) index of the layer in each row.
        edges: (layers + 1,) upper edges of the rows and the lower edge of the last, in inches.
        names: Names at the side.
        places: (names,) where they stand.
        borders: Edges between groups of rows.
    """

    order: NDArray[np.intp]
    edges: NDArray[np.float64]
    names: list[str]
    places: NDArray[np.float64]
    borders: NDArray[np.float64]

    @property
    def height(self) -> float:
        """Height of the map in inches."""
        return min(float(self.edges[-1]), _HIGHEST)


def rows_of(layers: list[str]) -> Rows:
    """Lay out rows: up to 60 layers in their order and each named; more in groups of one pattern.

    Layers whose names differ in their numbers alone form a group, named by the pattern with * for each
    number, and are ordered as they were. Groups stand in the order of their first layers.

    Args:
        layers: Names of the layers.

    Returns:
        The rows. Beyond 14 inches they are drawn closer together, and only every k-th group is named.

    Example:
        >>> rows_of([f"blocks.{block}.{kind}" for block in range(50) for kind in ("query", "key")]).names
        ['blocks.*.query', 'blocks.*.key']
    """
    groups: dict[str, list[int]] = {}
    for index, layer in enumerate(layers):
        key = layer if len(layers) <= _EACH_NAMED else re.sub(r"\d+", "*", layer)
        groups.setdefault(key, []).append(index)
    heights, names = [], []
    for key, members in groups.items():
        heights += [max(_LOWEST, _NAMED / len(members))] * len(members)
        names.append(shortened(key if len(members) > 1 else layers[members[0]]))
    edges = np.concatenate(([0.0], np.cumsum(heights)))
    borders = edges[np.cumsum([0, *map(len, groups.values())])]
    every = max(1, int(np.ceil(_NAMED * len(names) / _HIGHEST)))
    return Rows(
        order=np.concatenate([np.array(members) for members in groups.values()]),
        edges=edges,
        names=names[::every],
        places=((borders[:-1] + borders[1:]) / 2)[::every],
        borders=borders[1:-1] if len(groups) < len(layers) else np.array([]),
    )


def draw_map(
    figure: Figure,
    axis: Axes,
    values: NDArray[np.float64],
    steps: NDArray[np.float64],
    rows: Rows,
    label: str,
    *,
    around_one: bool = False,
) -> None:
    """Draw layers downward, and one column per record to the right; NaN is gray.

    Args:
        figure: The figure, for the scale of colors above the map.
        axis: Where the map is drawn.
        values: (layers, steps).
        steps: (steps,) their numbers.
        rows: How the layers lie.
        label: What the colors mean.
        around_one: Whether 1 is the middle of the scale of colors, for ratios that should be 1.
    """
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    norm: Normalize = Normalize(low, high if high > low else low + 1)
    if around_one:
        norm = CenteredNorm(1.0, max(1 - low, high - 1, 0.01))
    axis.set_facecolor("0.85")
    mesh = axis.pcolormesh(
        np.arange(len(steps) + 1),
        rows.edges,
        values[rows.order],
        cmap="coolwarm" if around_one else "viridis",
        norm=norm,
        rasterized=True,
    )
    axis.hlines(rows.borders, 0, len(steps), color="white", linewidth=0.7)
    at = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _MOST_TICKS)).round().astype(int))
    axis.set_xticks(at + 0.5, [f"{step:g}" for step in steps[at]])
    axis.set_yticks(rows.places, rows.names)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(float(rows.edges[-1]), 0)
    axis.set_xlabel("step")
    figure.colorbar(mesh, ax=axis, label=label, location="top", pad=0.01, aspect=30)
