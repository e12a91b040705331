"""Power against theory, and against the tests whose power it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lowcomplex.statistics import area_under_curve, power_of_area, power_of_rank_correlation, rank_correlation


def test_power_against_known_values() -> None:
    assert power_of_rank_correlation(0.0, 30) == pytest.approx(0.05, abs=0.02)
    assert power_of_rank_correlation(0.9, 30) > 0.99
    # Normal theory of Fisher's z with the variance 1.06/(n - 3) of Spearman's (Fieller et al. 1957).
    z = np.arctanh(0.5) * np.sqrt((30 - 3) / 1.06)
    assert power_of_rank_correlation(0.5, 30) == pytest.approx(stats.norm.sf(1.96 - z), abs=0.05)


def test_power_of_an_area_against_known_values() -> None:
    assert power_of_area(0.5, 30) == pytest.approx(0.05, abs=0.02)
    # Noether's (1987) formula for the Wilcoxon test.
    z = (0.75 - 0.5) * np.sqrt(12 * 0.3 * 0.7 * 40)
    assert power_of_area(0.75, 40, 0.3) == pytest.approx(stats.norm.sf(1.96 - z), abs=0.06)
    assert power_of_area(0.25, 40, 0.3) == pytest.approx(power_of_area(0.75, 40, 0.3), abs=0.03)


@pytest.mark.parametrize("strata", [1, 4])
def test_power_is_how_often_the_permutation_test_finds_it(strata: int) -> None:
    rng, labels, found = np.random.default_rng(0), np.repeat(np.arange(strata), 24 // strata), []
    positive, shift = np.tile([True, False], 12), np.sqrt(2) * stats.norm.ppf(0.8)
    pearson = 2 * np.sin(np.pi * 0.5 / 6)
    for draw in range(120):
        x, noise = rng.standard_normal((2, 24))
        y = pearson * x + np.sqrt(1 - pearson**2) * noise
        found.append(
            (
                rank_correlation(x, y, labels, resamples=199, seed=draw).p <= 0.05,
                area_under_curve(noise + shift * positive, positive, labels, resamples=199).p <= 0.05,
            )
        )
    correlation, area = np.mean(found, axis=0)
    assert power_of_rank_correlation(0.5, 24, strata=strata) == pytest.approx(correlation, abs=0.12)
    assert power_of_area(0.8, 24, strata=strata) == pytest.approx(area, abs=0.12)


def test_strata_without_both_kinds_have_no_power() -> None:
    assert power_of_area(0.9, 8, 0.01, strata=4) == 0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="correlation: expected"):
        power_of_rank_correlation(1.0, 30)
    with pytest.raises(ValueError, match="area: expected"):
        power_of_area(1.0, 30)
    with pytest.raises(ValueError, match="runs: expected"):
        power_of_area(0.7, 3)
    with pytest.raises(ValueError, match="strata: expected"):
        power_of_rank_correlation(0.5, 10, strata=6)
