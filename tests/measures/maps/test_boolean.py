from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import (
    degree_weights,
    sensitivity,
    total_influence,
    walsh_spectrum,
)

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "degree_weights": lambda c: measures.degree_weights(c * samples.BITS) / c**2,
    "sensitivity": lambda c: measures.sensitivity(c * samples.BITS) / c**2,
    "total_influence": lambda c: measures.total_influence(c * samples.BITS) / c**2,
    "walsh_spectrum": lambda c: measures.walsh_spectrum(c * samples.BITS) / c,
}

seeds = st.integers(0, 2**31 - 1)


def _cube(variables: int) -> Tensor:
    """(2^n, n) entries ±1, in the order of the values."""
    bits = (torch.arange(2**variables)[:, None] >> torch.arange(variables)) & 1
    return 1.0 - 2.0 * bits.double()


@settings(max_examples=25, deadline=None)
@given(seed=seeds, variables=st.integers(1, 8), exponent=st.integers(-12, 12))
def test_is_the_product_with_the_hadamard_matrix(seed: int, variables: int, exponent: int) -> None:
    values = 10.0**exponent * samples.random(seed, 3, 2**variables)
    expected = values.numpy() @ hadamard(2**variables) / 2**variables
    np.testing.assert_allclose(walsh_spectrum(values), expected, rtol=1e-9, atol=1e-12 * 10.0**exponent)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, variables=st.integers(1, 8))
def test_parseval_and_inversion(seed: int, variables: int) -> None:
    values = samples.random(seed, 2**variables)
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
    values = samples.random(seed, 2, 2**variables)
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
    values = samples.random(seed, 2**6)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed)).tolist()
    renamed = values.view(2, 2, 2, 2, 2, 2).permute(order).flatten()
    torch.testing.assert_close(degree_weights(renamed), degree_weights(values))


def test_a_million_points_in_single_precision() -> None:
    x = torch.randn(2**20, generator=torch.Generator().manual_seed(0))
    coefficients = walsh_spectrum(x)
    assert coefficients.dtype == torch.float32
    assert float(coefficients.double().square().sum()) == pytest.approx(float(x.double().square().mean()))


def test_gradients_pass() -> None:
    values = samples.random(0, 8).requires_grad_()
    assert torch.autograd.gradcheck(total_influence, (values,))


@pytest.mark.parametrize("points", [1, 3, 12])
def test_bad_number_of_values(points: int) -> None:
    with pytest.raises(ValueError, match="values"):
        walsh_spectrum(torch.ones(points))


def test_bad_input() -> None:
    with pytest.raises(TypeError, match="floating"):
        walsh_spectrum(torch.ones(4, dtype=torch.long))
    with pytest.raises(ValueError, match="NaN"):
        total_influence(torch.tensor([1.0, math.nan]))


def test_sensitivity_of_known_functions() -> None:
    bits = _cube(4)
    parity, conjunction = bits.prod(-1), bits.amin(-1)
    assert (sensitivity(parity) == 4).all()
    assert sorted(sensitivity(conjunction).tolist())[-1] == 4
    assert float(sensitivity(conjunction).sum()) == 8
