"""Do neurons of multiplicity p condense to the predicted orientations, at most 2p of them?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.measures import condensed_directions
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.tensor_directions.formula import (
    TensorDirections,
    slowest_turning,
    tensor_directions,
    tensor_value,
)
from lowcomplex.theorems.tensor_directions.quadratic_neuron import quadratic_neuron, quadratic_tensor

_SAMPLES, _NEURONS, _SIGMA = 8, 60, 1e-9
# Neurons have grown when higher orders of the activation, of relative order |w|², are still below 1e-4.
_GROWN = 1e-2
# Angles shrink at least as |w| to this power; data with a smaller one would need a still smaller σ.
_LEAST_TURNING = 0.5

Array = NDArray[np.float64]


def observe(seed: int, *, sigma: float = _SIGMA) -> tuple[Comparison, ...]:
    """Train networks of one neuron each while they grow, and look where they point."""
    comparisons: list[Comparison] = []
    for p in (2, 3):
        comparisons += _observe(seed, p, sigma)
    return tuple(comparisons)


def _observe(seed: int, p: int, sigma: float) -> list[Comparison]:
    rng = np.random.default_rng([seed, p])
    x, y, predicted, contraction, draws = _draw_data(rng, p)
    start = sigma * rng.standard_normal((_NEURONS, 3))
    path, times = _flow(x, y, start, p)
    norm = np.linalg.norm(path[..., 1:], axis=-1)
    has_grown = norm.max(0) >= _GROWN
    if not has_grown.any():
        raise ArithmeticError(f"no neuron grew (seed {seed}, p = {p})")
    path, norm, times = path[:, has_grown], norm[:, has_grown], times[:, has_grown]
    # From a start that is larger already, the end of the training.
    end = _at_norm(path, norm, _GROWN if sigma < _GROWN else np.inf)
    found = condensed_directions(
        torch.from_numpy(end[:, 1:]), threshold=math.cos(math.radians(5)), signed=True
    )
    comparisons = [
        Comparison(
            quantity=f"angle (rad) from predicted orientations, 9 of 10 of {len(end)} neurons, p = {p}",
            predicted=0.0,
            measured=float(np.quantile(_distance(end, predicted), 0.9)),
            tolerance=10 * (_SIGMA / _GROWN) ** _LEAST_TURNING,
            reason=f"angles shrink at least as |w|^-{_LEAST_TURNING} from about 1 at |w| = σ; a tenth of the "
            "neurons start nearer than 0.1 to a repelling orientation, and end 10 times as far away",
            draws=draws,
        ),
        Comparison(
            quantity=f"condensed orientations beyond 2p, p = {p} (found {found.count})",
            predicted=0.0,
            measured=float(max(0, found.count - 2 * p)),
            tolerance=0.5,
            reason="a count",
        ),
        _contraction_exponent(path, norm, sigma, predicted, contraction, p),
    ]
    if p == 2:
        comparisons.append(_blow_up_times(x, y, start[has_grown], _at_norm(times, norm, _GROWN), draws))
    return comparisons


def _blow_up_times(x: Array, y: Array, start: Array, times: Array, draws: int) -> Comparison:
    """Times of growth to |w| = _GROWN beside the closed form's blow-up times, infinite where it has none."""
    closed = quadratic_neuron(quadratic_tensor(x, y), start[:, 1:], start[:, 0])
    error = np.abs(times / closed.blow_up - 1)
    return Comparison(
        quantity=f"relative error of the blow-up time, 9 of 10 of {len(times)} neurons, p = 2",
        predicted=0.0,
        measured=float(np.quantile(error, 0.9)),
        tolerance=1e-5,
        reason="the solver's 1e-8, magnified where a neuron shrinks as far as 1e-4 before it grows; what is "
        "left of the time at that growth, σ/|w|",
        draws=draws,
    )


def _contraction_exponent(
    path: Array, norm: Array, sigma: float, predicted: TensorDirections, contraction: Array, p: int
) -> Comparison:
    """The exponent by which angles shrink while neurons grow tenfold, over the predicted one."""
    low, high = (_at_norm(path, norm, scale * sigma) for scale in (300.0, 3000.0))
    ends = [_distance(state, predicted) for state in (low, high)]
    nearest = _nearest(high, predicted)
    linear = (ends[0] < 0.1) & (ends[1] > 100 * (3000 * sigma) ** 2) & (nearest == _nearest(low, predicted))
    low, high, nearest, ends = low[linear], high[linear], nearest[linear], [end[linear] for end in ends]
    growth = np.log(np.linalg.norm(high[:, 1:], axis=1) / np.linalg.norm(low[:, 1:], axis=1))
    exponent = np.log(ends[0] / ends[1]) / growth / contraction[nearest]
    return Comparison(
        quantity=f"exponent of the angle in |w| over κ, p = {p} ({int(linear.sum())} neurons)",
        predicted=1.0,
        measured=float(np.median(exponent)) if linear.any() else float("nan"),
        tolerance=0.1,
        reason="the next term is of the order of the angle, at most 0.1",
    )


