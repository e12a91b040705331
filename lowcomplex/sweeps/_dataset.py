"""A finished sweep as one labeled dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from lowcomplex.sweeps._manifest import read_manifest
from lowcomplex.sweeps._store import Store
from lowcomplex.sweeps._sweep import Sweep


def load(sweep: Sweep, folder: Path | str) -> xr.Dataset:
    """Concatenate the finished cells of a sweep along its dimensions.

    Args:
        sweep: The sweep.
        folder: Where `run` stored its cells.

    Returns:
        One dataset; where cells record different coordinates, the missing values are NaN. Its attributes
        carry the sweep's name and hash, and the versions.

    Raises:
        FileNotFoundError: Cells are missing.
        DamagedCellError: A cell's file is damaged; running the sweep again repairs it.
    """
    positions = [tuple(getattr(c, dimension) for dimension in sweep.dimensions) for c in sweep.configs]
    hashes = [config.hash for config in sweep.configs]
    return _load(sweep.name, sweep.hash, sweep.dimensions, positions, hashes, Path(folder))


def open(name: str, *, folder: Path | str = "results") -> xr.Dataset:
    """Load a finished sweep by its name.

    Args:
        name: "study/sweep", such as "anchor_gamma/quick".
        folder: Where results are written.

    Returns:
        One dataset, as `load` makes it.

    Raises:
        FileNotFoundError: There is no such sweep, or cells are missing.
        DamagedCellError: A cell's file is damaged.
    """
    study, _, sweep_name = name.partition("/")
    path = Path(folder) / study / f"{sweep_name or 'quick'}.json"
    if not path.is_file():
        known = sorted(f"{p.parent.name}/{p.stem}" for p in Path(folder).glob("*/*.json"))
        raise FileNotFoundError(f"{name}: no such sweep in {folder}; there are {known}")
    manifest = read_manifest(path)
    positions = [tuple(cell["fields"][d] for d in manifest["dimensions"]) for cell in manifest["cells"]]
    hashes = [cell["hash"] for cell in manifest["cells"]]
    return _load(manifest["name"], manifest["hash"], manifest["dimensions"], positions, hashes, path.parent)


def _load(
    name: str,
    sweep_hash: str,
    dimensions: Sequence[str],
    positions: Sequence[tuple[Any, ...]],
    hashes: Sequence[str],
    folder: Path,
) -> xr.Dataset:
    store = Store(folder / "cells")
    missing = sum(key not in store for key in hashes)
    if missing:
        raise FileNotFoundError(
            f"{folder}: {missing} of {len(hashes)} cells of {name!r} are not computed yet"
        )
    cells = [store.load(key) for key in hashes]
    # Saved with the first cell's encoding, longer texts of the others would be cut.
    dataset = _concatenate(positions, cells, dimensions).drop_encoding()
    dataset.attrs = {k: v for k, v in cells[0].attrs.items() if k not in ("config", "config_hash")}
    dataset.attrs.update(sweep=name, sweep_hash=sweep_hash)
    return dataset


def _concatenate(
    positions: Sequence[tuple[Any, ...]], cells: Sequence[xr.Dataset], dimensions: Sequence[str]
) -> xr.Dataset:
    """Join the cells along the dimensions; positions without a cell are NaN."""
    if not dimensions:
        return cells[0].copy()
    values = [list(dict.fromkeys(column)) for column in zip(*positions, strict=True)]
    table = dict(zip(reversed(positions), reversed(cells), strict=True))

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
