"""Permutation tests against enumeration, and where arms make no difference."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from simulated_sweeps import sweep

from lowcomplex.statistics import (
    Estimate,
    decidable,
    exchanged_arms,
    paired_difference,
    rank_correlation,
    share,
    unpaired_difference,
)


def _trend(runs: Any) -> float:
    return float((np.asarray(runs) * np.arange(runs.shape[1])).sum())


def test_paired_arms_against_all_signs() -> None:
    a, b = np.random.default_rng(0).normal([[0.8], [0.0]], size=(2, 7))
    signs = np.array(list(itertools.product([1, -1], repeat=7)))
    means = (signs * (a - b)).mean(1)
    found = paired_difference(a, b)
    assert found.estimate == pytest.approx((a - b).mean())
    assert found.p == pytest.approx((np.abs(means) >= abs(found.estimate) - 1e-12).mean())
    greater = paired_difference(a, b, alternative="greater")
    assert greater.p == pytest.approx((means >= found.estimate - 1e-12).mean())
    np.testing.assert_allclose((found.low, found.high), stats.ttest_rel(a, b).confidence_interval())
    assert (found.n, found.least_p, greater.least_p) == (7, 2 / 2**7, 1 / 2**7)


def test_labeled_arms_are_matched_by_seed() -> None:
    a = xr.DataArray([1.0, 2.0, 3.0], dims="seed", coords={"seed": [200, 201, 202]})
    b = xr.DataArray([0.3, 0.1, 0.2], dims="seed", coords={"seed": [202, 200, 201]})
    assert paired_difference(a, b) == paired_difference(a.values, [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"one arm alone has \[202, 203\]"):
        paired_difference(a, b.assign_coords(seed=[200, 201, 203]))
    with pytest.raises(ValueError, match="first: expected the dimension 'seed' alone"):
        paired_difference(a.expand_dims(gamma=1), b)


def test_unpaired_arms_against_all_splits() -> None:
    a, b = np.array([0.2, 1.4, 0.9, 1.1]), np.array([0.1, 0.5, -0.3, 0.3, 0.6])
    both, found = np.concatenate([a, b]), unpaired_difference(a, b)
    splits = [list(chosen) for chosen in itertools.combinations(range(9), 4)]
    differences = np.array([both[s].mean() - np.delete(both, s).mean() for s in splits])
    one_side = min(
        (differences >= found.estimate - 1e-12).mean(), (differences <= found.estimate + 1e-12).mean()
    )
    assert found.p == pytest.approx(2 * one_side)
    assert found.least_p == pytest.approx(2 / 126)


def test_arms_exchanged_within_seeds_against_all_orders() -> None:
    values = sweep(np.random.default_rng(1), 3, 3, rise=0.4)
    orders = list(itertools.permutations(range(3)))
    every = np.array(
        [
            _trend(np.stack([row[list(o)] for row, o in zip(values, chosen, strict=True)]))
            for chosen in itertools.product(orders, repeat=3)
        ]
    )
    found = exchanged_arms(_trend, values, alternative="greater")
    assert found.p == pytest.approx((every >= found.estimate - 1e-9).mean())
    assert found.least_p == 1 / 216
    labeled = xr.DataArray(values.T, dims=("gamma", "seed"), coords={"gamma": [0.5, 0.7, 0.9]})
    of_ends = exchanged_arms(lambda runs: float((runs.sel(gamma=0.9) - runs.sel(gamma=0.5)).mean()), labeled)
    assert of_ends.estimate == pytest.approx((values[:, 2] - values[:, 0]).mean())


def test_false_positives_are_as_many_as_stated_with_the_choice_of_an_arm_repeated() -> None:
    generator, trials = np.random.default_rng(2), 120

    def advantage(runs: np.ndarray) -> float:
        return float(runs.mean(0).max() - runs[:, -1].mean())

    repeated = once = 0
    for _ in range(trials):
        values = sweep(generator, 6, 5)
        test = exchanged_arms(advantage, values, alternative="greater", resamples=99)
        repeated += test.p <= 0.05
        best = values.mean(0).argmax()
        once += best < 4 and paired_difference(values[:, best], values[:, 4], alternative="greater").p <= 0.05
    assert stats.binomtest(repeated, trials, 0.05).pvalue > 0.001
    # The control: the best arm tested as if it had been fixed beforehand.
    assert stats.binomtest(once, trials, 0.05).pvalue < 0.001


def test_what_runs_cannot_decide_is_known_before() -> None:
    """Six runs at two γ give no p below .1, whatever they show."""
    gamma = [0.5, 0.5, 0.5, 0.8, 0.8, 0.8]
    found = rank_correlation(gamma, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert found.least_p == pytest.approx(2 / 20)
    assert found.p == pytest.approx(0.1, abs=0.03)
    assert repr(decidable(found)) == (
        "not decidable with these runs: the smallest possible p is 0.1, not below 0.05"
    )
    assert decidable(found, alpha=0.2)
    assert "power is 0.42, below 0.8" in repr(decidable(found, alpha=0.2, power=0.42))
    # Of one seed per block each stratum: 4! orders of the seeds; within γ: 3! per γ.
    blocks = np.tile(np.arange(4), 2)
    strata = np.repeat([0, 1], 4)
    x = np.arange(8)
    assert rank_correlation(x, x, strata, blocks=blocks).least_p == pytest.approx(2 / 24)
    assert rank_correlation(x, x, blocks=blocks).least_p == pytest.approx(2 / 16)
    assert share(1, 4, null=0.5).least_p == pytest.approx(0.125)
    assert not decidable(rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="expected the result of a test"):
        decidable(Estimate(0.5, 0.4, 0.6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_difference([1.0], [1.0]), "first: expected 2 values or more"),
        (lambda: paired_difference([1.0, 2.0], [1.0, 2.0, 3.0]), "second: expected 2 values, one per block"),
        (lambda: paired_difference([1.0, np.nan], [1.0, 2.0]), "first: expected finite values, got 1 of 2"),
        (lambda: paired_difference([1.0, 2.0], [1.0, 2.0], alternative="more"), "expected one of two-sided"),
        (lambda: unpaired_difference([1.0], [1.0, 2.0]), "first: expected 2 values or more"),
        (lambda: exchanged_arms(_trend, np.ones(4)), r"expected \(seed, arm\) values, got shape \(4,\)"),
        (lambda: exchanged_arms(_trend, np.full((4, 2), np.nan)), "data: expected finite values"),
        (lambda: decidable(share(1, 4, null=0.5), power=80), r"power: expected a number in \[0, 1\]"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
