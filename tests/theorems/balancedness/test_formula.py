from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lowcomplex.predictions import balancedness


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), step=st.floats(1e-4, 0.05))
def test_descent_of_a_relu_network_drifts_by_exactly_this(seed: int, step: float) -> None:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, y = draw(9, 3), draw(9)
    w, a = draw(5, 3).requires_grad_(), draw(5).requires_grad_()
    before = (a.square() - w.square().sum(1)).detach()
    output_gradients, input_gradients = [], []
    for _ in range(4):
        loss = ((x @ w.mT).relu() @ a - y).square().mean() / 2
        g_w, g_a = torch.autograd.grad(loss, (w, a))
        output_gradients.append(g_a.numpy())
        input_gradients.append(g_w.numpy())
        with torch.no_grad():
            w -= step * g_w
            a -= step * g_a
    drift = (a.square() - w.square().sum(1)).detach() - before
    predicted = balancedness(np.array(output_gradients), np.array(input_gradients), step=step)
    np.testing.assert_allclose(predicted, drift.numpy(), rtol=1e-6, atol=1e-12)


def test_the_conserved_rate_is_identically_zero() -> None:
    assert balancedness.expressions["rate of |w|² - p a² under gradient flow"] == 0


@pytest.mark.parametrize("degree", [2, 3])
def test_descent_of_a_power_network_drifts_by_exactly_this(degree: int) -> None:
    rng = np.random.default_rng(degree)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    w, a = 0.3 * rng.standard_normal((5, 3)), rng.standard_normal(5)
    before = degree * a**2 - np.square(w).sum(1)
    g_as, g_ws = [], []
    for _ in range(5):
        z = x @ w.T
        residual = (z**degree @ a - y) / 9
        g_as.append(residual @ z**degree)
        g_ws.append(((residual[:, None] * degree * z ** (degree - 1)) * a).T @ x)
        w, a = w - 1e-2 * g_ws[-1], a - 1e-2 * g_as[-1]
    drift = degree * a**2 - np.square(w).sum(1) - before
    predicted = balancedness(np.array(g_as), np.array(g_ws), step=1e-2, degree=degree)
    np.testing.assert_allclose(predicted, drift, atol=1e-13)
    assert np.abs(drift).max() > 1e-6


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="diverged"):
        balancedness(np.full((3, 4), np.nan), np.ones((3, 4, 2)), step=0.1)
    with pytest.raises(ValueError, match="degree"):
        balancedness(np.ones((3, 4)), np.ones((3, 4, 2)), step=0.1, degree=0)
    with pytest.raises(ValueError, match="output_gradients, input_gradients"):
        balancedness(np.ones((3, 4)), np.ones((3, 5, 2)), step=0.1)


def test_regime() -> None:
    assert balancedness.regime(homogeneous=True)
    assert not balancedness.regime(homogeneous=False)
