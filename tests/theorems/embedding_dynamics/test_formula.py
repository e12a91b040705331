from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symbolic
from lowcomplex.predictions import embedding_dynamics
from lowcomplex.theorems.embedding_dynamics.formula import (
    collapse_exponent,
    cosine_spread,
    early_cosines,
    row_cosines,
    top_space,
)
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix, token_drive

Start = tuple[np.ndarray, np.ndarray, np.ndarray]


def _start(seed: int, p: int = 5, q: int = 4, h: int = 6) -> Start:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((p, h)), rng.standard_normal((q, h)), rng.standard_normal((p, q))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    p=st.integers(1, 6),
    q=st.integers(1, 6),
    steps=st.integers(0, 40),
    share=st.floats(0.01, 0.5),
)
def test_is_what_the_linear_recursion_gives(seed: int, p: int, q: int, steps: int, share: float) -> None:
    left, right, drive = _start(seed, p, q)
    step = share / float(np.linalg.norm(drive, 2))
    predicted = embedding_dynamics(left, right, drive, time=steps * step, step=step)
    for _ in range(steps):
        left, right = left + step * drive @ right, right + step * drive.T @ left
    np.testing.assert_allclose(predicted.left, left, rtol=1e-9, atol=1e-9 * np.abs(left).max())
    np.testing.assert_allclose(predicted.right, right, rtol=1e-9, atol=1e-9 * np.abs(right).max())


def test_solves_the_flow() -> None:
    left, right, drive = _start(0)

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        a, b = state[: left.size].reshape(left.shape), state[left.size :].reshape(right.shape)
        return np.concatenate(((drive @ b).ravel(), (drive.T @ a).ravel()))

    state = np.concatenate((left.ravel(), right.ravel()))
    end = solve_ivp(slope, (0, 1.5), state, rtol=1e-11, atol=1e-12).y[:, -1]
    predicted = embedding_dynamics(left, right, drive, time=1.5)
    np.testing.assert_allclose(np.concatenate([part.ravel() for part in predicted]), end, rtol=1e-7)


def test_small_steps_tend_to_the_flow() -> None:
    left, right, drive = _start(1)
    flow = embedding_dynamics(left, right, drive, time=1.0).left
    errors = [
        np.abs(embedding_dynamics(left, right, drive, time=1.0, step=step).left - flow).max()
        for step in (1e-3, 1e-4)
    ]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.02)


def test_expressions_are_the_evaluator() -> None:
    left, right, value = 0.3, -0.8, 1.7
    for step, time, names in ((0.1, 0.9, ("l_N", "r_N")), (0.0, 0.9, ("l(t)", "r(t)"))):
        predicted = embedding_dynamics([[left]], [[right]], [[value]], time=time, step=step)
        for name, measured in zip(names, predicted, strict=True):
            if step:
                formula = symbolic.function(embedding_dynamics, name, "l_0", "r_0", "eta", "S", "N")
                expected = formula(left, right, step, value, time / step)
            else:
                expected = symbolic.function(embedding_dynamics, name, "l_0", "r_0", "S", "t")(
                    left, right, value, time
                )
            assert measured.item() == pytest.approx(expected, rel=1e-12)


def test_many_times_at_once() -> None:
    left, right, drive = _start(2)
    both = embedding_dynamics(np.stack((left, left)), np.stack((right, right)), drive, time=[0.5, 2.0])
    for index, time in enumerate((0.5, 2.0)):
        alone = embedding_dynamics(left, right, drive, time=time)
        np.testing.assert_allclose(both.left[index], alone.left, rtol=1e-12)
        np.testing.assert_allclose(both.right_cosines[index], alone.right_cosines, rtol=1e-10)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_scale_rotation_and_permutation_go_through(scale: float) -> None:
    left, right, drive = _start(3)
    plain = embedding_dynamics(left, right, drive, time=1.0)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    turned = embedding_dynamics(scale * left @ rotation, scale * right @ rotation, drive, time=1.0)
    np.testing.assert_allclose(turned.left / scale, plain.left @ rotation, atol=1e-10)
    order = [3, 0, 4, 1, 2]
    permuted = embedding_dynamics(left[order], right, drive[order], time=1.0)
    np.testing.assert_allclose(permuted.left, plain.left[order], atol=1e-10)


def test_what_is_orthogonal_to_the_drive_is_frozen() -> None:
    left, right, drive = _start(4)
    drive[2] = 0
    predicted = embedding_dynamics(left, right, drive, time=3.0)
    np.testing.assert_allclose(predicted.left[2], left[2], rtol=1e-12)


def test_collapses_to_the_top_space_at_its_rate() -> None:
    left, right, drive = _start(5)
    limit = top_space(left, right, drive)
    assert limit.dimension == 1
    largest = np.linalg.norm(drive, 2)
    ratios = []
    for time in (8.0, 9.0):
        at = embedding_dynamics(left, right, drive, time=time)
        values = np.linalg.svd(at.left, compute_uv=False)
        ratios.append(np.log(values[1] / values[0]))
    assert ratios[1] - ratios[0] == pytest.approx(-largest * collapse_exponent(drive), rel=1e-3)
    late = embedding_dynamics(left, right, drive, time=60 / largest)
    np.testing.assert_allclose(late.left * np.exp(-60), limit.left, atol=1e-4)
    np.testing.assert_allclose(late.right * np.exp(-60), limit.right, atol=1e-4)


