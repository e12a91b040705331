from __future__ import annotations

import pytest
import torch

from lowcomplex import measures


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(2, 400), (400, 2)])
def test_default_tolerance_is_the_larger_side_in_rounding_units(shape, dtype: torch.dtype) -> None:
    for units, rank in ((1, 1), (100, 1), (399, 1), (401, 2), (1000, 2)):
        W = torch.zeros(shape, dtype=dtype)
        W[0, 0], W[1, 1] = 1.0, units * torch.finfo(dtype).eps
        assert int(measures.numerical_rank(W)) == rank
        assert int(measures.rank_measures(W)["numerical_rank"]) == rank


def test_a_value_at_the_tolerance_is_not_above_it() -> None:
    W = torch.diag(torch.tensor([4.0, 2.0, 1.0, 0.0], dtype=torch.float64))
    assert int(measures.numerical_rank(W, rtol=0.5)) == 1
    assert int(measures.numerical_rank(W, rtol=0.25)) == 2
    assert int(measures.numerical_rank(W, rtol=0.0)) == 3


def test_bad_tolerance() -> None:
    with pytest.raises(ValueError, match="rtol"):
        measures.numerical_rank(torch.eye(2), rtol=2.0)
