"""Values of runs as blocks: along the seeds, which were drawn independently."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from lowcomplex.statistics._arguments import Floats, values_of_runs

Runs = TypeVar("Runs", xr.DataArray, xr.Dataset, NDArray[np.float64])


def length(data: xr.DataArray | xr.Dataset | Floats, over: str) -> int:
    """Number of blocks.

    Raises:
        ValueError: There is no such dimension, or fewer than two blocks.
    """
    if isinstance(data, xr.DataArray | xr.Dataset):
        if over not in data.dims:
            raise ValueError(f"over: expected one of the dimensions {list(data.dims)}, got {over!r}")
        blocks = int(data.sizes[over])
    else:
        blocks = len(data)
    if blocks < 2:
        raise ValueError(f"data: expected two blocks or more along {over!r}, got {blocks}")
    return blocks


def taken(data: Runs, over: str, chosen: NDArray[np.intp]) -> Runs:
    """The chosen blocks, repeated as often as they are chosen."""
    if isinstance(data, xr.DataArray | xr.Dataset):
        return data.isel({over: chosen})
    return data[chosen]


def by_arm(data: xr.DataArray | Floats, over: str) -> tuple[xr.DataArray | Floats, Floats, list[Any]]:
    """Data as (seed, arm), their values, and the arms' labels.

    Raises:
        ValueError: Other than two dimensions, fewer than two seeds, or a value that is not finite.
    """
    length(data, over)
    ordered = data.transpose(over, ...) if isinstance(data, xr.DataArray) else np.asarray(data, dtype=float)
    values = np.asarray(ordered, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"data: expected (seed, arm) values, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("data: expected finite values; leave out seeds without one, and report how many")
    labels: list[Any] = list(range(values.shape[1]))
    if isinstance(ordered, xr.DataArray) and ordered.dims[1] in ordered.coords:
        labels = ordered[ordered.dims[1]].values.tolist()
    return ordered, values, labels


def paired(first: ArrayLike, second: ArrayLike, over: str = "seed") -> tuple[Floats, Floats]:
    """(blocks,) values of two arms, block by block.

    Labeled arrays are brought into one order by their coordinates.

    Raises:
        ValueError: The arms have other blocks, a dimension besides them, or a value that is not finite.
    """
    if isinstance(first, xr.DataArray) and isinstance(second, xr.DataArray):
        for name, arm in (("first", first), ("second", second)):
            if arm.dims != (over,):
                raise ValueError(f"{name}: expected the dimension {over!r} alone, got {arm.dims}")
        if over in first.coords and over in second.coords:
            alone = sorted(set(first[over].values.tolist()) ^ set(second[over].values.tolist()))
            if alone:
                raise ValueError(f"second: expected the blocks of first, but one arm alone has {alone}")
            second = second.sel({over: first[over]})
    return block_values(first, "first"), block_values(second, "second", like=np.asarray(first))


def block_values(values: ArrayLike, name: str, like: NDArray[np.float64] | None = None) -> Floats:
    """(blocks,) finite values, two or more of them."""
    found = values_of_runs(values, name, least=2)
    if like is not None and found.shape != like.shape:
        raise ValueError(f"{name}: expected {len(like)} values, one per block of first, got {len(found)}")
    return found
