from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lowcomplex.nulls import Null
from lowcomplex.theorems.observations.distribution import Neglected, compare_with_null, level
from lowcomplex.theorems.observations.random_matrices import VIOLATIONS, draw_matrices

EXACT = Neglected(mean=0.0, spread=0.0, skewness=0.0, spacing=0.0, reason="nothing")


def test_level_lets_more_than_one_of_a_hundred_seeds_fail_once_in_a_hundred_studies() -> None:
    assert stats.binom.sf(1, 100, 6 * level(6)) == pytest.approx(0.01)


def test_the_right_normal_law_fails_no_more_often_than_its_level() -> None:
    rng = np.random.default_rng(0)
    null = Null(3.0, 0.5)
    # At 3 comparisons the level is 5e-4 each; 400 samples fail 0.6 times on average.
    failures = sum(
        not all(c.passed for c in compare_with_null("x", rng.normal(3, 0.5, 200), null, EXACT, comparisons=3))
        for _ in range(400)
    )
    assert failures <= 4


@pytest.mark.parametrize(
    ("sample", "refuted"),
    [
        (lambda rng: rng.normal(0.3, 1.0, 400), "mean"),
        (lambda rng: rng.normal(0.0, 1.3, 400), "standard deviation"),
        (lambda rng: rng.choice([-1.0, 1.0], 400), "Kolmogorov-Smirnov distance"),
    ],
)
def test_a_wrong_law_is_refuted_by_its_statistic(sample, refuted: str) -> None:
    comparisons = compare_with_null(
        "x", sample(np.random.default_rng(1)), Null(0.0, 1.0), EXACT, comparisons=3
    )
    # The distance may see a wrong mean or spread as well: it is one of the whole distribution.
    assert refuted in [c.quantity.split(" of ")[0] for c in comparisons if not c.passed]


def test_distance_is_that_of_scipy() -> None:
    sample = np.random.default_rng(2).normal(size=50)
    distance = compare_with_null("x", sample, Null(0.1, 1.2), EXACT, comparisons=3)[2].measured
    assert distance == pytest.approx(stats.kstest(sample, "norm", args=(0.1, 1.2)).statistic)


def test_every_violation_violates() -> None:
    drawn = {
        name: draw_matrices(np.random.default_rng(0), 2, 30, 20, **parameters)
        for name, parameters in VIOLATIONS.items()
    }
    plain = draw_matrices(np.random.default_rng(0), 2, 30, 20, None)
    assert all(matrices.shape == plain.shape for matrices in drawn.values())
    assert all(not np.allclose(matrices, plain) for matrices in drawn.values())
    with pytest.raises(ValueError, match="violation"):
        draw_matrices(np.random.default_rng(0), 2, 3, 2, "rain")


def test_correlated_rows_have_the_stated_correlation() -> None:
    W = draw_matrices(np.random.default_rng(0), 4000, 3, 2, "correlated rows")
    np.testing.assert_allclose(
        np.einsum("tin,tjn->ij", W, W) / 8000, [[1, 0.7, 0.49], [0.7, 1, 0.7], [0.49, 0.7, 1]], atol=0.06
    )
