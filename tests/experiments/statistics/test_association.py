"""The statistics find planted effects, and find none where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.statistics.association import (
    area_under_curve,
    corrected,
    rank_correlation,
)

FEW = {"resamples": 199}


def _pairs(correlation: float, shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    x, noise = np.random.default_rng(seed).standard_normal((2, *shape))
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


def test_one_stratum_is_spearman() -> None:
    x, y = _pairs(0.6, (30,), 0)
    found, reference = rank_correlation(x, y), stats.spearmanr(x, y)
    assert found.estimate == pytest.approx(reference.statistic, abs=1e-12)
    assert found.low < found.estimate < found.high
    assert found.p_value == pytest.approx(reference.pvalue, abs=0.02)
    assert found.runs == 30


def test_area_is_mann_whitney() -> None:
    x, y = _pairs(0.5, (40,), 1)
    positive = y > 0.3
    u = stats.mannwhitneyu(x[positive], x[~positive])
    found = area_under_curve(x, positive)
    assert found.estimate == pytest.approx(u.statistic / positive.sum() / (~positive).sum())
    assert found.p_value == pytest.approx(u.pvalue, abs=0.02)
    assert area_under_curve(np.ones(40), positive).estimate == 0.5


def test_a_confounder_makes_no_association_within_its_strata() -> None:
    x, y = _pairs(0.0, (60,), 2)
    strata = np.repeat([0, 1, 2], 20)
    x, y = x + 5 * strata, y + 5 * strata
    assert rank_correlation(x, y).estimate > 0.8
    within = rank_correlation(x, y, strata)
    assert abs(within.estimate) < 0.3
    assert within.p_value > 0.05
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
    x, y = _pairs(0.0, (400, 24), 4)
    effects = [
        rank_correlation(a, b, strata, seed=i, **FEW) for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    areas = [
        area_under_curve(a, b > 0, strata, seed=i, **FEW) for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    for found, null in ((effects, 0.0), (areas, 0.5)):
        rejected = sum(effect.p_value <= 0.05 for effect in found)
        assert stats.binomtest(rejected, 400, 0.05).pvalue > 0.001
        assert np.mean([effect.low <= null <= effect.high for effect in found]) > 0.88


def test_the_interval_covers_a_planted_correlation() -> None:
    pearson = 0.7
    truth = 6 / np.pi * np.arcsin(pearson / 2)
    x, y = _pairs(pearson, (300, 40), 5)
    found = [rank_correlation(a, b, seed=i, **FEW) for i, (a, b) in enumerate(zip(x, y, strict=True))]
    covered = np.mean([effect.low <= truth <= effect.high for effect in found])
    assert 0.9 < covered < 0.99


def test_many_tests_of_nothing_find_nothing() -> None:
    rng = np.random.default_rng(6)
    families = [corrected(rng.uniform(size=20)) for _ in range(500)]
    assert np.mean([family.min() < 0.05 for family in families]) == pytest.approx(0.05, abs=0.03)
    with_gap = corrected([0.01, np.nan, 0.04])
    assert np.isnan(with_gap[1])
    np.testing.assert_allclose(with_gap[[0, 2]], [0.02, 0.04])


def test_undefined_where_nothing_varies() -> None:
    assert np.isnan(rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).estimate)
    assert np.isnan(area_under_curve([1.0, 2.0, 3.0], [True] * 3).estimate)
    assert rank_correlation([1.0, 2.0], [1.0, 2.0], [0, 1]).runs == 0


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
