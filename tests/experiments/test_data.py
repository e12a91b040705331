from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from experiments import study
from experiments._data import StaleDatasetError, load, load_available

NAME = "anchor_gamma"


def _commit(folder: Path, **attributes: str) -> None:
    xr.Dataset({"x": ("seed", [1.0, 2.0])}, attrs=attributes).to_netcdf(
        folder / f"{NAME}.nc", engine="h5netcdf"
    )


def test_the_committed_dataset_stands_in_for_missing_runs(tmp_path: Path) -> None:
    _commit(tmp_path, preset="full", sweep_hash=study(NAME).sweep("full").hash)
    found = load(NAME, "quick", tmp_path / "results", data=tmp_path)
    assert found["x"].values.tolist() == [1.0, 2.0]
    assert found.attrs["origin"] == "the committed dataset of preset full"
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("attributes", [{"preset": "full", "sweep_hash": "0" * 64}, {"preset": "full"}, {}])
def test_a_stale_dataset_is_refused(tmp_path: Path, attributes: dict[str, str]) -> None:
    _commit(tmp_path, **attributes)
    with pytest.raises(StaleDatasetError, match="--reduce"):
        load(NAME, "quick", tmp_path / "results", data=tmp_path)


def test_without_any_dataset_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m experiments anchor_gamma --preset quick"):
        load(NAME, "quick", tmp_path, data=tmp_path)


def test_an_unknown_preset_is_refused_before_looking(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        load(NAME, "quik", tmp_path, data=tmp_path)


def test_what_there_is_of_several_studies(tmp_path: Path) -> None:
    _commit(tmp_path, preset="full", sweep_hash=study(NAME).sweep("full").hash)
    found, reasons = load_available((NAME, "gamma_axis", NAME), "full", tmp_path / "runs", data=tmp_path)
    assert list(found) == [NAME]
    assert "no finished 'full' sweep" in reasons["gamma_axis"]
    _commit(tmp_path, preset="full", sweep_hash="0" * 64)
    found, reasons = load_available((NAME,), "full", tmp_path / "runs", data=tmp_path)
    assert not found
    assert "made by other configs" in reasons[NAME]
