from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures
from lowcomplex.measures import (
    cosine_similarity,
    effective_directions,
    mean_cosine,
    mean_squared_cosine,
    participation_ratio,
)

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "cosine_moments": lambda c: measures.cosine_moments(c * samples.W),
}

seeds = st.integers(0, 2**31 - 1)
INDICES = (mean_cosine, mean_squared_cosine, effective_directions)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, m=st.integers(2, 12), d=st.integers(1, 8), exponent=st.sampled_from([-12, 0, 12]))
def test_are_the_moments_over_all_pairs(seed: int, m: int, d: int, exponent: int) -> None:
    W = 10.0**exponent * samples.random(seed, m, d)
    cosines = cosine_similarity(W)[~torch.eye(m, dtype=torch.bool)]
    torch.testing.assert_close(mean_cosine(W), cosines.mean())
    torch.testing.assert_close(mean_squared_cosine(W), cosines.square().mean())
    unit = W / W.norm(dim=1, keepdim=True)
    torch.testing.assert_close(effective_directions(W), participation_ratio(unit))


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
@pytest.mark.parametrize("index", INDICES)
def test_invariances(index, seed: int) -> None:
    W = samples.random(seed, 9, 5)
    rotation = torch.linalg.qr(samples.random(seed + 1, 5, 5)).Q
    order = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
    scales = samples.random(seed + 2, 9, 1).abs() + 0.1
    torch.testing.assert_close(index((scales * W @ rotation)[order]), index(W))
    if index is not mean_cosine:
        torch.testing.assert_close(index(-scales * W), index(W))


def test_planted_directions() -> None:
    lines = torch.eye(6, dtype=torch.float64)[:3].repeat(20, 1) * samples.random(0, 60, 1)
    assert float(effective_directions(lines)) == pytest.approx(3)
    assert float(mean_cosine(samples.random(1, 40, 1).abs() * torch.ones(40, 7))) == pytest.approx(1)


def test_random_neurons() -> None:
    m, d = 200, 50
    draws = samples.random(2, 100, m, d)
    spread = math.sqrt(2 / (m * (m - 1) * d))
    cosines = mean_cosine(draws).numpy()
    assert abs(cosines.mean()) < 5 * spread / 10
    assert np.std(cosines) == pytest.approx(spread, rel=0.3)
    assert float(mean_squared_cosine(draws).mean()) == pytest.approx(1 / d, rel=0.01)
    assert float(effective_directions(draws).mean()) == pytest.approx(m * d / (m + d - 1), rel=0.01)


def test_zero_neurons_are_left_out_and_none_is_nan() -> None:
    W = samples.random(3, 5, 4)
    padded = torch.cat((W, torch.zeros(3, 4)))
    for index in INDICES:
        torch.testing.assert_close(index(padded), index(W))
        assert math.isnan(float(index(torch.zeros(3, 4))))
    assert math.isnan(float(mean_cosine(W[:1])))


def test_a_million_neurons_need_no_square_of_them() -> None:
    W = torch.randn(1_000_000, 4, generator=torch.Generator().manual_seed(5))
    assert float(mean_squared_cosine(W)) == pytest.approx(0.25, abs=1e-3)


def test_slices_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    W = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole = measures.cosine_moments(W)
    monkeypatch.setattr("lowcomplex.measures._slices._NUMBERS", 20)
    for name, value in measures.cosine_moments(W).items():
        torch.testing.assert_close(value, whole[name])
        torch.testing.assert_close(getattr(measures, name)(W), whole[name])
