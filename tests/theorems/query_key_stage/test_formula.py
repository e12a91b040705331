from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import query_key_stage
from lowcomplex.theorems.query_key_stage.formula import (
    escape_from_plateau,
    query_rank_exponent,
    value_plateau,
    value_velocity,
)


def _pair(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 2)), rng.standard_normal((4, 2)), rng.standard_normal((4, 4))


def _data(seed: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((50, 3, 3))
    return x, np.sign(x.mean(1) @ rng.standard_normal(3) + noise * rng.standard_normal(50))


def test_solves_the_linear_flow() -> None:
    query, key, matrix = _pair(0)

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        q, k = flat.reshape(2, 4, 2)
        return np.stack((matrix @ k, matrix.T @ q)).ravel()

    end = solve_ivp(
        slope, (0, 1.5), np.stack((query, key)).ravel(), method="DOP853", rtol=1e-11, atol=1e-12
    ).y[:, -1]
    predicted = query_key_stage(query, key, matrix, 1.5)
    np.testing.assert_allclose(np.stack((predicted.query, predicted.key)).ravel(), end, rtol=1e-8)
    np.testing.assert_allclose(predicted.loss_drop, (matrix * (predicted.query @ predicted.key.T)).sum())


def test_expressions_are_the_evaluator() -> None:
    query, key, matrix = _pair(1)
    left, singular, right = np.linalg.svd(matrix)
    predicted = query_key_stage(query, key, matrix, 0.7)
    for name, frame, measured in (("q(t)", left.T, predicted.query), ("k(t)", right, predicted.key)):
        formula = symbolic.function(query_key_stage, name, "q_0", "k_0", "s", "t")
        expected = formula(left.T @ query, right @ key, singular[:, None], 0.7)
        np.testing.assert_allclose(frame @ measured, expected, rtol=1e-12)
    grown = float(np.linalg.norm(left[:, 0] @ query + right[0] @ key))
    escape = symbolic.function(query_key_stage, "escape", "Delta", "s_1", "p")
    assert escape_from_plateau(query, key, matrix, drop=9.0) == pytest.approx(escape(9.0, singular[0], grown))
    exponent = symbolic.function(query_key_stage, "collapse exponent", "s_1", "s_2")
    assert query_rank_exponent(matrix) == pytest.approx(exponent(*singular[:2]))


def test_rank_falls_and_the_escape_is_where_the_drop_is_reached() -> None:
    query, key, matrix = _pair(2)
    small = 1e-8
    time = escape_from_plateau(small * query, small * key, matrix, drop=1e-3)
    predicted = query_key_stage(small * query, small * key, matrix, [0.0, time])
    assert predicted.loss_drop[1] == pytest.approx(1e-3, rel=1e-2)
    ratios = np.linalg.svd(predicted.query, compute_uv=False)
    ratios = ratios[:, 1] / ratios[:, 0]
    assert ratios[1] < 10 * ratios[0] * small ** query_rank_exponent(matrix)
    turned = np.linalg.svd(predicted.query[1])[0][:, 0] @ np.linalg.svd(matrix)[0][:, 0]
    assert abs(turned) == pytest.approx(1, abs=10 * ratios[1])


def test_linear_in_its_start_and_right_for_what_shrinks() -> None:
    query, key, matrix = _pair(3)
    one = query_key_stage(query, key, matrix, 3.0)
    tiny = query_key_stage(1e-12 * query, 1e-12 * key, matrix, 3.0)
    np.testing.assert_allclose(tiny.query, 1e-12 * one.query, rtol=1e-12)
    left, singular, right = np.linalg.svd(matrix)
    shrinking = query_key_stage(left @ query, -right.T @ query, matrix, 1.0)
    np.testing.assert_allclose(left.T @ shrinking.query, np.exp(-singular)[:, None] * query, atol=1e-12)


def test_plateau_is_stationary_and_its_matrix_is_the_gradient() -> None:
    x, y = _data(0)
    plateau = value_plateau(x, y)
    tokens, labels = torch.from_numpy(x), torch.from_numpy(y)
    beta = torch.from_numpy(plateau.direction).requires_grad_()
    pair = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    share = torch.softmax(torch.einsum("nd,de,nse->ns", tokens[:, -1], pair, tokens) / 3**0.5, 1)
    output = torch.tanh(torch.einsum("ns,nsd,d->n", share, tokens, beta))
    loss = torch.exp(-labels * output).mean()
    by_beta, by_pair = torch.autograd.grad(loss, (beta, pair))
    assert by_beta.norm() < 1e-13
    assert loss.item() == pytest.approx(plateau.loss, abs=1e-14)
    np.testing.assert_allclose(plateau.matrix, -by_pair.numpy(), atol=1e-13)


def test_rates_are_those_of_a_condensed_value_path() -> None:
    x, y = _data(1)
    plateau = value_plateau(x, y)
    pooled = x.mean(1)
    size = np.linalg.norm(plateau.direction) ** (1 / 3)
    unit = plateau.direction / size**3

    def gradient(flat: np.ndarray) -> np.ndarray:
        w, m, r = flat[:3], flat[3], flat[4]
        output = np.tanh(pooled @ (w * m * r))
        towards = (y * np.exp(-y * output) * (1 - output**2)) @ pooled / len(y)
        return np.concatenate((towards * m * r, [towards @ w * r, towards @ w * m]))

    at = np.concatenate((size * unit, [size, size]))
    step = 1e-6
    jacobian = np.stack(
        [(gradient(at + step * e) - gradient(at - step * e)) / (2 * step) for e in np.eye(5)], axis=1
    )
    rates = np.sort(-np.linalg.eigvalsh((jacobian + jacobian.T) / 2))
    np.testing.assert_allclose(rates[-3:], plateau.rates, rtol=1e-6)
    np.testing.assert_allclose(rates[:2], 0, atol=1e-6)


def test_velocity_is_that_of_a_condensed_balanced_value_path() -> None:
    x, y = _data(1)
    pooled = x.mean(1)
    beta = np.random.default_rng(0).standard_normal((2, 3))
    for direction, velocity in zip(beta, value_velocity(beta, x, y), strict=True):
        size = np.linalg.norm(direction) ** (1 / 3)
        hidden = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 2)))[0].T
        value = np.outer(direction / size**2, hidden[0])
        middle, readout = size * np.outer(hidden[0], hidden[1]), size * hidden[1]
        output = np.tanh(pooled @ direction)
        towards = (y * np.exp(-y * output) * (1 - output**2)) @ pooled / len(y)
        moved = (
            np.outer(towards, middle @ readout) @ middle @ readout
            + value @ np.outer(value.T @ towards, readout) @ readout
            + value @ middle @ (middle.T @ value.T @ towards)
        )
        np.testing.assert_allclose(velocity, moved, rtol=1e-12)


