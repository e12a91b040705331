from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import attention_condensation
from lowcomplex.theorems.attention_condensation.formula import query_key_change
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix


def _draw(seed: int, width: int = 3) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    square = (width, width)
    return (
        rng.standard_normal(square),
        rng.standard_normal(square),
        rng.standard_normal(width),
        rng.standard_normal(width),
    )


def _data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 4, 3)), np.sign(rng.standard_normal(6))


def test_leading_flow_blows_up_at_the_predicted_time() -> None:
    value, hidden, readout, v = _draw(0)
    predicted = attention_condensation(value, hidden, readout, v, sigma=1.0, share=1e-3)

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        w, m, r = flat[:9].reshape(3, 3), flat[9:18].reshape(3, 3), flat[18:]
        return np.concatenate((np.outer(v, m @ r).ravel(), np.outer(w.T @ v, r).ravel(), m.T @ w.T @ v))

    start = np.concatenate((value.ravel(), hidden.ravel(), readout))
    before = 1e-3
    end = solve_ivp(
        slope, (0, predicted.blow_up_time - before), start, method="DOP853", rtol=1e-11, atol=1e-11
    ).y[:, -1]
    singular = np.linalg.svd(end[:9].reshape(3, 3))
    # Near the blow-up W_V has the norm 1 / (λ · time left), up to what does not grow.
    left = 1 / (np.linalg.norm(v) * singular[1][0])
    assert left == pytest.approx(before, rel=1e-4)
    size = (1e-3 / np.linalg.norm(v)) ** (1 / 3)
    assert singular[1][1] == pytest.approx(float(predicted.ratio) * size, rel=1e-3)
    tilt = np.linalg.norm(singular[0][:, 0] - v * (v @ singular[0][:, 0]) / (v @ v)) * singular[1][0]
    assert tilt == pytest.approx(float(predicted.tilt) * size, rel=1e-3)


def test_scaling_of_the_draw_is_sigma() -> None:
    value, hidden, readout, v = _draw(1)
    one = attention_condensation(value, hidden, readout, v, sigma=[1e-3, 1e-5], share=1e-3)
    two = attention_condensation(2 * value, 2 * hidden, 2 * readout, v, sigma=[5e-4, 5e-6], share=1e-3)
    np.testing.assert_allclose(one.time, two.time, rtol=1e-8)
    np.testing.assert_allclose(one.ratio, two.ratio, rtol=1e-8)
    np.testing.assert_allclose(one.tilt, two.tilt, rtol=1e-6)
    assert one.ratio[0] == pytest.approx(100 * one.ratio[1])


def test_rotations_change_nothing() -> None:
    value, hidden, readout, v = _draw(2)
    turn, other, third = (np.linalg.qr(matrix)[0] for matrix in np.random.default_rng(3).random((3, 3, 3)))
    one = attention_condensation(value, hidden, readout, v, sigma=1e-3, share=1e-3)
    two = attention_condensation(
        turn @ value @ other.T, other @ hidden @ third.T, third @ readout, turn @ v, sigma=1e-3, share=1e-3
    )
    np.testing.assert_allclose(one.time, two.time, rtol=1e-8)
    np.testing.assert_allclose(one.ratio, two.ratio, rtol=1e-7)
    np.testing.assert_allclose(one.tilt, two.tilt, rtol=1e-6)


def test_query_key_matrix_is_the_gradient_at_uniform_attention() -> None:
    x, y = _data(0)
    beta, scale = np.array([0.4, -0.7, 0.2]), 3**-0.5
    output = np.tanh(x.mean(1) @ beta)
    tokens, labels = torch.from_numpy(x), torch.from_numpy(y)
    pair = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    share = torch.softmax(scale * torch.einsum("nd,de,nse->ns", tokens[:, -1], pair, tokens), 1)
    f = torch.tanh(torch.einsum("ns,nsd,d->n", share, tokens, torch.from_numpy(beta)))
    (gradient,) = torch.autograd.grad(torch.exp(-labels * f).mean(), pair)
    residuals = y * np.exp(-y * output) * (1 - output**2)
    np.testing.assert_allclose(query_key_matrix(x, residuals, beta), -gradient.numpy(), atol=1e-14)


