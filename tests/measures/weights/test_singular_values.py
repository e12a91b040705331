from __future__ import annotations

import pytest
import torch
from scipy.linalg import hadamard

import samples
from lowcomplex import measures

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {"singular_values": lambda c: measures.singular_values(c * samples.W)}


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


@pytest.mark.parametrize("shape", [(700, 9), (9, 700), (12, 12)])
def test_single_precision_agrees_with_double_in_a_mixed_batch(shape: tuple[int, int], monkeypatch) -> None:
    """One matrix goes by its Gram matrix, in slices; its neighbor, of rank one up to 1e-7, cannot."""
    monkeypatch.setattr("lowcomplex.measures._slices._NUMBERS", 500)
    m, n = shape
    nearly = samples.random(0, m, 1) @ samples.random(1, 1, n) + 1e-7 * samples.random(2, m, n)
    W = torch.stack([samples.random(3, m, n), nearly, torch.zeros(m, n)]).float()
    expected = torch.linalg.svdvals(W.double())
    expected = expected / W.double().abs().amax((-2, -1))[:, None]
    found = measures.singular_values(W)
    torch.testing.assert_close(found[:2], expected[:2], rtol=1e-6, atol=1e-12)
    assert found[2].isnan().all()
