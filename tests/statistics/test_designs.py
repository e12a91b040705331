"""Power before a run: against closed forms, and against the tests whose power it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lowcomplex.statistics import (
    equivalence,
    least_effect,
    paired_difference,
    power,
    power_of_count,
    power_of_equivalence,
    power_of_paired_difference,
)


def test_the_criterion_of_a_count() -> None:
    """At least 10 of 12 seeds: 79 of 4096 outcomes by chance."""
    assert power_of_count(0.5, 12, 10) == pytest.approx((66 + 12 + 1) / 4096)
    assert power_of_count(0.9, 12, 12) == pytest.approx(0.9**12)
    assert power_of_count(0, 3, 1) == 0
    assert power_of_count(1, 3, 3) == 1
    needed = least_effect(lambda chance: power_of_count(chance, 12, 10), 0.5, 1.0)
    assert power_of_count(needed, 12, 10) == pytest.approx(0.8)


@pytest.mark.parametrize("seeds", [8, 14])
def test_power_of_paired_arms_is_how_often_their_test_finds_it(seeds: int) -> None:
    def simulated(generator: np.random.Generator) -> np.ndarray:
        shared = generator.normal(0, 5, size=seeds)
        return shared + generator.normal([[0.9], [0.0]], np.sqrt(0.5), size=(2, seeds))

    found = power(simulated, lambda arms: paired_difference(*arms, resamples=2000).p, draws=150)
    expected = power_of_paired_difference(0.9, 1.0, seeds)
    assert stats.binomtest(round(found.estimate * 150), 150, expected).pvalue > 0.001
    assert power_of_paired_difference(0.0, 1.0, seeds) == pytest.approx(0.05, abs=0.02)
    # The control: arms taken for unpaired do not see the effect among what seeds share.
    unpaired = power(simulated, lambda arms: float(stats.ttest_ind(*arms).pvalue), draws=150)
    assert unpaired.high < found.low


def test_five_seeds_have_no_power() -> None:
    assert power_of_paired_difference(100.0, 1.0, 5) == 0
    assert power_of_paired_difference(100.0, 1.0, 6) == 1
    assert np.isnan(least_effect(lambda size: power_of_paired_difference(size, 1.0, 5), 0.0, 100.0))


def test_power_of_equivalence_is_how_often_its_test_shows_it() -> None:
    expected = power_of_equivalence(0.1, 0.4, 0.5, 8)
    found = power(
        lambda generator: generator.normal(0.1, 0.4, size=8),
        lambda values: equivalence(values, np.zeros(8), 0.5).p,
        draws=400,
    )
    assert stats.binomtest(round(found.estimate * 400), 400, expected).pvalue > 0.001
    assert power_of_equivalence(0.5, 0.4, 0.5, 8) == pytest.approx(0.05, abs=0.01)
    assert power_of_equivalence(0.0, 4.0, 0.5, 8) < 0.01


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"chance: expected a number in \[0, 1\], got 80"):
        power_of_count(80, 12, 10)
    with pytest.raises(ValueError, match="needed: expected from 1 to the 12 seeds, got 13"):
        power_of_count(0.5, 12, 13)
    with pytest.raises(ValueError, match="spread: expected a positive"):
        power_of_paired_difference(1.0, 0.0, 8)
    with pytest.raises(ValueError, match="seeds: expected at least 2"):
        power_of_equivalence(0.0, 1.0, 0.5, 1)
    with pytest.raises(ValueError, match="margin: expected a positive"):
        power_of_equivalence(0.0, 1.0, -0.5, 8)
    with pytest.raises(ValueError, match="high: expected a number above 1"):
        least_effect(lambda effect: effect, 1.0, 1.0)
    with pytest.raises(ValueError, match="draws: expected a positive integer"):
        power(lambda generator: generator, lambda _: 0.5, draws=0)
