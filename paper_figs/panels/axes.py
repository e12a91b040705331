"""The γ axis of panels, and the variables that a panel asks of its dataset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lowcomplex.plots.page import GAMMA_LABEL


def gamma_ticks(axis: Axes, gammas: NDArray[np.float64], *, most: int = 8) -> None:
    """Name the γ axis and put its ticks where runs are."""
    axis.set_xlabel(GAMMA_LABEL)
    if len(gammas) <= most:
        axis.set_xticks(gammas, [f"{gamma:g}" for gamma in gammas])


def ends(dataset: xr.Dataset) -> tuple[float, ...]:
    """The smallest and the largest γ of a dataset; one γ if it has no other."""
    gammas = np.unique(np.asarray(dataset["gamma"].values, dtype=float))
    return (float(gammas[0]),) if len(gammas) == 1 else (float(gammas[0]), float(gammas[-1]))


def require(dataset: xr.Dataset, variables: Sequence[str], dimensions: Sequence[str]) -> None:
    """Refuse a dataset that lacks what a figure draws.

    Raises:
        ValueError: Variables or dimensions are missing.
    """
    lacking = [name for name in variables if name not in dataset]
    lacking += [name for name in dimensions if name not in dataset.dims]
    if lacking:
        raise ValueError(
            f"dataset: expected the variables {list(variables)} over the dimensions {list(dimensions)}, "
            f"lacks {lacking}"
        )
