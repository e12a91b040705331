from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import sampled_coefficients, sampled_total_influence, total_influence

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "sampled_coefficients": lambda c: (
        measures.sampled_coefficients(
            lambda x: c * x[:, 0].double(), 2, [[0], [1]], samples=64, generator=samples.generator()
        ).value
        / c
    ),
    "sampled_total_influence": lambda c: (
        measures.sampled_total_influence(
            lambda x: c * x[:, 0].double(), 2, samples=64, generator=samples.generator()
        ).value
        / c**2
    ),
}


def _cube(variables: int) -> Tensor:
    """(2^n, n) entries ±1, in the order of the values."""
    bits = (torch.arange(2**variables)[:, None] >> torch.arange(variables)) & 1
    return 1.0 - 2.0 * bits.double()


def _function(x: Tensor) -> Tensor:
    return (x[:, 0] + 2 * x[:, 1] * x[:, 2] + 0.5 * x[:, :4].prod(1)).double()


def test_sampled_coefficients_agree_within_their_errors() -> None:
    sets = [(0,), (1, 2), (0, 1, 2, 3), (4,), ()]
    exact = torch.tensor([1.0, 2.0, 0.5, 0.0, 0.0], dtype=torch.float64)
    found = sampled_coefficients(
        _function, 60, sets, samples=70_000, generator=torch.Generator().manual_seed(0)
    )
    # Mean of f² is 5.25: each term's variance is that less the coefficient's square.
    expected = ((5.25 - exact.square()) / 70_000).sqrt()
    torch.testing.assert_close(found.standard_error, expected, rtol=0.05, atol=0)
    assert ((found.value - exact).abs() < 5 * found.standard_error).all()


def test_sampled_influence_agrees_within_its_error() -> None:
    exact = float(total_influence(_function(_cube(5))))
    assert exact == pytest.approx(1 + 2 * 4 + 4 * 0.25)
    pulls = []
    for seed in range(40):
        found = sampled_total_influence(
            _function, 30, samples=2_000, generator=torch.Generator().manual_seed(seed)
        )
        pulls.append((float(found.value) - exact) / float(found.standard_error))
    # Unbiased, with honest errors: 40 pulls of mean 0 and standard deviation 1.
    assert abs(np.mean(pulls)) < 5 / math.sqrt(40)
    assert 0.6 < np.std(pulls) < 1.5


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="sets"):
        sampled_coefficients(_function, 5, [(0, 5)])
    with pytest.raises(ValueError, match="sets"):
        sampled_coefficients(_function, 5, [(1, 1)])
    with pytest.raises(ValueError, match="samples"):
        sampled_total_influence(_function, 5, samples=1)
    with pytest.raises(ValueError, match="function: expected 10 values"):
        sampled_total_influence(lambda x: x, 5, samples=10)
    with pytest.raises(ValueError, match="function: its values"):
        sampled_total_influence(lambda x: x[:, 0] / 0, 5, samples=10)
