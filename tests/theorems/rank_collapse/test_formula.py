from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

import symbolic
from lowcomplex.predictions import rank_collapse
from lowcomplex.theorems.rank_collapse.formula import deep_escape


def _problem(seed: int, depth: int = 3, width: int = 6) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    shapes = [(width, 3), *[(width, width)] * (depth - 2), (1, width)]
    return rng.standard_normal(3), [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("depth", [3, 4, 5])
def test_scalar_chain_blows_up_at_its_quadrature(depth: int) -> None:
    # All factors equal: ṡ = λ s^(L-1).
    collapse = rank_collapse([2.0], [np.array([[0.7]])] * depth)
    expected = quad(lambda s: 1 / (2.0 * s ** (depth - 1)), 0.7, np.inf)[0]
    assert collapse.blow_up == pytest.approx(expected, rel=1e-7)
    assert collapse.depth == depth
    assert collapse.frozen.shape == (0,)


@pytest.mark.parametrize("depth", [3, 4])
def test_tail_is_that_of_the_whole_loss(depth: int) -> None:
    rate, bend, start, share = 1.7, 1.0, 1e-3, 1e-3
    loss = rate**2 / 2  # one sample x = 1, y = λ
    collapse = rank_collapse([rate], [np.array([[1.0]])] * depth)
    end = ((1 - np.sqrt(1 - share)) * rate) ** (1 / depth)
    whole = quad(
        lambda u: np.exp(u) / ((rate - bend * np.exp(depth * u)) * np.exp((depth - 1) * u)),
        np.log(start),
        np.log(end),
        limit=400,
    )[0]
    predicted = deep_escape(collapse, [[1.0]], [rate], loss, sigma=start, share=share)
    missing = collapse.blow_up * start ** (2.0 - depth)
    assert missing - whole == pytest.approx(float(missing - predicted.time), rel=2e-6)
    assert predicted.singular_values[0] == pytest.approx(end, rel=1e-6)


@pytest.mark.parametrize("depth", [3, 4])
def test_rotations_and_scale(depth: int) -> None:
    v, matrices = _problem(1, depth)
    collapse = rank_collapse(v, matrices)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    turned = list(matrices)
    turned[0], turned[1] = rotation @ matrices[0], matrices[1] @ rotation.T
    other = rank_collapse(v, turned)
    assert other.blow_up == pytest.approx(collapse.blow_up, rel=1e-7)
    np.testing.assert_allclose(other.frozen, collapse.frozen, rtol=1e-4, atol=1e-5)
    smaller = rank_collapse(v, [1e-5 * matrix for matrix in matrices])
    assert smaller.blow_up == pytest.approx(1e5 ** (depth - 2) * collapse.blow_up, rel=1e-7)
    np.testing.assert_allclose(1e5 * smaller.frozen, collapse.frozen, rtol=1e-4, atol=1e-5)
    faster = rank_collapse(2 * v, matrices)
    assert faster.blow_up == pytest.approx(collapse.blow_up / 2, rel=1e-7)


def test_smaller_singular_values_hardly_move_from_a_diagonal_start() -> None:
    # W_2 = diag(1, b), everything else along the first axis: only the first entry is driven.
    one = np.array([[1.0], [0.0]])
    collapse = rank_collapse([1.0], [one, np.diag([1.0, 0.3]), one.T])
    assert collapse.blow_up == pytest.approx(1.0, rel=1e-7)
    np.testing.assert_allclose(collapse.frozen, [0.3], rtol=1e-8)


def test_expressions_are_the_evaluators() -> None:
    v, matrices = _problem(2, 4)
    x = np.random.default_rng(5).standard_normal((9, 3))
    collapse = rank_collapse(v, matrices)
    rate, loss, share = np.linalg.norm(v), 0.9, 1e-2
    bend = np.mean((x @ v / rate) ** 2)
    sigmas = np.array([1e-3, 1e-4])
    escape = deep_escape(collapse, x, v, loss, sigma=sigmas, share=share)
    tail = symbolic.function(rank_collapse, "tail", "L", "D", "lambda", "c")(4, share * loss, rate, bend)
    time = symbolic.function(rank_collapse, "T", "T_1", "sigma", "L")(collapse.blow_up, sigmas, 4)
    np.testing.assert_allclose(escape.time, time - tail)
    largest = symbolic.function(rank_collapse, "s_1", "L", "D", "lambda", "c")(4, share * loss, rate, bend)
    np.testing.assert_allclose(escape.singular_values[:, 0], largest)
    ratio = symbolic.function(rank_collapse, "s_k/s_1", "sigma", "s_k", "L", "D", "lambda", "c")
    expected = ratio(sigmas, collapse.frozen[0], 4, share * loss, rate, bend)
    np.testing.assert_allclose(escape.singular_values[:, 1] / escape.singular_values[:, 0], expected)


def test_bad_input() -> None:
    v, matrices = _problem(0)
    with pytest.raises(ValueError, match="at least 3"):
        rank_collapse(v, matrices[:2])
    with pytest.raises(ValueError, match="do not compose"):
        rank_collapse(v, [matrices[0], matrices[1][:, :4], matrices[2]])
    with pytest.raises(ValueError, match="NaN"):
        rank_collapse(np.nan * v, matrices)
    with pytest.raises(ValueError, match="v: is zero"):
        rank_collapse(0 * v, matrices)


def test_regime() -> None:
    assert rank_collapse.regime(sigma=1e-4, depth=3)
    assert "logarithm" in rank_collapse.regime(sigma=1e-4, depth=2).reason
    assert not rank_collapse.regime(sigma=0.1, depth=3)
    assert not rank_collapse.regime(sigma=1e-4, depth=3, multiplicity=2)
