"""Sweeps with a known answer: runs of one seed share a random effect, as they share their start and data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def sweep(
    generator: np.random.Generator,
    seeds: int,
    arms: int,
    *,
    rise: float = 0.0,
    of_seed: float = 1.0,
    of_run: float = 0.5,
) -> Floats:
    """(seeds, arms) values: `rise` from arm to arm, a random effect per seed and an error per run."""
    shared = of_seed * generator.standard_normal((seeds, 1))
    return rise * np.arange(arms) + shared + of_run * generator.standard_normal((seeds, arms))


def assert_rate(hits: int, trials: int, low: float, high: float) -> None:
    """Refuse a share whose 99.9 % interval lies outside of [low, high]."""
    interval = stats.binomtest(hits, trials).proportion_ci(0.999, method="wilson")
    assert interval.low <= high, f"{hits} of {trials}, expected from {low} to {high}"
    assert interval.high >= low, f"{hits} of {trials}, expected from {low} to {high}"
