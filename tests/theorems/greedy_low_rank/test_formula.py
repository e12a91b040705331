from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from lowcomplex.predictions import greedy_low_rank
from lowcomplex.theorems.greedy_low_rank.formula import GreedyLowRank

EVERYTHING = np.ones((4, 4), dtype=bool)


def _spectral(seed: int, values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    vectors = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return vectors * values @ vectors.T, vectors


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_with_all_entries_stages_are_the_best_approximations(seed: int, scale: float) -> None:
    values = [3.0, 2.0, 0.5, -1.0]
    m, vectors = _spectral(seed, values)
    law = greedy_low_rank(scale * m, EVERYTHING)
    # The negative eigenvalue is out of reach of U Uᵀ.
    assert len(law.stages) == 4
    for rank in range(4):
        best = (vectors[:, :rank] * values[:rank]) @ vectors[:, :rank].T
        np.testing.assert_allclose(law.stages[rank], scale * best, atol=1e-8 * scale)
    np.testing.assert_allclose(law.rates, np.multiply(scale, values[:3]), rtol=1e-7)
    np.testing.assert_allclose(law.gaps, [2 / 3, 1 / 4, 0], atol=1e-7)
    assert law.losses[-1] == pytest.approx(scale**2 / 2)


def test_contraction_is_that_of_the_flow_near_a_stage() -> None:
    m, _ = _spectral(0, [3.0, 2.0, 0.5, -1.0])
    law = greedy_low_rank(m, EVERYTHING, max_stages=2)
    # Around √s v the column shrinks at 2s along v and at s - s_j along v_j; at rank two that is s_2 - s_3.
    np.testing.assert_allclose(law.contractions, [1.0, 1.5], rtol=1e-6)


def _completion(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((4, 2))
    mask = np.ones((4, 4), dtype=bool)
    mask[0, 3] = mask[3, 0] = False
    return factor @ factor.T, mask


def test_stages_of_a_completion_are_stationary_and_of_their_rank() -> None:
    m, mask = _completion(0)
    law = greedy_low_rank(m, mask)
    for rank, stage in enumerate(law.stages):
        assert np.linalg.matrix_rank(stage, tol=1e-6) == rank
        np.testing.assert_allclose((mask * (stage - m)) @ stage, 0, atol=1e-8)
    assert (np.diff(law.losses) < 0).all()
    assert law.losses[-1] < 1e-12
    # Rank one fits the observed entries as well as any direct search does.
    best = min(_alternate(m, mask, start) for start in np.random.default_rng(1).standard_normal((20, 4)))
    assert law.losses[1] == pytest.approx(best, rel=1e-6)


def _alternate(m: np.ndarray, mask: np.ndarray, u: np.ndarray) -> float:
    """Loss of a local search over rank-one matrices by plain descent."""
    for _ in range(1500):
        u = u - 0.02 * (mask * (np.outer(u, u) - m)) @ u
    return float(np.square(mask * (np.outer(u, u) - m)).sum() / 2)


def test_what_is_not_observed_is_not_used() -> None:
    m, mask = _completion(1)
    hidden = np.where(mask, m, np.nan)
    np.testing.assert_array_equal(greedy_low_rank(hidden, mask).stages, greedy_low_rank(m, mask).stages)


@settings(max_examples=3, deadline=None)
@given(order=st.permutations(range(4)))
def test_permuting_rows_and_columns_permutes_the_stages(order: list[int]) -> None:
    m, mask = _completion(0)
    law, other = greedy_low_rank(m, mask), greedy_low_rank(m[order][:, order], mask[order][:, order])
    np.testing.assert_allclose(other.stages, law.stages[:, order][:, :, order], atol=1e-7)


def test_distance_exponent_is_that_of_the_least_distance() -> None:
    law = greedy_low_rank(*_completion(0))
    growth, contraction = law.rates[1], law.contractions[0]

    def least(log_sigma: float) -> float:
        # log of e^(-μs) + σ^(2(1 - gap)) e^(2κs) at its minimum over s.
        def distance(s: float) -> float:
            return float(np.logaddexp(-contraction * s, 2 * (1 - law.gaps[0]) * log_sigma + 2 * growth * s))

        end = -2 * (1 - law.gaps[0]) * log_sigma / growth
        return float(
            minimize_scalar(distance, bounds=(0, end), method="bounded", options={"xatol": 1e-9}).fun
        )

    assert (least(-200.0) - least(-100.0)) / -100 == pytest.approx(law.distance_exponent, rel=1e-6)
    alone = GreedyLowRank(law.stages[:2], law.rates[:1], law.gaps[:1], law.contractions[:1], law.losses[:2])
    assert np.isnan(alone.distance_exponent)


def test_bad_input() -> None:
    m, mask = _completion(0)
    with pytest.raises(ValueError, match="top eigenvalue of the gradient ties"):
        greedy_low_rank(np.eye(3), np.ones((3, 3), dtype=bool))
    with pytest.raises(ValueError, match="target: not symmetric"):
        greedy_low_rank(np.triu(m), EVERYTHING)
    with pytest.raises(ValueError, match="observed: not symmetric"):
        greedy_low_rank(m, np.triu(mask))
    with pytest.raises(ValueError, match="NaN"):
        greedy_low_rank(np.full((4, 4), np.nan), EVERYTHING)
    with pytest.raises(ValueError, match=r"expected \(d, d\) twice"):
        greedy_low_rank(m[:3], mask)


def test_nothing_to_learn_without_a_positive_eigenvalue() -> None:
    law = greedy_low_rank(-np.eye(4), EVERYTHING)
    assert law.stages.shape == (1, 4, 4)
    assert not law.rates.size


def test_regime() -> None:
    assert greedy_low_rank.regime(sigma=1e-6, runner_up=0.5)
    assert "has grown too" in greedy_low_rank.regime(sigma=1e-2, runner_up=0.5).reason
    assert "ties" in greedy_low_rank.regime(sigma=1e-6, runner_up=1.0).reason