def test_equal_top_values_keep_their_rank() -> None:
    left, right, _ = _start(6, 4, 4)
    drive = np.eye(4) - 1 / 4
    limit = top_space(left, right, drive)
    assert limit.dimension == 3
    assert np.linalg.matrix_rank(limit.left) == 3
    assert collapse_exponent(drive) == pytest.approx(1.0)
    assert collapse_exponent(np.eye(3), step=0.1) == 1.0


def test_collapse_exponent_of_a_discrete_step() -> None:
    drive = np.diag([2.0, 1.0])
    assert collapse_exponent(drive) == pytest.approx(0.5)
    assert collapse_exponent(drive, step=0.1) == pytest.approx(1 - np.log(1.1) / np.log(1.2))


def test_early_cosines_are_the_limit_from_a_start_at_zero() -> None:
    _, _, drive = _start(7)
    outputs = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0][:4]
    predicted = embedding_dynamics(np.zeros((5, 6)), outputs, drive, time=1e-5)
    np.testing.assert_allclose(predicted.left_cosines, early_cosines(drive), atol=1e-8)


def test_scatter_of_early_cosines_at_a_finite_width() -> None:
    width, rho = 200, 0.6
    rows = np.array([[1.0, 0.0], [rho, np.sqrt(1 - rho**2)]])
    outputs = np.random.default_rng(0).standard_normal((20_000, 2, width))
    scatter = np.abs(row_cosines(rows @ outputs)[:, 0, 1] - rho).mean()
    formula = symbolic.function(embedding_dynamics, "mean |cos - rho|", "h", "rho")
    assert scatter == pytest.approx(formula(width, rho), rel=0.03)
    assert cosine_spread(rho, width) == pytest.approx(formula(width, rho))
    with pytest.raises(ValueError, match="expected cosines"):
        cosine_spread(2.0, width)


def test_token_drive_is_frequency_times_label_distribution() -> None:
    rng = np.random.default_rng(0)
    tokens, labels = rng.integers(0, 5, (30, 3)), rng.integers(0, 7, 30)
    drive = token_drive(tokens, labels, 6, outputs=7)
    for token in range(5):
        counts = (tokens == token).sum(1)
        distribution = np.bincount(labels, counts, minlength=7) / counts.sum()
        np.testing.assert_allclose(drive[token], counts.sum() / 90 * (distribution - 1 / 7), atol=1e-15)
    np.testing.assert_array_equal(drive[5], 0)


def test_drive_is_the_gradient_of_cross_entropy_at_zero_logits() -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((9, 3)), rng.integers(0, 4, 9)
    drive = driving_matrix(x, centered_one_hot(labels, 4))

    def loss(matrix: np.ndarray) -> float:
        logits = x @ matrix.T
        return float((np.log(np.exp(logits).sum(1)) - logits[np.arange(9), labels]).mean())

    for entry in np.ndindex(4, 3):
        bump = np.zeros((4, 3))
        bump[entry] = 1e-5
        assert (loss(-bump) - loss(bump)) / 2e-5 == pytest.approx(drive[entry], abs=1e-9)


def test_bad_input() -> None:
    left, right, drive = _start(0)
    with pytest.raises(ValueError, match="drive: is zero"):
        embedding_dynamics(left, right, 0 * drive, time=1.0)
    with pytest.raises(ValueError, match="drive: expected a finite matrix"):
        embedding_dynamics(left, right, np.nan * drive, time=1.0)
    with pytest.raises(ValueError, match="left, right: expected"):
        embedding_dynamics(right, left, drive, time=1.0)
    with pytest.raises(ValueError, match="left, right: expected"):
        embedding_dynamics(left, right[:, :3], drive, time=1.0)
    with pytest.raises(ValueError, match="step"):
        embedding_dynamics(left, right, drive, time=1.0, step=10.0)
    with pytest.raises(ValueError, match="time"):
        embedding_dynamics(left, right, drive, time=-1.0)
    with pytest.raises(ValueError, match="drive: is zero"):
        collapse_exponent(0 * drive)
    with pytest.raises(ValueError, match="row of zeros"):
        early_cosines(np.diag([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"labels: expected 0\.\.3"):
        centered_one_hot([0, 4], 4)
    with pytest.raises(ValueError, match="labels: expected integers"):
        centered_one_hot([0.5], 4)
    with pytest.raises(ValueError, match="classes"):
        centered_one_hot([0], 1)
    with pytest.raises(ValueError, match="inputs, targets: expected"):
        driving_matrix(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        driving_matrix(np.full((3, 2), np.nan), np.ones((3, 2)))
    with pytest.raises(ValueError, match="tokens, labels: expected"):
        token_drive([0, 1], [0, 1], 3)
    with pytest.raises(ValueError, match=r"tokens: expected integers in 0\.\.2"):
        token_drive([[3]], [0], 3)


def test_regime() -> None:
    assert embedding_dynamics.regime(sigma=1e-4)
    assert "multiplicity 2" in embedding_dynamics.regime(sigma=1e-4, multiplicity=2).reason
    assert not embedding_dynamics.regime(sigma=1.0)
