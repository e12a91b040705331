"""Equivalence and the best arm: against other libraries, and on simulated sweeps."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from simulated_sweeps import assert_rate, sweep

from lowcomplex.statistics import best_arm, equivalence, paired_difference


@pytest.mark.parametrize("is_paired", [True, False])
def test_equivalence_is_two_one_sided_tests(is_paired: bool) -> None:
    a, b = np.random.default_rng(0).normal(0.05, 0.1, size=(2, 9))
    found = equivalence(a, b, 0.12, is_paired=is_paired)
    one_sided = []
    for bound, side in ((-0.12, "greater"), (0.12, "less")):
        if is_paired:
            one_sided.append(stats.ttest_1samp(a - b, bound, alternative=side))
        else:
            one_sided.append(stats.ttest_ind(a, b + bound, equal_var=False, alternative=side))
    assert found.p == pytest.approx(max(test.pvalue for test in one_sided))
    reference = stats.ttest_rel(a, b) if is_paired else stats.ttest_ind(a, b, equal_var=False)
    np.testing.assert_allclose((found.low, found.high), reference.confidence_interval(0.9))
    for margin in (0.01, 0.08, 0.12, 0.3):
        tested = equivalence(a, b, margin, is_paired=is_paired)
        assert tested.equivalent == (tested.p < 0.05)


def test_at_the_margin_equivalence_is_found_at_the_level_and_inside_with_power() -> None:
    generator, trials = np.random.default_rng(1), 1000
    at_margin = generator.normal(0.5, 0.4, size=(trials, 10))
    inside = generator.normal(0.0, 0.4, size=(trials, 10))
    nothing = np.zeros(10)
    wrong = sum(equivalence(values, nothing, 0.5).equivalent for values in at_margin)
    assert stats.binomtest(wrong, trials, 0.05).pvalue > 0.001
    assert np.mean([equivalence(values, nothing, 0.5).equivalent for values in inside]) > 0.9
    # "No significant difference" of few seeds shows no equivalence, though most would read it so.
    few = generator.normal(1.0, 2.0, size=(100, 4))
    assert np.mean([paired_difference(values, np.zeros(4)).p > 0.05 for values in few]) == 1
    assert np.mean([equivalence(values, np.zeros(4), 0.5).equivalent for values in few]) < 0.1


def test_equal_values_show_no_equivalence() -> None:
    found = equivalence([1.0, 1.0], [1.0, 1.0], 0.1)
    assert found.estimate == 0
    assert np.isnan(found.p)
    assert not found.equivalent
    assert "not shown to be within ±0.1" in repr(found)
    for margin, alpha, message in ((0, 0.05, "margin: expected a positive"), (0.1, 0.5, "below 1/2")):
        with pytest.raises(ValueError, match=message):
            equivalence([1.0, 2.0], [1.0, 2.0], margin, alpha=alpha)


@pytest.mark.parametrize("against", [None, 4])
def test_the_interval_of_the_best_arm_covers_where_that_of_a_fixed_one_does_not(against: int | None) -> None:
    generator, trials = np.random.default_rng(2), 400
    of_seed = 0.2 if against is None else 1.0
    allowed = fixed = found = others = 0
    for _ in range(trials):
        values = sweep(generator, 8, 6, of_seed=of_seed)
        best = best_arm(values, against=against, resamples=200)
        allowed += best.low <= 0 <= best.high
        found += against is not None and best.p <= 0.05
        if best.arm != against:
            other = np.zeros(8) if against is None else values[:, against]
            naive = paired_difference(values[:, best.arm], other, resamples=1)
            fixed += naive.low <= 0 <= naive.high
            others += 1
    assert_rate(allowed, trials, 0.94, 0.985)
    assert stats.binomtest(fixed, others, 0.95).pvalue < 0.01
    if against is not None:
        assert stats.binomtest(found, trials, 0.05, alternative="greater").pvalue > 0.001


def test_the_best_arm_is_named_with_how_often_it_would_be() -> None:
    values = sweep(np.random.default_rng(3), 8, 3) + np.array([0.0, 2.0, 0.0])
    labeled = xr.DataArray(values.T, dims=("gamma", "seed"), coords={"gamma": [0.5, 0.7, 0.9]})
    found = best_arm(labeled, against=0.9)
    assert found.arm == 0.7
    assert found.chosen[0.7] > 0.95
    assert sum(found.chosen.values()) == pytest.approx(1)
    assert found.estimate == pytest.approx((values[:, 1] - values[:, 2]).mean())
    assert found.p < 0.01
    assert repr(found).startswith("0.7: ")
    with pytest.raises(ValueError, match=r"against: expected one of \[0.5, 0.7, 0.9\], got 0.8"):
        best_arm(labeled, against=0.8)
    assert best_arm(np.ones((4, 2)), against=0).p == 1
