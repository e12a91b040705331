"""A finished sweep as one labeled dataset."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from lowcomplex.sweeps._failures import end_of_failure
from lowcomplex.sweeps._manifest import read_manifest
from lowcomplex.sweeps._origin import CONFIG, MEASURE, SOURCE
from lowcomplex.sweeps._store import Store
from lowcomplex.sweeps._sweep import Sweep, labels, require_same_origin

_OF_ONE_CELL = ("config", "config_hash", MEASURE, SOURCE, CONFIG)


def load(sweep: Sweep, folder: Path | str, *, partial: bool = False) -> xr.Dataset:
    """Concatenate the finished cells of a sweep along its dimensions.

    Args:
        sweep: The sweep.
        folder: Where `run` stored its cells.
        partial: Load the cells that are finished; the values of the others are NaN. A warning says how many
            failed and how many are missing, the attributes `failed` and `missing` say which.

    Returns:
        One dataset in memory; where cells record different coordinates, the missing values are NaN. Its
        attributes carry the sweep's name and hash, and the versions.

    Raises:
        FileNotFoundError: Cells are missing; or all of them, if `partial`.
        DamagedCellError: A cell's file is damaged; running the sweep again repairs it.
        ValueError: Another measure computed a cell.
        StorageError: A cell's file cannot be read.
    """
    positions = [labels(config.content()["fields"], sweep.dimensions) for config in sweep.configs]
    hashes = [config.hash for config in sweep.configs]
    parts = _read(sweep.name, hashes, Path(folder), partial)
    for config in sweep.configs:
        if config.hash in parts:
            require_same_origin(sweep, config, parts[config.hash].attrs)
    dataset = _join(sweep.name, sweep.hash, sweep.dimensions, positions, [parts.get(key) for key in hashes])
    return _with_absent(dataset, sweep.dimensions, dict(zip(hashes, positions, strict=True)), parts, folder)


def open(name: str, *, folder: Path | str = "results", partial: bool = False) -> xr.Dataset:
    """Load a finished sweep by its name.

    Args:
        name: "study/sweep", such as "anchor_gamma/quick".
        folder: Where results are written.
        partial: As for `load`.

    Returns:
        One dataset, as `load` makes it.

    Raises:
        FileNotFoundError: There is no such sweep, or cells are missing.
        DamagedCellError: A cell's file is damaged.
        ValueError: The sweep's manifest is damaged.
        StorageError: A cell's file cannot be read.
    """
    study, _, sweep_name = name.partition("/")
    path = Path(folder) / study / f"{sweep_name or 'quick'}.json"
    if not path.is_file():
        known = sorted(f"{p.parent.name}/{p.stem}" for p in Path(folder).glob("*/*.json"))
        raise FileNotFoundError(f"{name}: no such sweep in {folder}; there are {known}")
    manifest = read_manifest(path)
    positions = [labels(cell.fields, manifest.dimensions) for cell in manifest.cells]
    hashes = [cell.hash for cell in manifest.cells]
    parts = _read(manifest.name, hashes, path.parent, partial)
    cells = [parts.get(key) for key in hashes]
    dataset = _join(manifest.name, manifest.hash, manifest.dimensions, positions, cells)
    places = dict(zip(hashes, positions, strict=True))
    return _with_absent(dataset, manifest.dimensions, places, parts, path.parent)


def _read(name: str, hashes: Sequence[str], folder: Path, partial: bool) -> dict[str, xr.Dataset]:
    """The cells that are finished, by their hashes."""
    store = Store(folder / "cells")
    finished = [key for key in hashes if key in store]
    missing = len(hashes) - len(finished)
    if not finished or (missing and not partial):
        damage = f"; {store.unreadable} lines of their index are damaged" if store.unreadable else ""
        raise FileNotFoundError(
            f"{folder}: {missing} of {len(hashes)} cells of {name!r} are not computed yet{damage}"
        )
    return {key: store.load(key) for key in finished}


def _join(
    name: str,
    sweep_hash: str,
    dimensions: Sequence[str],
    positions: Sequence[tuple[Any, ...]],
    cells: Sequence[xr.Dataset | None],
) -> xr.Dataset:
    first = next(cell for cell in cells if cell is not None)
    # Saved with the first cell's encoding, longer texts of the others would be cut.
    dataset = _concatenate(positions, cells, dimensions).drop_encoding()
    dataset.attrs = {k: v for k, v in first.attrs.items() if k not in _OF_ONE_CELL}
    dataset.attrs.update(sweep=name, sweep_hash=sweep_hash)
    return dataset


def _with_absent(
    dataset: xr.Dataset,
    dimensions: Sequence[str],
    positions: Mapping[str, tuple[Any, ...]],
    finished: Mapping[str, xr.Dataset],
    folder: Path | str,
) -> xr.Dataset:
    """Say which cells a dataset lacks, one a line, and warn of them."""
    failed, missing = [], []
    for key in positions.keys() - finished.keys():
        at = ", ".join(f"{name} = {value}" for name, value in zip(dimensions, positions[key], strict=True))
        failure = end_of_failure(Path(folder), key)
        if failure is None:
            missing.append(at)
        else:
            failed.append(f"{at}: {failure}")
    if not failed and not missing:
        return dataset
    warnings.warn(
        f"{len(failed) + len(missing)} of {len(positions)} cells are NaN: {len(failed)} failed and "
        f"{len(missing)} are missing; the attributes `failed` and `missing` say which",
        stacklevel=3,
    )
    return dataset.assign_attrs(failed="\n".join(sorted(failed)), missing="\n".join(sorted(missing)))


def _concatenate(
    positions: Sequence[tuple[Any, ...]], cells: Sequence[xr.Dataset | None], dimensions: Sequence[str]
) -> xr.Dataset:
    """Join the cells along the dimensions; positions without a cell are NaN."""
    if not dimensions:
        (cell,) = (cell for cell in cells if cell is not None)
        return cell.copy()
    values = [list(dict.fromkeys(column)) for column in zip(*positions, strict=True)]
    table = {at: cell for at, cell in zip(positions, cells, strict=True) if cell is not None}

    def nested(at: tuple[Any, ...], columns: list[list[Any]]) -> Any:
        if not columns:
            return table.get(at, xr.Dataset())
        return [nested((value, *at), columns[:-1]) for value in columns[-1]]

    # The outermost list is combined first, and what is combined last comes first among the dimensions.
    joined: xr.Dataset = xr.combine_nested(
        nested((), values),
        concat_dim=list(reversed(dimensions)),
        data_vars="all",
        coords="minimal",
        compat="override",
        join="outer",
        combine_attrs="override",
    )
    return joined.assign_coords(dict(zip(dimensions, values, strict=True)))
