"""Which of a study's runs a figure shows one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr

from paper_figs.panels.runs import DIMENSION_LABELS

Points = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        point: Its place in the swept fields, the seed apart.
        seed: Its seed.
        values: The numbers of the run.
    """

    point: dict[str, float]
    seed: int
    values: xr.DataArray

    @property
    def label(self) -> str:
        """As in "γ = 0.8, weight decay = 0.01"."""
        words = DIMENSION_LABELS | {"gamma": "γ"}
        return ", ".join(f"{words.get(name, name)} = {value:g}" for name, value in self.point.items())

    @property
    def selection(self) -> dict[str, float]:
        """Its place in a dataset with seeds."""
        return {**self.point, "seed": self.seed}


def runs_near(dataset: xr.Dataset, variable: str, points: Points) -> list[Run]:
    """For each point of the swept fields, the nearest run whose `variable` is finite.

    Args:
        dataset: `variable` over the points' fields and, if every run is kept and not one a point, `seed`.
        variable: The variable to read.
        points: Values of the swept fields, all points of the same ones. A distance is measured in units of
            each field's range; of two runs as near, the one first in the grid is taken.

    Returns:
        The runs in the points' order, none twice.

    Raises:
        ValueError: No points, the variable lacks one of their fields, or no run is finite.
    """
    if not points:
        raise ValueError("points: expected at least one, got none")
    fields = list(points[0])
    array = dataset[variable]
    lacking = [name for name in fields if name not in array.dims]
    if lacking:
        raise ValueError(f"{variable}: expected the dimensions {fields}, lacks {lacking}")
    own = [name for name in array.dims if name not in (*fields, "seed")]
    finite = xr.DataArray(np.isfinite(array)).all(own)
    seeds = array["seed"].values if "seed" in array.dims else dataset["seed"].values[:1]
    if "seed" not in array.dims:
        finite = finite.expand_dims("seed", -1)
    first = finite.transpose(*fields, "seed").values
    grid = list(product(*(array[name].values.astype(float) for name in fields)))
    seed_of = [int(alive.argmax()) if alive.any() else -1 for alive in first.reshape(len(grid), -1)]
    whole = [index for index, seed in enumerate(seed_of) if seed >= 0]
    if not whole:
        raise ValueError(f"{variable}: expected a finite run, every one diverged")
    places = np.array(grid).reshape(len(grid), len(fields))
    spread = np.ptp(places, axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    chosen: dict[int, None] = {}
    for point in points:
        asked = np.array([point[name] for name in fields])
        distance = (np.abs(places[whole] - asked) / unit).sum(1).round(9)
        chosen[whole[int(distance.argmin())]] = None
    runs = []
    for index in chosen:
        place = dict(zip(fields, grid[index], strict=True))
        seed = int(seeds[seed_of[index]])
        values = array.sel(place)
        runs.append(Run(place, seed, values.sel(seed=seed) if "seed" in values.dims else values))
    return runs
