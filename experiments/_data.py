"""Where numbers come from: finished runs, or the datasets that come with the code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import xarray as xr

from experiments._studies import study
from experiments._study import Study
from lowcomplex.sweeps import DamagedCellError

DATA = Path(__file__).parents[1] / "paper_figs" / "data"


class StaleDatasetError(ValueError):
    """A stored dataset belongs to other configs than the study's present ones."""


def load(name: str, preset: str, results: Path, *, data: Path = DATA) -> xr.Dataset:
    """A study's reduced dataset: the finished sweep in `results`, else the committed one.

    Args:
        name: The study.
        preset: Which of its grids to look for in `results`.
        results: Folder of the runs.
        data: Folder of the committed datasets.

    Returns:
        The dataset, in memory; its attribute `origin` states its origin.

    Raises:
        ValueError: An unknown study or preset.
        FileNotFoundError: Neither is there.
        StaleDatasetError: The committed dataset was made by another grid than the study's present one.
    """
    chosen = study(name)
    chosen.sweep(preset)
    try:
        found = chosen.load(preset, results)
    except FileNotFoundError as missing:
        committed = data / f"{name}.nc"
        if not committed.is_file():
            raise FileNotFoundError(
                f"{name}: no finished {preset!r} sweep in {results} and no dataset {committed}; "
                f"run `python -m experiments {name} --preset {preset}`"
            ) from missing
        return _committed(chosen, committed)
    return found.assign_attrs(preset=preset, origin=f"runs of preset {preset} in {results}")


def load_available(
    names: Iterable[str], preset: str, results: Path, *, data: Path = DATA
) -> tuple[dict[str, xr.Dataset], dict[str, str]]:
    """The datasets of those studies that have one.

    Args:
        names: The studies; each is loaded once.
        preset: As for `load`.
        results: As for `load`.
        data: As for `load`.

    Returns:
        Datasets by study, and by study why there is none: missing, stale or damaged.

    Raises:
        ValueError: An unknown study or preset.
    """
    found, reasons = {}, {}
    for name in dict.fromkeys(names):
        try:
            found[name] = load(name, preset, results, data=data)
        except (FileNotFoundError, StaleDatasetError, DamagedCellError) as error:
            reasons[name] = str(error)
    return found, reasons


def _committed(chosen: Study, path: Path) -> xr.Dataset:
    found = xr.load_dataset(path, engine="h5netcdf")
    preset = str(found.attrs.get("preset", "full"))
    expected = chosen.sweep(preset).hash
    if found.attrs.get("sweep_hash") != expected:
        raise StaleDatasetError(
            f"{path}: was made by other configs than the present {preset!r} preset of {chosen.name}; run "
            f"`python -m experiments {chosen.name} --preset {preset} --reduce` to make it anew"
        )
    return found.assign_attrs(origin=f"the committed dataset of preset {preset}")
