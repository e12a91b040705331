import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from torch import Tensor

import samples
from lowcomplex import measures

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "rank_measures": lambda c: measures.rank_measures(c * samples.W),
    "singular_values": lambda c: measures.singular_values(c * samples.W),
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


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _with_singular_values(s: list[float], m: int = 6, n: int = 5) -> Tensor:
    left = torch.linalg.qr(_random(1, m, m)).Q[:, : len(s)]
    right = torch.linalg.qr(_random(2, n, n)).Q[:, : len(s)]
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
    W = _random(seed, m, n)
    expected = measure(W)
    rotation = torch.linalg.qr(_random(seed + 1, m, m)).Q
    for changed in (W * 10.0**exponent, rotation @ W, W.mT, -W):
        torch.testing.assert_close(measure(changed), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("measure", MEASURES[:4])
@settings(max_examples=25, deadline=None)
@given(m=sizes, n=sizes, seed=seeds)
def test_between_one_and_full_rank(measure, m, n, seed) -> None:
    value = float(measure(_random(seed, m, n)))
    assert 1 - 1e-9 <= value <= min(m, n) + 1e-9


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_nearly_rank_one_matrix_in_single_precision(scale: float) -> None:
    u, v = _random(0, 1000, 1), _random(1, 1, 384)
    W = (scale * (u @ v + 1e-6 * _random(2, 1000, 384))).float()
    s = torch.linalg.svdvals(W.double())
    p = s / s.sum()
    oracle = math.exp(float(-(p * p.log()).sum()))
    assert float(measures.effective_rank(W.double())) == pytest.approx(oracle, rel=1e-6)
    assert float(measures.effective_rank(W)) == pytest.approx(oracle, rel=1e-6)


@pytest.mark.parametrize("measure", MEASURES[:4])
def test_gradients(measure) -> None:
    W = _random(0, 4, 3).requires_grad_()
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


def test_bad_tolerance() -> None:
    with pytest.raises(ValueError, match="rtol"):
        measures.numerical_rank(torch.eye(2), rtol=2.0)


@pytest.mark.parametrize("shape", [(700, 9), (9, 700), (12, 12)])
def test_single_precision_agrees_with_double_in_a_mixed_batch(shape: tuple[int, int], monkeypatch) -> None:
    """One matrix goes by its Gram matrix, in slices; its neighbor, of rank one up to 1e-7, cannot."""
    monkeypatch.setattr("lowcomplex.measures._slices._NUMBERS", 500)
    m, n = shape
    nearly = _random(0, m, 1) @ _random(1, 1, n) + 1e-7 * _random(2, m, n)
    W = torch.stack([_random(3, m, n), nearly, torch.zeros(m, n)]).float()
    expected = torch.linalg.svdvals(W.double())
    expected = expected / W.double().abs().amax((-2, -1))[:, None]
    found = measures.singular_values(W)
    torch.testing.assert_close(found[:2], expected[:2], rtol=1e-6, atol=1e-12)
    assert found[2].isnan().all()


# Three orthogonal columns of integers, each of norm 3.
THREE = torch.tensor([[1, 2, 2], [2, 1, -2], [2, -2, 1]])


@pytest.mark.parametrize("k", [96, 128, 192, 1024])
def test_single_precision_against_exact_singular_values(k: int) -> None:
    """Q diag(d) Qᵀ for an integer Q with QᵀQ = c I: entries exact, values c d, in every stripe of columns."""
    Q = torch.from_numpy(hadamard(k // 3 if k % 3 == 0 else k)).double()
    if k % 3 == 0:
        Q = torch.kron(THREE.double(), Q)
    d = torch.arange(1, k + 1, dtype=torch.float64)
    W = Q * d @ Q.mT
    assert torch.equal(W.float().double(), W)
    values = (Q[0] @ Q[0]) * d.flip(0) / W.abs().max()
    for V in (W, torch.cat((W, -W)), torch.cat((W, W), 1)):
        stretch = (V.numel() / W.numel()) ** 0.5
        torch.testing.assert_close(measures.singular_values(V.float()), stretch * values, rtol=1e-9, atol=0.0)


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