def test_expressions_are_the_evaluator() -> None:
    value, hidden, readout, v = _draw(4)
    rate = float(np.linalg.norm(v))
    predicted = attention_condensation(value, hidden, readout, v, sigma=2e-4, share=1e-3)
    time = symbolic.function(attention_condensation, "T", "T_1", "sigma", "delta", "lambda")
    np.testing.assert_allclose(time(predicted.blow_up_time, 2e-4, 1e-3, rate), predicted.time)
    unit = attention_condensation(value, hidden, readout, v, sigma=1.0, share=1e-3)
    size = symbolic.function(attention_condensation, "a", "delta", "lambda")(1e-3, rate)
    for name, symbol, at_one, measured in (
        ("s_2/s_1", "r_2", unit.ratio, predicted.ratio),
        ("tilt", "r_1", unit.tilt, predicted.tilt),
    ):
        formula = symbolic.function(attention_condensation, name, symbol, "sigma", "delta", "lambda")
        np.testing.assert_allclose(formula(at_one * size, 2e-4, 1e-3, rate), measured)


def test_query_key_change_expression_and_scale() -> None:
    x, y = _data(1)
    rng = np.random.default_rng(1)
    query, key = rng.standard_normal((2, 3, 2))
    v = condensation_vector(x, y)
    rate = float(np.linalg.norm(v))
    matrix = query_key_matrix(x, y, v / rate)
    force = np.sqrt(np.square(matrix @ key).sum() + np.square(matrix.T @ query).sum())
    force /= np.sqrt(np.square(query).sum() + np.square(key).sum())
    formula = symbolic.function(attention_condensation, "query-key change", "phi", "delta", "lambda")
    change = query_key_change(query, key, x, y, share=[1e-4, 1e-3])
    np.testing.assert_allclose(change, formula(force, np.array([1e-4, 1e-3]), rate))
    np.testing.assert_allclose(change, query_key_change(1e-9 * query, 1e-9 * key, x, y, share=[1e-4, 1e-3]))


def test_condensation_vector_is_the_correlation_with_mean_tokens() -> None:
    x = np.array([[[1.0, 0.0], [3.0, 2.0]], [[0.0, 1.0], [0.0, 3.0]]])
    np.testing.assert_allclose(condensation_vector(x, [1, -1]), [1.0, -0.5])


def test_bad_input() -> None:
    value, hidden, readout, v = _draw(0)
    x, y = _data(0)
    with pytest.raises(ValueError, match="v: is zero"):
        attention_condensation(value, hidden, readout, 0 * v, sigma=1e-3, share=1e-3)
    with pytest.raises(ValueError, match="does not blow up"):
        attention_condensation(0 * value, 0 * hidden, 0 * readout, v, sigma=1e-3, share=1e-3)
    with pytest.raises(ValueError, match="hold NaN"):
        attention_condensation(np.nan * value, hidden, readout, v, sigma=1e-3, share=1e-3)
    with pytest.raises(ValueError, match="expected σ > 0"):
        attention_condensation(value, hidden, readout, v, sigma=0.0, share=1e-3)
    with pytest.raises(ValueError, match="value, hidden, readout, v: expected"):
        attention_condensation(value, hidden[:2], readout, v, sigma=1e-3, share=1e-3)
    with pytest.raises(ValueError, match="1 and -1"):
        condensation_vector(x, 2 * y)
    with pytest.raises(ValueError, match="NaN"):
        condensation_vector(np.nan * x, y)
    with pytest.raises(ValueError, match=r"\(n, s, d\)"):
        condensation_vector(x[0], y)
    with pytest.raises(ValueError, match="residuals"):
        query_key_matrix(x, y[:2], v)


def test_regime() -> None:
    regime = attention_condensation.regime
    assert regime(sigma=1e-4, share=1e-3, rate=0.3)
    assert "δ = 0.1" in regime(sigma=1e-4, share=0.1, rate=0.3).reason
    assert "σ = 0.1" in regime(sigma=0.1, share=1e-3, rate=0.3).reason
