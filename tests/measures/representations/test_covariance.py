import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "covariance_dimensions": lambda c: measures.covariance_dimensions(c * samples.X),
    "covariance_spectrum": lambda c: measures.covariance_spectrum(c * samples.X),
}


def test_agrees_with_numpy_covariance() -> None:
    X = samples.random(0, 40, 6) * torch.tensor([5.0, 3.0, 1.0, 1.0, 0.1, 0.01])
    eigenvalues = np.linalg.eigvalsh(np.cov(X.numpy().T))[::-1]
    p = eigenvalues / eigenvalues.sum()
    np.testing.assert_allclose(measures.covariance_spectrum(X).numpy(), p, rtol=1e-9)
    found = measures.covariance_dimensions(X)
    assert float(found["effective_rank"]) == pytest.approx(math.exp(-(p * np.log(p)).sum()))
    assert float(found["participation_ratio"]) == pytest.approx(1 / (p**2).sum())
    assert float(found["intrinsic_dimension"]) == pytest.approx(1 / p[0])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 9), d=st.integers(1, 6), seed=st.integers(0, 2**31), exponent=st.integers(-12, 12))
def test_invariant_under_scale_shift_rotation_and_order(n: int, d: int, seed: int, exponent: int) -> None:
    X = samples.random(seed, n, d)
    expected = measures.covariance_spectrum(X)
    rotation = torch.linalg.qr(samples.random(seed + 1, d, d)).Q
    for changed in (X * 10.0**exponent, X @ rotation, X + 3.0, X.flip(0)):
        torch.testing.assert_close(measures.covariance_spectrum(changed), expected, rtol=1e-7, atol=1e-9)


def test_a_large_mean_hides_the_dimensions_unless_it_is_subtracted() -> None:
    X = samples.random(0, 2000, 5) + 100
    assert float(measures.covariance_dimensions(X)["participation_ratio"]) == pytest.approx(5, rel=0.01)
    assert float(measures.covariance_dimensions(X, center=False)["participation_ratio"]) < 1.01


def test_single_precision_far_from_zero() -> None:
    X = (samples.random(0, 500, 4) + 1000).float()
    assert float(measures.covariance_dimensions(X)["effective_rank"]) == pytest.approx(
        float(measures.covariance_dimensions(X.double())["effective_rank"]), rel=1e-6
    )


def test_batch_equals_one_by_one() -> None:
    X = samples.random(0, 3, 7, 4)
    torch.testing.assert_close(
        measures.covariance_spectrum(X), torch.stack([measures.covariance_spectrum(x) for x in X])
    )


def test_samples_that_do_not_differ_have_no_spectrum() -> None:
    assert measures.covariance_spectrum(torch.full((7, 3), 0.1)).isnan().all()


@pytest.mark.parametrize("function", [measures.covariance_spectrum, measures.covariance_dimensions])
def test_bad_input(function) -> None:
    with pytest.raises(ValueError, match="at least two samples"):
        function(torch.ones(1, 3))
    with pytest.raises(ValueError, match="X: holds NaN"):
        function(torch.full((3, 3), torch.nan))
    with pytest.raises(TypeError, match="X: expected floating-point"):
        function(torch.ones(3, 3, dtype=torch.long))