def test_modes_near_the_plateau_fall_at_their_rates() -> None:
    x, y = _data(1)
    plateau = value_plateau(x, y)
    offset = 1e-5 * np.random.default_rng(2).standard_normal((4, 3))
    velocity = value_velocity(plateau.direction + offset, x, y)
    expected = -plateau.rates * (offset @ plateau.modes.T)
    np.testing.assert_allclose(velocity @ plateau.modes.T, expected, atol=1e-9)


def test_rotation_of_tokens_rotates_the_plateau() -> None:
    x, y = _data(1)
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    one, two = value_plateau(x, y), value_plateau(x @ turn.T, y)
    np.testing.assert_allclose(two.direction, turn @ one.direction, rtol=1e-8)
    np.testing.assert_allclose(two.matrix, turn @ one.matrix @ turn.T, atol=1e-9)


def test_separable_data_have_no_plateau() -> None:
    with pytest.raises(ValueError, match="there is no plateau"):
        value_plateau(*_data(0, noise=0.0))


def test_bad_input() -> None:
    query, key, matrix = _pair(0)
    with pytest.raises(ValueError, match="query, key, matrix: expected"):
        query_key_stage(query, key[:2], matrix, 1.0)
    with pytest.raises(ValueError, match="hold NaN"):
        query_key_stage(query, key, np.nan * matrix, 1.0)
    with pytest.raises(ValueError, match="drop"):
        escape_from_plateau(query, key, matrix, drop=0.0)
    with pytest.raises(ValueError, match="matrix: is zero"):
        escape_from_plateau(query, key, 0 * matrix, drop=1.0)
    with pytest.raises(ValueError, match="no largest singular value"):
        query_rank_exponent(np.eye(3))
    with pytest.raises(ValueError, match="without zero vectors"):
        value_velocity(np.zeros(3), *_data(0))
    x, y = _data(0)
    with pytest.raises(ValueError, match="1 and -1"):
        value_plateau(x, 0 * y)
    with pytest.raises(ValueError, match="v is zero"):
        value_plateau(0 * x, y)


def test_regime() -> None:
    regime = query_key_stage.regime
    assert regime(query_key=1e-8, ratio=1.5, gap=0.5)
    assert "no plateau" in regime(query_key=1e-2, ratio=1.5, gap=0.5).reason
    assert "no gap" in regime(query_key=1e-8, ratio=1.5, gap=0.0).reason
