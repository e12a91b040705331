from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures
from lowcomplex.measures import (
    effective_rank,
    kernel_alignment,
    kernel_drift,
    kernel_spectrum,
    target_spectrum,
)

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "kernel_alignment": lambda c: measures.kernel_alignment(c * samples.KERNEL, samples.Y),
    "kernel_drift": lambda c: measures.kernel_drift(samples.KERNEL + torch.eye(9), c * samples.KERNEL),
    "kernel_spectrum": lambda c: measures.kernel_spectrum(c * samples.KERNEL),
    "target_spectrum": lambda c: measures.target_spectrum(
        c * (samples.KERNEL + torch.diag(samples.F)), c * samples.Y
    ),
}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), scale=st.sampled_from([1e-12, 1.0, 1e12]))
def test_alignment_and_drift_are_angles(seed: int, scale: float) -> None:
    features, y = samples.random(seed, 6, 4), samples.random(seed + 1, 6)
    kernel, other = features @ features.mT, torch.outer(y, y)
    cosine = float((kernel * other).sum() / (kernel.norm() * other.norm()))
    assert float(kernel_alignment(scale * kernel, y)) == pytest.approx(cosine)
    assert float(kernel_drift(kernel, scale * other)) == pytest.approx(1 - cosine)
    assert float(kernel_alignment(other, y)) == pytest.approx(1)
    assert float(kernel_drift(kernel, scale * kernel)) == pytest.approx(0, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), scale=st.sampled_from([1e-12, 1.0, 1e12]))
def test_spectrum_and_target_of_planted_modes(seed: int, scale: float) -> None:
    vectors = torch.linalg.qr(samples.random(seed, 6, 6)).Q
    eigenvalues = torch.tensor([5.0, 3.0, 1.0, 0.5, 0.5, 0.0], dtype=torch.float64)
    kernel = scale * (vectors * eigenvalues) @ vectors.mT
    kernel = (kernel + kernel.mT) / 2
    torch.testing.assert_close(kernel_spectrum(kernel), eigenvalues / 10, rtol=1e-9, atol=1e-12)
    p = eigenvalues[:5] / 10
    assert float(effective_rank(kernel)) == pytest.approx(math.exp(float(-(p * p.log()).sum())))
    y = vectors @ torch.tensor([3.0, 0.0, 4.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    shares = target_spectrum(kernel, scale * y)
    torch.testing.assert_close(
        shares[:3], torch.tensor([0.36, 0.0, 0.64], dtype=torch.float64), rtol=1e-8, atol=1e-9
    )
    several = target_spectrum(kernel, torch.stack((y, y), 1))
    torch.testing.assert_close(several, shares, rtol=1e-8, atol=1e-9)


def test_shares_of_a_zero_kernel_and_of_zero_targets_are_nan() -> None:
    assert kernel_spectrum(torch.zeros(2, 2)).isnan().all()
    assert target_spectrum(torch.eye(2), torch.zeros(2)).isnan().all()


@pytest.mark.parametrize("function", [kernel_spectrum, lambda k: target_spectrum(k, torch.ones(len(k)))])
def test_bad_kernels(function) -> None:
    with pytest.raises(ValueError, match="symmetric"):
        function(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="positive semidefinite"):
        function(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
    with pytest.raises(ValueError, match="kernel"):
        function(torch.ones(2, 3))
    with pytest.raises(ValueError, match="kernel: holds NaN"):
        function(torch.full((2, 2), math.nan))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_kernels_of_half_precision(dtype: torch.dtype) -> None:
    """Rounding may bend a kernel, but what is not symmetric or not positive is refused at any side."""
    features = samples.random(0, 200, 3)
    kernel = features @ features.mT
    exact = torch.linalg.eigvalsh(kernel).flip(0)
    found = kernel_spectrum(kernel.to(dtype))
    # All errors together, up to half a unit each, move an eigenvalue by less than their norm.
    torch.testing.assert_close(found[:3], exact[:3] / exact.sum(), rtol=0, atol=torch.finfo(dtype).eps)
    with pytest.raises(ValueError, match="symmetric"):
        kernel_spectrum(samples.random(1, 200, 200).to(dtype))
    with pytest.raises(ValueError, match="positive semidefinite"):
        kernel_spectrum((kernel - 0.1 * exact[0] * torch.eye(200)).to(dtype))


def test_bad_targets() -> None:
    for function in (kernel_alignment, target_spectrum):
        with pytest.raises(ValueError, match="kernel, targets"):
            function(torch.eye(2), torch.ones(3))
    with pytest.raises(ValueError, match="before, after"):
        kernel_drift(torch.eye(2), torch.eye(3))
