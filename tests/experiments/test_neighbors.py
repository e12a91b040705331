from __future__ import annotations

import numpy as np
import pytest

from experiments._neighbors import explained_by_neighbors, ordering

GAMMA, RATE = (
    values.ravel() for values in np.meshgrid(np.linspace(0.5, 0.9, 5), np.geomspace(1e-3, 8e-3, 4))
)
GAMMA, RATE = np.tile(GAMMA, 3), np.tile(RATE, 3)
NOISE = np.random.default_rng(0).normal(size=GAMMA.shape) * 0.03


@pytest.mark.parametrize("slope", [2.0, 6.0])
def test_a_planted_combination_is_found_though_answers_rise_and_fall(slope: float) -> None:
    combined = np.log10(RATE) + slope * GAMMA
    answer = np.exp(-((combined - np.median(combined)) ** 2) / combined.var()) + NOISE
    found = ordering(GAMMA, RATE, answer)
    assert found.slope == pytest.approx(slope, rel=0.35)
    assert found.low <= found.slope <= found.high
    assert found.explained > max(0.7, found.by_gamma, found.by_learning_rate)


def test_what_follows_gamma_alone() -> None:
    found = ordering(GAMMA, RATE, GAMMA**2 + NOISE)
    assert abs(found.slope) > 10
    assert found.by_gamma > 0.7
    assert found.by_learning_rate < 0.1


def test_what_follows_the_learning_rate_alone() -> None:
    found = ordering(GAMMA, RATE, np.log(RATE) + NOISE)
    assert abs(found.slope) < 0.6
    assert found.by_learning_rate > 0.7


def test_nothing_orders_noise() -> None:
    found = [
        ordering(GAMMA, RATE, np.random.default_rng(seed).normal(size=60), subsamples=2).explained
        for seed in range(20)
    ]
    assert np.mean(found) < 0.1


def test_bad_runs() -> None:
    with pytest.raises(ValueError, match="runs or more"):
        ordering([0.5], [1e-3], [1.0])
    with pytest.raises(ValueError, match="positive"):
        ordering(GAMMA, -RATE, GAMMA)
    with pytest.raises(ValueError, match="differ"):
        ordering(GAMMA, RATE, np.ones(60))


def test_neighbors_see_a_hump_that_ranks_do_not() -> None:
    x = np.linspace(-1, 1, 40)
    assert explained_by_neighbors(x, 1 - x**2) > 0.95
    assert explained_by_neighbors(x, np.random.default_rng(3).normal(size=40)) < 0.2