def _at_norm(path: Array, norm: Array, target: float) -> Array:
    """Each neuron's first state, or time, at which |w| reaches a value; its last state if it never does."""
    reached = norm >= target
    first = np.where(reached.any(0), reached.argmax(0), len(norm) - 1)
    state: Array = path[first, np.arange(path.shape[1])]
    return state


def _draw_data(rng: np.random.Generator, p: int) -> tuple[Array, Array, TensorDirections, Array, int]:
    """Data whose neurons turn fast enough everywhere for a visible limit, and the draws it took."""
    for draw in range(1, 200):
        x = np.stack((rng.uniform(-1, 1, _SAMPLES), np.ones(_SAMPLES)), axis=1)
        y = rng.standard_normal(_SAMPLES)
        predicted = tensor_directions(x, y, p)
        attractive = predicted.attracts != 0
        if attractive.any() and slowest_turning(x, y, p, predicted) >= _LEAST_TURNING:
            return x, y, predicted, _contraction(x, y, p, predicted), draw
    raise ArithmeticError("no data without a bottleneck in 200 draws")


def _contraction(x: Array, y: Array, p: int, predicted: TensorDirections) -> Array:
    """κ = -T''/(p T): near an attractor dψ/d log|w| = (T''/(p T)) ψ in the leading flow."""
    h = 1e-3
    angles = predicted.angles
    second = (
        tensor_value(x, y, p, angles + h) + tensor_value(x, y, p, angles - h) - 2 * predicted.values
    ) / h**2
    return -second / (p * predicted.values)


def _flow(x: Array, y: Array, start: Array, p: int) -> tuple[Array, Array]:
    """Gradient flow of many one-neuron networks with s(z) = z^(p-1) tanh z along their own paths.

    Time is rescaled for each network, by |θ|^(p-1) and more once it has grown: its path, which is all that
    is asked for, stays the same, and blow-up at different times becomes growth at a common rate.

    Args:
        x: (n, 2) inputs.
        y: (n,) targets.
        start: (m, 3) initial (a, w).
        p: Multiplicity.

    Returns:
        The path (T, m, 3), and the time (T, m) of each network along it.
    """
    from scipy.integrate import solve_ivp

    largest = np.abs(start).max()
    # Times are kept in units in which they are of order one.
    unit = largest ** (p - 1)
    # Nothing is asked about networks far beyond the growth they are compared at.
    enough = 3 * _GROWN if largest < _GROWN else np.inf

    def slope(_: float, flat: Array) -> Array:
        theta = flat[: start.size].reshape(start.shape)
        a, z = theta[:, :1], theta[:, 1:] @ x.T
        power, tanh = z ** (p - 1), np.tanh(z)
        hidden = power * tanh
        pull = (y - a * hidden) / len(y)
        bent = (p - 1) * z ** (p - 2) * tanh + power * (1 - tanh**2)
        descent = np.hstack(((pull * hidden).sum(1, keepdims=True), a * ((pull * bent) @ x)))
        size = np.linalg.norm(theta, axis=1, keepdims=True)
        speed = size ** (p - 1) * (1 + (size / enough) ** 4)
        return np.append(descent / speed, unit / speed)

    strongest = np.abs(tensor_value(x, y, p, np.linspace(0, 2 * np.pi, 720))).max()
    span = 6 * math.log(1 + 1 / largest) / strongest
    solver = solve_ivp(
        slope,
        (0.0, span),
        np.append(start, np.zeros(len(start))),
        method="DOP853",
        rtol=1e-8,
        atol=np.repeat((1e-12 * largest, 1e-9), (start.size, len(start))),
        t_eval=np.linspace(0, span, 1000),
    )
    if solver.status != 0:
        raise ArithmeticError(f"the flow of the neurons failed: {solver.message}")
    path: Array = solver.y[: start.size].T.reshape(-1, *start.shape)
    return path, solver.y[start.size :].T / unit


def _nearest(state: Array, predicted: TensorDirections) -> NDArray[np.int_]:
    """Index of the nearest predicted orientation for a neuron's sign of a."""
    offset = np.angle(np.exp(1j * (np.arctan2(state[:, 2], state[:, 1])[:, None] - predicted.angles)))
    fits = predicted.attracts == np.sign(state[:, :1])
    nearest: NDArray[np.int_] = np.where(fits, np.abs(offset), np.inf).argmin(1)
    return nearest


def _distance(state: Array, predicted: TensorDirections) -> Array:
    nearest = predicted.angles[_nearest(state, predicted)]
    angle = np.arctan2(state[:, 2], state[:, 1])
    distance: Array = np.abs(np.angle(np.exp(1j * (angle - nearest))))
    return distance


CHECK: Check[Any, None] = Check(
    prediction=tensor_directions,
    observe=observe,
    controls={"large initialization: σ = 0.5": {"sigma": 0.5}},
)
