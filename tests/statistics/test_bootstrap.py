"""The bootstrap over blocks: exact where it has a closed form, and right on simulated sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from simulated_sweeps import assert_rate, sweep

from lowcomplex.statistics import bootstrap

FEW: dict[str, Any] = {"resamples": 300}


def _mean(runs: Any) -> float:
    return float(runs.mean())


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.random.default_rng(0).normal(size=12)
    found = bootstrap(_mean, values, resamples=20_000)
    exact = stats.ttest_1samp(values, 0).confidence_interval()
    assert found.estimate == pytest.approx(values.mean())
    np.testing.assert_allclose((found.low, found.high), exact, atol=0.02)
    assert (found.n, found.level) == (12, 0.95)
    assert np.isnan(found.p)


def test_in_strata_the_mean_is_as_sure_as_they_are_alike() -> None:
    strata = np.repeat([0, 1], 4)
    values = 100.0 * strata + np.random.default_rng(1).normal(size=8)
    within = bootstrap(_mean, values, strata=strata, resamples=10_000)
    error = np.hypot(*(values[strata == s].std(ddof=1) / np.sqrt(4) for s in (0, 1))) / 2
    assert within.high - within.estimate == pytest.approx(stats.t.isf(0.025, 6) * error, rel=0.03)
    assert bootstrap(_mean, values).high - within.estimate > 20 * error


def test_labeled_data_are_drawn_along_their_seeds() -> None:
    values = sweep(np.random.default_rng(2), 6, 4)
    labeled = xr.DataArray(values.T, dims=("gamma", "seed"), coords={"gamma": [0.5, 0.6, 0.7, 0.8]})
    one = bootstrap(lambda runs: float((runs.sel(gamma=0.8) - runs.sel(gamma=0.5)).mean()), labeled, **FEW)
    other = bootstrap(lambda runs: float((runs[:, 3] - runs[:, 0]).mean()), values, **FEW)
    np.testing.assert_allclose((one.low, one.high), (other.low, other.high))
    of_dataset = bootstrap(lambda runs: float(runs["share"].mean()), labeled.to_dataset(name="share"), **FEW)
    assert of_dataset == bootstrap(_mean, values, **FEW)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_other_intervals_are_those_of_scipy(method: str) -> None:
    values = np.random.default_rng(3).exponential(size=25)
    found = bootstrap(_mean, values, method=method, resamples=5000)
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method=method, random_state=np.random.default_rng(0)
    ).confidence_interval
    np.testing.assert_allclose((found.low, found.high), reference)


def test_intervals_over_seeds_cover_and_those_over_runs_do_not() -> None:
    """The control: a bootstrap that takes runs for independent fails by the same criterion."""
    generator, trials = np.random.default_rng(4), 100
    covered = np.zeros(2, dtype=int)
    for _ in range(trials):
        values = sweep(generator, 8, 6)
        intervals = [bootstrap(_mean, data, resamples=100) for data in (values, values.ravel())]
        covered += [each.low <= 0 <= each.high for each in intervals]
    assert_rate(covered[0], trials, 0.93, 0.97)
    with pytest.raises(AssertionError, match="expected from"):
        assert_rate(covered[1], trials, 0.93, 0.97)
    assert covered[1] < 0.6 * trials


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 8, 12, 24])
@pytest.mark.parametrize("of_seed", [0.0, 0.3, 3.0])
def test_intervals_cover_for_any_number_of_seeds(seeds: int, of_seed: float) -> None:
    """From runs that differ within a seed alone to runs that are as good as one per seed."""
    generator, trials = np.random.default_rng(5), 1000
    covered = 0
    for _ in range(trials):
        values = sweep(generator, seeds, 6, of_seed=of_seed)
        found = bootstrap(_mean, values, resamples=400)
        covered += found.low <= 0 <= found.high
    assert_rate(covered, trials, 0.94, 0.96)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.ones((1, 3)), {}, "two blocks or more along 'seed', got 1"),
        (xr.DataArray(np.ones(3), dims="sed"), {}, r"over: expected one of the dimensions \['sed'\]"),
        (np.ones(4), {"strata": [0, 1]}, "one label for each of 4 blocks"),
        (np.ones(3), {"strata": ["a", "a", "b"]}, "two blocks or more in each, got one in b"),
        (np.ones(3), {"method": "bca"}, "method: expected one of t, percentile, BCa"),
        (np.ones(3), {"level": 95}, r"level: expected a number in \(0, 1\), got 95"),
        (np.ones(3), {"resamples": 0}, "resamples: expected a positive integer"),
    ],
)
def test_bad_input(data: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap(_mean, data, **options)
