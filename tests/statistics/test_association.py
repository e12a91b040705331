"""The statistics find planted effects, and find none where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from simulated_sweeps import assert_rate, sweep

from lowcomplex.statistics import area_under_curve, rank_correlation

FEW = {"resamples": 199}


def _pairs(correlation: float, shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    x, noise = np.random.default_rng(seed).standard_normal((2, *shape))
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


def test_one_stratum_is_spearman() -> None:
    x, y = _pairs(0.6, (30,), 0)
    found, reference = rank_correlation(x, y), stats.spearmanr(x, y)
    assert found.estimate == pytest.approx(reference.statistic, abs=1e-12)
    assert found.low < found.estimate < found.high
    assert found.p == pytest.approx(reference.pvalue, abs=0.02)
    assert found.n == 30


def test_area_is_mann_whitney() -> None:
    x, y = _pairs(0.5, (40,), 1)
    positive = y > 0.3
    u = stats.mannwhitneyu(x[positive], x[~positive])
    found = area_under_curve(x, positive)
    assert found.estimate == pytest.approx(u.statistic / positive.sum() / (~positive).sum())
    assert found.p == pytest.approx(u.pvalue, abs=0.02)
    assert area_under_curve(np.ones(40), positive).estimate == 0.5


def test_a_confounder_makes_no_association_within_its_strata() -> None:
    x, y = _pairs(0.0, (60,), 2)
    strata = np.repeat([0, 1, 2], 20)
    x, y = x + 5 * strata, y + 5 * strata
    assert rank_correlation(x, y).estimate > 0.8
    within = rank_correlation(x, y, strata)
    assert abs(within.estimate) < 0.3
    assert within.p > 0.05
    assert within.low < 0 < within.high


def test_an_association_within_strata_is_found_against_a_confounder() -> None:
    x, y = _pairs(0.8, (60,), 3)
    strata = np.repeat([0, 1, 2], 20)
    y = y - 5 * strata
    x = x + 5 * strata
    assert rank_correlation(x, y).estimate < 0
    assert rank_correlation(x, y, strata).estimate > 0.5


@pytest.mark.parametrize("strata", [None, np.repeat(np.arange(4), 6)])
def test_false_positives_are_as_many_as_stated(strata: np.ndarray | None) -> None:
    x, y = _pairs(0.0, (200, 24), 4)
    effects = [
        rank_correlation(a, b, strata, seed=i, **FEW) for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    areas = [
        area_under_curve(a, b > 0, strata, seed=i, **FEW) for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    for found, null in ((effects, 0.0), (areas, 0.5)):
        rejected = sum(effect.p <= 0.05 for effect in found)
        assert stats.binomtest(rejected, 200, 0.05).pvalue > 0.001
        assert np.mean([effect.low <= null <= effect.high for effect in found]) > 0.88


def test_the_interval_covers_a_planted_correlation() -> None:
    pearson = 0.7
    truth = 6 / np.pi * np.arcsin(pearson / 2)
    x, y = _pairs(pearson, (300, 40), 5)
    found = [rank_correlation(a, b, seed=i, **FEW) for i, (a, b) in enumerate(zip(x, y, strict=True))]
    covered = np.mean([effect.low <= truth <= effect.high for effect in found])
    assert 0.9 < covered < 0.99


def test_undefined_where_nothing_varies() -> None:
    assert np.isnan(rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).estimate)
    assert np.isnan(area_under_curve([1.0, 2.0, 3.0], [True] * 3).estimate)
    assert rank_correlation([1.0, 2.0], [1.0, 2.0], [0, 1]).n == 0


@pytest.mark.parametrize(
    ("x", "y", "strata", "message"),
    [
        ([1.0, 2.0], [1.0], None, "shapes"),
        ([1.0, np.nan], [1.0, 2.0], None, "finite"),
        ([1.0, 2.0], [1.0, 2.0], [0], "strata"),
    ],
)
def test_bad_input(x: list, y: list, strata: list | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank_correlation(x, y, strata)


def _crossed(generator: np.random.Generator, seeds: int, arms: int) -> tuple[np.ndarray, ...]:
    """Two unrelated observables of every run, each with an effect of the seed; then arms and seeds."""
    x, y = sweep(generator, seeds, arms), sweep(generator, seeds, arms)
    arm, seed = np.tile(np.arange(arms), seeds), np.repeat(np.arange(seeds), arms)
    return x.ravel(), y.ravel(), arm, seed


def test_seeds_as_blocks_find_nothing_where_runs_find_what_seeds_share() -> None:
    """The control: taking runs for independent fails by the same criterion."""
    generator, trials = np.random.default_rng(7), 100
    false = np.zeros((2, 2), dtype=int)
    for _ in range(trials):
        x, y, arm, seed = _crossed(generator, 10, 6)
        for statistic, (a, b) in enumerate(((x, y), (x, y > 0))):
            test = (rank_correlation, area_under_curve)[statistic]
            found = [test(a, b, arm, blocks=blocks, **FEW) for blocks in (seed, None)]
            false[statistic] += [each.p <= 0.05 for each in found]
            assert found[0].n == 10
    for of_blocks, of_runs in false:
        assert stats.binomtest(int(of_blocks), trials, 0.05).pvalue > 0.001
        assert stats.binomtest(int(of_runs), trials, 0.05).pvalue < 1e-6


@pytest.mark.parametrize("rise", [0.0, 0.3])
def test_with_seeds_as_blocks_the_interval_of_a_trend_covers(rise: float) -> None:
    generator, trials = np.random.default_rng(8), 120
    many = sweep(generator, 20_000, 6, rise=rise)
    arm, seed = np.tile(np.arange(6), 10), np.repeat(np.arange(10), 6)
    truth = stats.spearmanr(np.tile(np.arange(6), 20_000), many.ravel()).statistic
    found = [
        rank_correlation(arm, sweep(generator, 10, 6, rise=rise).ravel(), blocks=seed, **FEW)
        for _ in range(trials)
    ]
    assert_rate(sum(each.low <= truth <= each.high for each in found), trials, 0.93, 0.99)
    if rise:
        # Arms are compared within seeds, so that what seeds share hides nothing.
        assert np.mean([each.p <= 0.05 for each in found]) > 0.9
    else:
        assert stats.binomtest(sum(each.p <= 0.05 for each in found), trials, 0.05).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 8, 24])
@pytest.mark.parametrize("rise", [0.0, 0.1, 0.3])
def test_intervals_of_trends_cover_for_any_number_of_seeds(seeds: int, rise: float) -> None:
    generator, trials = np.random.default_rng(11), 1000
    many = sweep(generator, 50_000, 6, rise=rise)
    truth = stats.spearmanr(np.tile(np.arange(6), 50_000), many.ravel()).statistic
    arm, seed = np.tile(np.arange(6), seeds), np.repeat(np.arange(seeds), 6)
    found = [
        rank_correlation(arm, sweep(generator, seeds, 6, rise=rise).ravel(), blocks=seed, **FEW)
        for _ in range(trials)
    ]
    assert_rate(sum(each.low <= truth <= each.high for each in found), trials, 0.93, 0.99)
    if not rise:
        assert stats.binomtest(sum(each.p <= 0.05 for each in found), trials, 0.05).pvalue > 0.001


def test_the_interval_of_a_large_area_stays_within_its_range() -> None:
    generator = np.random.default_rng(12)
    positive, seed = np.tile([True, False, True, False], 6), np.repeat(np.arange(6), 4)
    scores = sweep(generator, 6, 4).ravel() + 2 * positive
    found = area_under_curve(scores, positive, blocks=seed)
    assert 0.9 < found.estimate < 1
    assert 0.2 < found.low < found.estimate < found.high <= 1
    mirrored = area_under_curve(-scores, positive, blocks=seed)
    np.testing.assert_allclose((mirrored.low, mirrored.high), (1 - found.high, 1 - found.low))


def test_blocks_with_missing_runs_are_exchanged_with_their_like() -> None:
    x, y, arm, seed = _crossed(np.random.default_rng(9), 8, 3)
    there = ~((arm == 2) & (seed < 4))
    found = rank_correlation(x[there], y[there], arm[there], blocks=seed[there])
    assert found.n == 8
    assert 0 < found.p < 1
    # Four seeds of one kind and one of another: 4! orders, each as likely as the data's own.
    few = (arm == 0) & (seed < 5) | (arm == 1) & (seed == 4) | (arm == 1) & (seed == 5)
    assert rank_correlation(x[few], x[few], arm[few], blocks=seed[few]).p == pytest.approx(1 / 24, abs=0.02)


def test_one_run_per_block_is_no_block() -> None:
    x, y = _pairs(0.5, (30,), 10)
    alone, blocked = rank_correlation(x, y), rank_correlation(x, y, blocks=np.arange(30))
    assert (alone.estimate, alone.n) == (blocked.estimate, blocked.n)
    assert alone.p == pytest.approx(blocked.p, abs=0.01)
    with pytest.raises(ValueError, match="blocks: expected two blocks or more"):
        rank_correlation(x, y, blocks=np.zeros(30))
