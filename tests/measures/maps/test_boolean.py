from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from torch import Tensor

from lowcomplex.measures import (
    degree_weights,
    sampled_coefficients,
    sampled_total_influence,
    sensitivity,
    total_influence,
    walsh_spectrum,
)

seeds = st.integers(0, 2**31 - 1)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _cube(variables: int) -> Tensor:
    """(2^n, n) entries ±1, in the order of the values."""
    bits = (torch.arange(2**variables)[:, None] >> torch.arange(variables)) & 1
    return 1.0 - 2.0 * bits.double()


@settings(max_examples=25, deadline=None)
@given(seed=seeds, variables=st.integers(1, 8), exponent=st.integers(-12, 12))
def test_is_the_product_with_the_hadamard_matrix(seed: int, variables: int, exponent: int) -> None:
    values = 10.0**exponent * _random(seed, 3, 2**variables)
    expected = values.numpy() @ hadamard(2**variables) / 2**variables
    np.testing.assert_allclose(walsh_spectrum(values), expected, rtol=1e-9, atol=1e-12 * 10.0**exponent)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, variables=st.integers(1, 8))
def test_parseval_and_inversion(seed: int, variables: int) -> None:
    values = _random(seed, 2**variables)
    coefficients = walsh_spectrum(values)
    torch.testing.assert_close(coefficients.square().sum(), values.square().mean())
    torch.testing.assert_close(walsh_spectrum(coefficients) * 2**variables, values)
    torch.testing.assert_close(degree_weights(values).sum(), values.square().mean())


def test_characters_and_majority() -> None:
    x = _cube(5)
    spectrum = walsh_spectrum(x[:, 0] * x[:, 3])
    assert torch.equal(torch.nonzero(spectrum).squeeze(1), torch.tensor([0b01001]))
    majority = _cube(3).sum(1).sign()
    torch.testing.assert_close(
        walsh_spectrum(majority), torch.tensor([0, 0.5, 0.5, 0, 0.5, 0, 0, -0.5], dtype=torch.float64)
    )
    torch.testing.assert_close(
        degree_weights(majority), torch.tensor([0, 0.75, 0, 0.25], dtype=torch.float64)
    )


@settings(max_examples=25, deadline=None)
@given(seed=seeds, variables=st.integers(1, 7))
def test_influence_is_counted_by_flipping_every_bit(seed: int, variables: int) -> None:
    values = _random(seed, 2, 2**variables)
    index = torch.arange(2**variables)
    flips = torch.stack([values[:, index ^ (1 << bit)] for bit in range(variables)])
    expected = ((values - flips) / 2).square().mean(-1).sum(0)
    torch.testing.assert_close(total_influence(values), expected)
    signs = values.sign()
    changed = (signs != flips.sign()).double().mean(-1).sum(0)
    torch.testing.assert_close(total_influence(signs), changed)
    torch.testing.assert_close(sensitivity(values).mean(-1), expected)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_degrees_do_not_depend_on_the_names_of_the_variables(seed: int) -> None:
    values = _random(seed, 2**6)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed)).tolist()
    renamed = values.view(2, 2, 2, 2, 2, 2).permute(order).flatten()
    torch.testing.assert_close(degree_weights(renamed), degree_weights(values))


def test_a_million_points_in_single_precision() -> None:
    x = torch.randn(2**20, generator=torch.Generator().manual_seed(0))
    coefficients = walsh_spectrum(x)
    assert coefficients.dtype == torch.float32
    assert float(coefficients.double().square().sum()) == pytest.approx(float(x.double().square().mean()))


def test_gradients_pass() -> None:
    values = _random(0, 8).requires_grad_()
    assert torch.autograd.gradcheck(total_influence, (values,))


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


@pytest.mark.parametrize("points", [1, 3, 12])
def test_bad_number_of_values(points: int) -> None:
    with pytest.raises(ValueError, match="values"):
        walsh_spectrum(torch.ones(points))


def test_bad_input() -> None:
    with pytest.raises(TypeError, match="floating"):
        walsh_spectrum(torch.ones(4, dtype=torch.long))
    with pytest.raises(ValueError, match="NaN"):
        total_influence(torch.tensor([1.0, math.nan]))
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


def test_sensitivity_of_known_functions() -> None:
    bits = _cube(4)
    parity, conjunction = bits.prod(-1), bits.amin(-1)
    assert (sensitivity(parity) == 4).all()
    assert sorted(sensitivity(conjunction).tolist())[-1] == 4
    assert float(sensitivity(conjunction).sum()) == 8
