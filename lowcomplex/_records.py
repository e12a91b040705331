"""Records as netCDF in a tensor of bytes: what a checkpoint may hold without pickled code."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import xarray as xr


def encode(record: xr.Dataset) -> Tensor:
    """Write a dataset to bytes.

    Args:
        record: Variables of numbers, booleans, times or text.

    Returns:
        (bytes,) unsigned 8-bit integers, from which `decode` makes the dataset to the last bit; text comes
        back with a fixed width.

    Raises:
        ValueError: A variable or attribute holds what netCDF cannot.

    Example:
        >>> import xarray as xr
        >>> record = xr.Dataset({"phase": ("layer", ["rich"]), "loss": 0.1})
        >>> decode(encode(record)).identical(record)
        True
    """
    try:
        content = record.to_netcdf(engine="h5netcdf")
    except (TypeError, ValueError) as error:
        raise ValueError(f"a record holds what netCDF cannot: {error}") from error
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def decode(content: Tensor) -> xr.Dataset:
    """Undo `encode`."""
    import xarray as xr

    dataset = xr.load_dataset(io.BytesIO(content.numpy().tobytes()), engine="h5netcdf")
    # How the values were written must not decide how later ones are.
    return dataset.drop_encoding()
