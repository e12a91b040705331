import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import samples
from lowcomplex import measures

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "rank_measures": lambda c: measures.rank_measures(c * samples.W),
}

MEASURES = [
    measures.effective_rank,
    measures.stable_rank,
    measures.participation_ratio,
    measures.nuclear_rank,
    measures.numerical_rank,
    measures.spectral_entropy,
]
sizes = st.integers(1, 7)
seeds = st.integers(0, 2**31)


def _with_singular_values(s: list[float], m: int = 6, n: int = 5) -> Tensor:
    left = torch.linalg.qr(samples.random(1, m, m)).Q[:, : len(s)]
    right = torch.linalg.qr(samples.random(2, n, n)).Q[:, : len(s)]
    return left * torch.tensor(s, dtype=torch.float64) @ right.mT


def test_closed_forms() -> None:
    s = [4.0, 2.0, 1.0, 1.0]
    W = _with_singular_values(s)
    p = [x / 8 for x in s]
    entropy = -sum(x * math.log(x) for x in p)
    assert float(measures.effective_rank(W)) == pytest.approx(math.exp(entropy))
    assert float(measures.spectral_entropy(W)) == pytest.approx(entropy)
    assert float(measures.stable_rank(W)) == pytest.approx(22 / 16)
    assert float(measures.participation_ratio(W)) == pytest.approx(22**2 / (256 + 16 + 2))
    assert float(measures.nuclear_rank(W)) == pytest.approx(2.0)
    assert int(measures.numerical_rank(W)) == 4
    assert int(measures.numerical_rank(W, rtol=0.3)) == 2


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=25, deadline=None)
@given(m=sizes, n=sizes, seed=seeds, exponent=st.integers(-12, 12))
def test_invariant_under_scale_rotation_and_transposition(measure, m, n, seed, exponent) -> None:
    W = samples.random(seed, m, n)
    expected = measure(W)
    rotation = torch.linalg.qr(samples.random(seed + 1, m, m)).Q
    for changed in (W * 10.0**exponent, rotation @ W, W.mT, -W):
        torch.testing.assert_close(measure(changed), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("measure", MEASURES[:4])
@settings(max_examples=25, deadline=None)
@given(m=sizes, n=sizes, seed=seeds)
def test_between_one_and_full_rank(measure, m, n, seed) -> None:
    value = float(measure(samples.random(seed, m, n)))
    assert 1 - 1e-9 <= value <= min(m, n) + 1e-9


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_nearly_rank_one_matrix_in_single_precision(scale: float) -> None:
    u, v = samples.random(0, 1000, 1), samples.random(1, 1, 384)
    W = (scale * (u @ v + 1e-6 * samples.random(2, 1000, 384))).float()
    s = torch.linalg.svdvals(W.double())
    p = s / s.sum()
    oracle = math.exp(float(-(p * p.log()).sum()))
    assert float(measures.effective_rank(W.double())) == pytest.approx(oracle, rel=1e-6)
    assert float(measures.effective_rank(W)) == pytest.approx(oracle, rel=1e-6)


@pytest.mark.parametrize("measure", MEASURES[:4])
def test_gradients(measure) -> None:
    W = samples.random(0, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(measure, (W,))


def test_zero_matrix_has_no_rank_measure() -> None:
    values = measures.rank_measures(torch.stack([torch.zeros(3, 3), torch.eye(3)]))
    assert int(values.pop("numerical_rank")[0]) == 0
    for value in values.values():
        assert torch.isnan(value[0])
        assert torch.isfinite(value[1])


@pytest.mark.parametrize(
    "bad", [torch.ones(3), torch.ones(3, 0), torch.tensor([[math.nan]]), torch.tensor([[math.inf]])]
)
def test_bad_values_are_refused(bad: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^W: "):
        measures.rank_measures(bad)
