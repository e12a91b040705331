"""Slopes of the relative displacement: those of the law, where trainings converge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import tiny
from experiments import study
from experiments.gamma_law.findings import findings, slopes
from experiments.gamma_law.schema import GAMMAS


def test_the_law_of_gamma_is_found_at_tiny_size(tmp_path: Path) -> None:
    small = replace(study("gamma_axis"), presets={"tiny": tiny.grid("gamma_axis") | {"width": 48}})
    small.run("tiny", tmp_path, workers=0)
    found = slopes(small.load("tiny", tmp_path))["slope"].squeeze("depth")
    assert float(found.sel(arm="lazy")) == pytest.approx(2, abs=0.3)
    assert float(found.sel(arm="rich")) == pytest.approx(1, abs=0.1)


def test_runs_that_did_not_converge_leave_the_slopes_alone() -> None:
    gammas = np.array(GAMMAS)
    displacement = np.exp(np.where(gammas < 0.5, 2 * gammas, gammas + 0.5) * np.log(10.0))
    converged = np.ones((1, len(gammas), 2), dtype=bool)
    converged[0, -1, 1] = False
    values = np.repeat(displacement[None, :, None], 2, axis=2)
    values[0, -1, 1] = 1e6
    dims = ("depth", "gamma", "seed")
    dataset = xr.Dataset(
        {"relative_displacement": (dims, values), "converged": (dims, converged)},
        coords={"depth": [2], "gamma": gammas, "seed": [0, 1]},
        attrs={"width": 10},
    )
    np.testing.assert_allclose(slopes(dataset)["slope"].squeeze("depth"), [2, 1])
    assert "1 of 22 trainings did not reach" in findings(dataset)[-1]
