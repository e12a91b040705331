"""What was recorded: step after step in memory, and as netCDF in bytes that a checkpoint can hold."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    import xarray as xr


class Log(Protocol):
    """Takes numbers by name and the step to which they belong."""

    def __call__(self, numbers: dict[str, float], /, *, step: int) -> object:
        """Log the numbers."""


class Records:
    """Datasets along the dimension `step`, in the order of their steps."""

    def __init__(self) -> None:
        # Neighbors are joined when the whole is requested, and stay joined: the next time costs less.
        self._blocks: list[xr.Dataset] = []

    def __bool__(self) -> bool:
        return bool(self._blocks)

    @property
    def count(self) -> int:
        """Number of recorded steps."""
        return sum(block.sizes["step"] for block in self._blocks)

    @property
    def last(self) -> int:
        """The last recorded step; -1 if there is none."""
        return int(self._blocks[-1]["step"][-1]) if self._blocks else -1

    def add(self, record: xr.Dataset) -> None:
        """Append the record of one step, in place of what was recorded from this step on."""
        self.drop(int(record["step"][0]))
        self._blocks.append(record)

    def drop(self, start: int) -> None:
        """Drop the records from a step on."""
        while self.last >= start:
            block = self._blocks.pop()
            earlier = int((block["step"] < start).sum())
            if earlier:
                self._blocks.append(block.isel(step=slice(earlier)))

    def joined(self) -> xr.Dataset:
        """All records as one dataset; what was recorded at only some of the steps is NaN at the others."""
        import xarray as xr

        if len(self._blocks) > 1:
            self._blocks = [
                xr.concat(self._blocks, dim="step", join="outer", coords="different", compat="equals")
            ]
        return self._blocks[0].copy()

    def replace(self, records: xr.Dataset | None) -> None:
        """Hold these records instead."""
        self._blocks = [] if records is None else [records]


def one_step(
    step: int,
    values: Mapping[str, Tensor],
    quantities: Mapping[str, Any],
    scalars: Mapping[str, float | Tensor],
    layers: Sequence[str],
    members: int | None,
) -> xr.Dataset:
    """The record of one step.

    Args:
        step: Its number.
        values: (layers,) values of each measure, or (members, layers).
        quantities: Numbers and labeled arrays by name.
        scalars: Numbers by name, or (members,) tensors.
        layers: Names of the layers.
        members: Number of members of an ensemble; None for one network.

    Raises:
        ValueError: A scalar is None, or not one number.
    """
    import xarray as xr

    dims = "layer" if members is None else ("member", "layer")
    variables: dict[str, Any] = {name: (dims, value.numpy()) for name, value in values.items()}
    variables.update(quantities)
    for name, value in scalars.items():
        if value is None:
            raise ValueError(f"{name}: expected a number, got None; leave it out where there is none")
        number = value.detach().cpu() if isinstance(value, Tensor) else value
        if members is not None and isinstance(number, Tensor) and number.ndim == 1:
            variables[name] = ("member", number.double().numpy())
            continue
        try:
            variables[name] = float(number)
        except (TypeError, ValueError, RuntimeError) as error:
            got = f"a tensor of shape {tuple(number.shape)}" if isinstance(number, Tensor) else repr(number)
            raise ValueError(f"{name}: expected one number, got {got}") from error
    coords: dict[str, Any] = {"layer": list(layers)}
    if members is not None:
        coords["member"] = range(members)
    return xr.Dataset(variables, coords=coords).expand_dims(step=[step])


def numbers(record: xr.Dataset, names: Iterable[str]) -> dict[str, float]:
    """The numbers of one step under names for a logger, such as `lowcomplex/stable_rank/LAYER`.

    Args:
        record: One step.
        names: The variables to return; what is no number is left out.

    Returns:
        Value by name: after the variable's own name, the labels along its dimensions.
    """
    found = {}
    for name in names:
        variable = record[name].squeeze("step", drop=True)
        if variable.dtype.kind not in "biuf":
            continue
        labels = [variable[dim].values.tolist() for dim in variable.dims]
        for place, value in zip(itertools.product(*labels), variable.values.ravel().tolist(), strict=True):
            found["/".join(("lowcomplex", name, *map(str, place)))] = float(value)
    return found


def encode(
    record: xr.Dataset,
    *,
    unlimited: str | None = None,
    chunks: Mapping[Any, tuple[int, ...]] | None = None,
) -> Tensor:
    """Write a dataset as netCDF to a tensor of bytes.

    Args:
        record: Variables of numbers, booleans, times or text.
        unlimited: A dimension along which the file may be extended.
        chunks: Shape of the pieces in which each variable along that dimension is stored, by its name.

    Returns:
        (bytes,) unsigned 8-bit integers. `decode` returns the dataset from them to the last bit; its text has
        a fixed width.

    Raises:
        ValueError: A variable or an attribute is of a type that netCDF lacks.

    Example:
        >>> import xarray as xr
        >>> record = xr.Dataset({"phase": ("layer", ["rich"]), "loss": 0.1})
        >>> decode(encode(record)).identical(record)
        True
    """
    for name in (*record.variables, *record.dims):
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"a record holds what netCDF cannot: a variable of the name {name!r}")
    try:
        content = record.to_netcdf(
            engine="h5netcdf",
            unlimited_dims=[] if unlimited is None else [unlimited],
            encoding={name: {"chunksizes": shape} for name, shape in (chunks or {}).items()},
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"a record holds what netCDF cannot: {error}") from error
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def decode(content: Tensor) -> xr.Dataset:
    """Read a dataset from the bytes that `encode` returns."""
    import xarray as xr

    dataset = xr.load_dataset(io.BytesIO(content.numpy().tobytes()), engine="h5netcdf")
    # The encoding of these values must not decide how later ones are written.
    return dataset.drop_encoding()


def require_same(source: str, own: Mapping[str, list[str]], found: Mapping[str, Any]) -> None:
    """Refuse records of other measures, layers or quantities.

    Args:
        source: What the error message names first.
        own: The names that are recorded, by kind.
        found: The names that were recorded, by kind.

    Raises:
        ValueError: They differ.
    """
    for kind, names in own.items():
        if found[kind] != names:
            raise ValueError(f"{source} of a tracker of other {kind}: {', '.join(map(str, found[kind]))}")
