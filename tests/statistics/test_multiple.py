"""Adjusted p-values and shares against enumeration, closed forms and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lowcomplex.statistics import Estimate, benjamini_hochberg, holm, share


def _holm_step_by_step(p_values: list[float], alpha: float) -> set[int]:
    """Which hypotheses Holm's procedure rejects, as he states it."""
    rejected: set[int] = set()
    for index in np.argsort(p_values):
        if p_values[index] > alpha / (len(p_values) - len(rejected)):
            break
        rejected.add(int(index))
    return rejected


def test_holm_rejects_what_his_procedure_rejects() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        p_values = (generator.uniform(size=6) ** 3).tolist()
        for alpha in (0.01, 0.05, 0.2):
            found = set(np.flatnonzero(holm(p_values) <= alpha).tolist())
            assert found == _holm_step_by_step(p_values, alpha)
    assert (holm([0.04, 0.9]) >= benjamini_hochberg([0.04, 0.9])).all()


def test_a_test_without_p_value_does_not_count() -> None:
    for adjusted in (holm, benjamini_hochberg):
        found = adjusted([0.01, np.nan, 0.04])
        np.testing.assert_array_equal(np.isnan(found), [False, True, False])
        np.testing.assert_allclose(found[[0, 2]], adjusted([0.01, 0.04]))
    np.testing.assert_allclose(benjamini_hochberg([0.01, 0.04]), [0.02, 0.04])
    np.testing.assert_allclose(holm([0.01, 0.04]), [0.02, 0.04])
    assert len(holm([])) == len(benjamini_hochberg([])) == 0


def test_many_tests_of_nothing_find_nothing() -> None:
    generator = np.random.default_rng(6)
    families = generator.uniform(size=(500, 20))
    for adjusted in (holm, benjamini_hochberg):
        wrong = sum(adjusted(family).min() < 0.05 for family in families)
        assert stats.binomtest(wrong, 500, 0.05).pvalue > 0.001
    # The control: without adjustment most families of twenty tests hold a false positive.
    assert (families.min(1) < 0.05).mean() > 0.5


def test_a_share_against_its_definitions() -> None:
    found = share(10, 12, null=0.5)
    z = stats.norm.isf(0.025)
    for end in (found.low, found.high):
        assert abs(10 / 12 - end) == pytest.approx(z * np.sqrt(end * (1 - end) / 12))
    assert found.p == pytest.approx(2 * sum(stats.binom.pmf(k, 12, 0.5) for k in (10, 11, 12)))
    assert np.isnan(share(10, 12).p)
    assert repr(share(0, 0)) == "nan [0, 1] (95%, n = 0)"
    assert repr(Estimate(0.5, 0.25, 0.75, 0.9, 0.031, 8)) == "0.5 [0.25, 0.75] (90%, p = 0.031, n = 8)"


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"p_values: expected numbers in \[0, 1\]"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="one dimension"):
        benjamini_hochberg([[0.5]])
    with pytest.raises(ValueError, match="from 0 to the 3 trials, got 4"):
        share(4, 3)
    with pytest.raises(ValueError, match=r"null: expected a number in \(0, 1\)"):
        share(1, 3, null=1.0)
