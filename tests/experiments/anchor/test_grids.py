"""Records of runs of different lengths."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from experiments.anchor.grids import by_length
from experiments.anchor.schema import FRACTIONS, record_steps


def test_runs_of_different_lengths_stand_together_at_equal_fractions() -> None:
    runs = []
    for length in (1000, 4000):
        steps = [round(fraction * length) for fraction in FRACTIONS]
        values = 1.0 * length + np.array(FRACTIONS)
        coords = {"step": steps, "fraction": ("step", list(FRACTIONS)), "seed": [0]}
        runs.append(xr.Dataset({"loss": (("seed", "step"), values[None])}, coords=coords))
    joined = xr.concat(runs, dim="steps", join="outer", coords="minimal", compat="override")
    kept = by_length(joined.assign_coords(steps=[1000, 4000]))
    assert dict(kept.sizes) == {"steps": 2, "seed": 1, "step": len(FRACTIONS)}
    np.testing.assert_array_equal(kept["fraction"], FRACTIONS)
    expected = np.add.outer([1000.0, 4000.0], FRACTIONS).astype(np.float32)
    np.testing.assert_array_equal(kept["loss"].squeeze("seed"), expected)
    # The step of a record depends on the run.
    assert "step" not in kept.coords


@pytest.mark.parametrize("length", [1, 2, 20, 40, 199, 200, 1000, 78_000])
def test_every_step_is_recorded_once(length: int) -> None:
    steps = record_steps(length)
    assert list(steps) == sorted({round(fraction * length) for fraction in FRACTIONS})
    assert list(steps.values()) == sorted(set(steps.values()))
    assert (steps[0], steps[length]) == (0, 1)
    assert all(abs(fraction * length - step) <= 0.5 for step, fraction in steps.items())
    if length >= 200:
        assert tuple(steps.values()) == FRACTIONS
