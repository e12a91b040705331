from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "product_singular_values": lambda c: measures.product_singular_values(c * samples.W, c * samples.V),
    "scaled_product": lambda c: measures.scaled_product(c * samples.W, c * samples.V),
}


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    seed=st.integers(0, 2**31),
    exponent=st.integers(-12, 12),
)
def test_agrees_with_the_plain_product(sizes: list[int], seed: int, exponent: int) -> None:
    factors = [samples.random(seed + i, m, n) for i, (m, n) in enumerate(pairwise(sizes))]
    plain = factors[0]
    for factor in factors[1:]:
        plain = plain @ factor
    scaled = [factor * 10.0**exponent for factor in factors]
    torch.testing.assert_close(
        measures.scaled_product(*scaled), plain / plain.abs().max(), rtol=1e-9, atol=1e-12
    )
    s = torch.linalg.svdvals(plain)[: min(sizes)]
    torch.testing.assert_close(measures.product_singular_values(*scaled), s / s[0], rtol=1e-9, atol=1e-12)


def test_twenty_factors_beyond_the_range_of_floating_point() -> None:
    factors = [1e-30 * samples.random(i, 3, 3).float() for i in range(20)]
    values = measures.product_singular_values(*factors)
    assert torch.isfinite(values).all()
    # log of the product of all singular values is that of the determinants.
    rescaled = [factor.double() / 1e-30 for factor in factors]
    product = rescaled[0]
    for factor in rescaled[1:]:
        product = product @ factor
    torch.testing.assert_close(
        measures.effective_rank(measures.scaled_product(*factors)), measures.effective_rank(product)
    )


def test_an_attention_circuit_is_as_wide_as_its_head() -> None:
    query, key = samples.random(0, 8, 64), samples.random(1, 8, 64)
    values = measures.product_singular_values(query.mT, key)
    assert values.shape == (8,)
    expected = torch.linalg.svdvals(query.mT @ key)
    torch.testing.assert_close(values, expected[:8] / expected[0])
    assert int(measures.numerical_rank(measures.scaled_product(query.mT, key))) == 8


def test_a_narrow_dimension_bounds_the_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    decomposed = []
    inner = torch.linalg.svdvals
    monkeypatch.setattr(torch.linalg, "svdvals", lambda W: decomposed.append(tuple(W.shape)) or inner(W))
    measures.product_singular_values(
        samples.random(0, 40, 20), samples.random(1, 20, 3), samples.random(2, 3, 30)
    )
    assert decomposed == [(3, 3)]


def test_batches_and_gradients() -> None:
    left, right = samples.random(0, 3, 4, 2), samples.random(1, 3, 2, 5)
    one_by_one = torch.stack(
        [measures.product_singular_values(a, b) for a, b in zip(left, right, strict=True)]
    )
    torch.testing.assert_close(measures.product_singular_values(left, right), one_by_one)
    assert torch.autograd.gradcheck(
        lambda a, b: measures.effective_rank(measures.scaled_product(a, b)),
        (left[0].requires_grad_(), right[0].requires_grad_()),
    )


def test_a_zero_product_has_no_spectrum() -> None:
    assert measures.product_singular_values(torch.zeros(2, 2), torch.eye(2)).isnan().all()


@pytest.mark.parametrize("function", [measures.scaled_product, measures.product_singular_values])
def test_bad_input(function) -> None:
    with pytest.raises(ValueError, match="at least one"):
        function()
    with pytest.raises(ValueError, match="inner sizes differ"):
        function(torch.ones(2, 3), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"factors\[1\]: holds NaN"):
        function(torch.ones(2, 2), torch.full((2, 2), torch.nan))
