"""One neuron of multiplicity two in the leading flow, solved up to a quadrature."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class QuadraticNeuron(NamedTuple):
    """The fate of neurons under ȧ = c wᵀMw, ẇ = 2c a M w.

    Attributes:
        blow_up: (m,) time at which a and w become infinite; infinite for neurons that never do.
        sign: (m,) sign of a at the end: that of a_0, or the other one where a passes through zero.
        direction: (m, d) limit of w/|w| at the blow-up; NaN where there is none.
    """

    blow_up: Array
    sign: Array
    direction: Array


# Double exponential rule on (0, ∞) for integrands that decay exponentially: x = exp(k - exp(-k)).
_NODES = np.linspace(-4.0, 5.0, 400)
# The same on (0, 1), which resolves both ends: x = 1/(1 + exp(-π sinh k)).
_ENDS = np.linspace(-3.5, 3.5, 400)


def quadratic_tensor(inputs: ArrayLike, targets: ArrayLike) -> Array:
    """M = (1/n) Σ y_i x_i x_iᵀ, with which T(w) = wᵀMw.

    Args:
        inputs: (n, d), with a 1 appended where neurons have a bias.
        targets: (n,).

    Returns:
        (d, d).
    """
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    tensor: Array = (x.T * y) @ x / len(y)
    return tensor


def quadratic_neuron(
    tensor: ArrayLike, input_weight: ArrayLike, output_weight: ArrayLike, *, coefficient: float = 1.0
) -> QuadraticNeuron:
    """Neurons with s(z) = c z² + … at small initialization, each on its own.

    With A = ∫a dt the solution is w = exp(2cM·A) w_0, and a² = a_0² + (|w|² - |w_0|²)/2. The blow-up time is
    T = ∫ dA/a. Where a² reaches zero, a changes its sign and A turns back.

    Args:
        tensor: (d, d) symmetric M.
        input_weight: (m, d) w_0.
        output_weight: (m,) a_0, none of them zero.
        coefficient: c > 0.

    Returns:
        The neurons' fate.

    Raises:
        ValueError: M is not symmetric, shapes do not agree, values are not finite, or an a_0 is zero.
    """
    matrix, w0 = np.asarray(tensor, dtype=float), np.asarray(input_weight, dtype=float)
    a0 = np.asarray(output_weight, dtype=float)
    if matrix.ndim != 2 or not np.allclose(matrix, matrix.T):
        raise ValueError("tensor: expected a symmetric matrix")
    if w0.ndim != 2 or w0.shape[1] != len(matrix) or a0.shape != w0.shape[:1]:
        raise ValueError(f"weights: expected (m, {len(matrix)}) and (m,), got {w0.shape} and {a0.shape}")
    if not (np.isfinite(w0).all() and np.isfinite(a0).all() and (a0 != 0).all()):
        raise ValueError("weights: expected finite values, and output weights that are not zero")
    values, vectors = np.linalg.eigh(matrix)
    # A neuron with a_0 < 0 is one with a_0 > 0 and the tensor -M.
    rates = 4 * coefficient * values * np.sign(a0)[:, None]
    squares = np.square(w0 @ vectors)
    turn = _turning_point(rates, squares, a0)
    turns = np.isfinite(turn)
    at_turn = np.where(turns, turn, 0.0)
    kept = squares * np.exp(rates * at_turn[:, None])
    # After the turn A decreases: the same integral with opposite rates.
    onward = np.where(turns[:, None], -rates, rates)
    start = np.where(turns, 0.0, a0**2)
    time = _to_infinity(onward, kept, start) + np.where(turns, _to_turn(rates, kept, at_turn), 0.0)
    grows = (onward * kept).max(1) > 0
    time = np.where(grows, time, np.inf)
    fastest = onward.argmax(1)
    sides = np.sign((w0 @ vectors)[np.arange(len(a0)), fastest])
    direction = np.where(grows[:, None], sides[:, None] * vectors.T[fastest], np.nan)
    return QuadraticNeuron(time, np.sign(a0) * np.where(turns, -1, 1), direction)


def _gained(rates: Array, squares: Array, distance: Array) -> Array:
    """(|w|² - |w at 0|²)/2 at A = distance; rates and squares (m, d), distance (m, nodes)."""
    # Beyond exp(600) the integrand has long vanished.
    exponent = np.minimum(rates[:, None] * distance[..., None], 600.0)
    gained: Array = (squares[:, None] * np.expm1(exponent)).sum(-1) / 2
    return gained


def _turning_point(rates: Array, squares: Array, a0: Array) -> Array:
    """The first A > 0 at which a² = 0; NaN if there is none. a² is convex in A."""

    def height(at: Array) -> Array:
        return a0**2 + _gained(rates, squares, at[:, None])[:, 0]

    # The minimum of a² lies where its slope Σ rate·square·exp(rate·A) changes sign.
    def slope(at: Array) -> Array:
        return np.asarray((rates * squares * np.exp(np.minimum(rates * at[:, None], 600.0))).sum(1))

    longest = 100 / np.abs(rates[np.abs(rates) > 0]).min()
    low, high = np.zeros(len(a0)), np.full(len(a0), longest)
    for _ in range(80):
        middle = (low + high) / 2
        falling = slope(middle) < 0
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    bottom = (low + high) / 2
    reaches = height(bottom) < 0
    low, high = np.zeros(len(a0)), bottom
    for _ in range(80):
        middle = (low + high) / 2
        above = height(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(reaches, (low + high) / 2, np.nan)


def _to_infinity(rates: Array, squares: Array, start: Array) -> Array:
    """∫_0^∞ dA/sqrt(start + gained), with a square-root singularity at 0 where start is 0."""
    # The integrand decays with the largest rate of growth; the rule resolves any scale below.
    growing = rates.max(1)
    scale = 1 / np.where(growing > 0, growing, np.abs(rates).max(1))
    spread = np.exp(_NODES - np.exp(-_NODES))
    jacobian = spread * (1 + np.exp(-_NODES))
    squared = start[:, None] + _gained(rates, squares, scale[:, None] * spread)
    inverse = np.where(squared > 0, 1 / np.sqrt(np.where(squared > 0, squared, 1.0)), 0.0)
    integral: Array = scale * ((inverse * jacobian).sum(1) * (_NODES[1] - _NODES[0]))
    return integral


def _to_turn(rates: Array, squares: Array, turn: Array) -> Array:
    """∫_0^turn dA/a, from the turn, where a² has a simple zero, backwards."""
    share = 1 / (1 + np.exp(-np.pi * np.sinh(_ENDS)))
    jacobian = np.pi * np.cosh(_ENDS) * share / (1 + np.exp(np.pi * np.sinh(_ENDS)))
    squared = _gained(-rates, squares, turn[:, None] * share)
    inverse = np.where(squared > 0, 1 / np.sqrt(np.where(squared > 0, squared, 1.0)), 0.0)
    integral: Array = turn * ((inverse * jacobian).sum(1) * (_ENDS[1] - _ENDS[0]))
    return integral
