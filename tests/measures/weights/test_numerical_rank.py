from __future__ import annotations

import pytest
import torch

import samples
from lowcomplex import measures


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(2, 400), (400, 2)])
def test_default_tolerance_is_the_larger_side_in_rounding_units(shape, dtype: torch.dtype) -> None:
    for units, rank in ((1, 1), (100, 1), (399, 1), (401, 2), (1000, 2)):
        W = torch.zeros(shape, dtype=dtype)
        W[0, 0], W[1, 1] = 1.0, units * torch.finfo(dtype).eps
        assert int(measures.numerical_rank(W)) == rank
        assert int(measures.rank_measures(W)["numerical_rank"]) == rank


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(64, 32), (128, 96), (1024, 64), (96, 1024), (512, 384)])
def test_half_precision_keeps_full_and_low_ranks(shape, dtype: torch.dtype) -> None:
    """Of random matrices and of narrow products, also at sides where n rounding units exceed 1."""
    m, n = shape
    for seed in range(4):
        full = samples.random(seed, m, n)
        assert int(measures.numerical_rank(full.to(dtype))) == min(m, n)
        for rank in (1, 3, 20):
            low = samples.random(seed, m, rank) @ samples.random(seed + 9, rank, n)
            assert int(measures.numerical_rank(low.to(dtype))) == rank
            assert int(measures.rank_measures(low.to(dtype))["numerical_rank"]) == rank


def test_half_precision_loses_few_values_of_square_matrices() -> None:
    # A share of 0.7 sqrt(n) ε = 6 % of the draws, within four standard errors of 200.
    draws = torch.randn(200, 128, 128, generator=samples.generator()).bfloat16()
    ranks = measures.numerical_rank(draws)
    assert int(ranks.min()) >= 127
    assert abs(float((ranks < 128).double().mean()) - 0.06) < 4 * (0.06 * 0.94 / 200) ** 0.5


def test_small_numbers_of_float16_are_rounded_to_its_smallest_number() -> None:
    low = 1e-5 * samples.random(0, 200, 2) @ samples.random(1, 2, 150)
    assert int(measures.numerical_rank(low.half())) == 2
    assert int(measures.numerical_rank(1e-5 * samples.random(2, 200, 150).half())) == 150


def test_repeated_and_zero_neurons_of_half_precision() -> None:
    rows = samples.random(0, 5, 300)
    W = torch.cat([rows, -rows, 4 * rows, torch.zeros(200, 300, dtype=torch.float64)]).bfloat16()
    assert int(measures.numerical_rank(W)) == 5
    assert int(measures.numerical_rank(torch.zeros(200, 300, dtype=torch.bfloat16))) == 0
    assert measures.numerical_rank(torch.stack((W, 0 * W))).tolist() == [5, 0]


def test_a_value_at_the_tolerance_is_not_above_it() -> None:
    W = torch.diag(torch.tensor([4.0, 2.0, 1.0, 0.0], dtype=torch.float64))
    assert int(measures.numerical_rank(W, rtol=0.5)) == 1
    assert int(measures.numerical_rank(W, rtol=0.25)) == 2
    assert int(measures.numerical_rank(W, rtol=0.0)) == 3


def test_bad_tolerance() -> None:
    with pytest.raises(ValueError, match="rtol"):
        measures.numerical_rank(torch.eye(2), rtol=2.0)
    with pytest.raises(TypeError, match="rtol: expected a number, got 'a'"):
        measures.numerical_rank(torch.eye(2), rtol="a")
