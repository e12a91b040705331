from __future__ import annotations

import numpy as np
import pytest

import symbolic
from lowcomplex.predictions import random_stable_rank


@pytest.mark.parametrize("shape", [(100, 100), (30, 200), (2, 5000)])
def test_expressions_are_the_evaluator(shape: tuple[int, int]) -> None:
    null = random_stable_rank(*shape)
    value = symbolic.function(random_stable_rank, "stable rank", "m", "n")
    spread = symbolic.function(random_stable_rank, "spread of the stable rank", "m", "n")
    assert null.value == pytest.approx(float(value(*shape)), rel=1e-12)
    assert null.standard_deviation == pytest.approx(float(spread(*shape)), rel=1e-9)


def test_largest_singular_value_of_a_sample() -> None:
    rng = np.random.default_rng(0)
    largest = np.linalg.norm(rng.standard_normal((400, 50, 50)), ord=2, axis=(1, 2)) ** 2
    center = float(symbolic.function(random_stable_rank, "mean of s_1²", "m", "n")(50, 50))
    scale = float(symbolic.function(random_stable_rank, "varsigma", "m", "n")(50, 50))
    # Four standard errors, and a neglected part of order k^(-2/3) of the law's scale.
    assert abs(largest.mean() - center) < 4 * largest.std() / 20 + 50 ** (-2 / 3) * scale


def test_the_edge_alone_is_low_by_four_percent() -> None:
    edge = symbolic.function(random_stable_rank, "stable rank, edge alone", "m", "n")
    assert edge(100, 100) == 25
    assert edge(100, 100) / random_stable_rank(100, 100).value == pytest.approx(0.96, abs=0.005)
    large = 10**6
    assert edge(large, large) / random_stable_rank(large, large).value == pytest.approx(1, abs=1e-3)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="rows, columns"):
        random_stable_rank(3, -1)


def test_regime() -> None:
    assert random_stable_rank.regime(rows=64, columns=100)
    assert "far from" in random_stable_rank.regime(rows=3, columns=100).reason
    assert "heavy tails" in random_stable_rank.regime(rows=64, columns=64, gaussian=False).reason
