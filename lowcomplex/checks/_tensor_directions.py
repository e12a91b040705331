"""Do neurons of multiplicity p condense to the predicted orientations, at most 2p of them?"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.checks._check import Check
from lowcomplex.checks._verdict import Comparison
from lowcomplex.measures import condensed_directions
from lowcomplex.networks import activation, multiplicity
from lowcomplex.predictions import TensorDirections, tensor_directions, tensor_value

_SAMPLES, _NEURONS = 8, 60
# Neurons have grown when higher orders of the activation, of relative order |w|², are still below 1e-4.
_GROWN = 1e-2
# Angles near an attractor shrink as |w|^-κ; data with a smaller κ would need a still smaller σ.
_LEAST_CONTRACTION = 0.5

Array = NDArray[np.float64]


def observe(seed: int, *, sigma: float = 1e-9) -> tuple[Comparison, ...]:
    """Train networks of one neuron each while they grow, and look where they point."""
    comparisons: list[Comparison] = []
    for name in ("xtanh", "x2tanh"):
        comparisons += _observe(seed, name, sigma)
    return tuple(comparisons)


def _observe(seed: int, name: str, sigma: float) -> list[Comparison]:
    p = multiplicity(name)
    assert p is not None
    rng = np.random.default_rng([seed, p])
    x, y, predicted, contraction, draws = _draw_data(rng, p)
    path = _flow(x, y, sigma * rng.standard_normal((_NEURONS, 3)), name)
    norm = np.linalg.norm(path[..., 1:], axis=-1)
    has_grown = norm.max(0) >= _GROWN
    if not has_grown.any():
        raise ArithmeticError(f"no neuron grew (seed {seed}, {name})")
    path, norm = path[:, has_grown], norm[:, has_grown]
    end = _at_norm(path, norm, _GROWN)
    found = condensed_directions(
        torch.from_numpy(end[:, 1:]), threshold=math.cos(math.radians(5)), signed=True
    )
    return [
        Comparison(
            quantity=f"angle (rad) from predicted orientations, 9 of 10 of {len(end)} neurons, p = {p}",
            predicted=0.0,
            measured=float(np.quantile(_distance(end, predicted), 0.9)),
            tolerance=10 * (sigma / _GROWN) ** _LEAST_CONTRACTION,
            reason=f"angles shrink as |w|^-κ from about 1 at |w| = σ, with κ >= {_LEAST_CONTRACTION} (data "
            f"drawn {draws} times for it); a tenth of the neurons start so near a saddle that they need 10 "
            "times the growth",
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
    """Each neuron's first state at which |w| reaches a value; its last state if it never does."""
    reached = norm >= target
    first = np.where(reached.any(0), reached.argmax(0), len(norm) - 1)
    state: Array = path[first, np.arange(path.shape[1])]
    return state


def _draw_data(rng: np.random.Generator, p: int) -> tuple[Array, Array, TensorDirections, Array, int]:
    """Data whose attractors contract fast enough for a visible limit, and the draws it took."""
    for draw in range(1, 200):
        x = np.stack((rng.uniform(-1, 1, _SAMPLES), np.ones(_SAMPLES)), axis=1)
        y = rng.standard_normal(_SAMPLES)
        predicted = tensor_directions(x, y, p)
        contraction = _contraction(x, y, p, predicted)
        attractive = predicted.attracts != 0
        if attractive.any() and contraction[attractive].min() >= _LEAST_CONTRACTION:
            return x, y, predicted, contraction, draw
    raise ArithmeticError("no data with a fast enough contraction in 200 draws")


def _contraction(x: Array, y: Array, p: int, predicted: TensorDirections) -> Array:
    """κ = -T''/(p T): near an attractor dψ/d log|w| = (T''/(p T)) ψ in the leading flow."""
    h = 1e-3
    angles = predicted.angles
    second = (
        tensor_value(x, y, p, angles + h) + tensor_value(x, y, p, angles - h) - 2 * predicted.values
    ) / h**2
    return -second / (p * predicted.values)


def _flow(x: Array, y: Array, start: Array, name: str) -> Array:
    """Gradient flow of many one-neuron networks along their own paths.

    Time is rescaled by |θ|^(p-1) for each network: its path, which is all that is asked for, stays the same,
    and blow-up at different times becomes growth at a common rate.

    Args:
        x: (n, 2) inputs.
        y: (n,) targets.
        start: (m, 3) initial (a, w).
        name: The activation.

    Returns:
        The path (T, m, 3).
    """
    from scipy.integrate import solve_ivp

    s, p = activation(name), multiplicity(name)
    assert p is not None
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    shape = start.shape

    def losses(theta: torch.Tensor) -> torch.Tensor:
        output = theta[..., :1] * s(theta[..., 1:] @ inputs.mT)
        return (output - targets).square().mean(-1) / 2

    def slope(_: float, flat: Array) -> Array:
        theta = torch.from_numpy(flat).view(shape).requires_grad_()
        (gradient,) = torch.autograd.grad(losses(theta).sum(), theta)
        speed = theta.detach().norm(dim=1, keepdim=True) ** (p - 1)
        result: Array = -(gradient / speed).flatten().numpy()
        return result

    strongest = np.abs(tensor_value(x, y, p, np.linspace(0, 2 * np.pi, 720))).max()
    span = 6 * math.log(1 + 1 / np.abs(start).max()) / strongest
    solver = solve_ivp(
        slope,
        (0.0, span),
        start.flatten(),
        method="RK45",
        rtol=1e-7,
        atol=1e-9 * np.abs(start).max(),
        t_eval=np.linspace(0, span, 1000),
    )
    if solver.status != 0:
        raise ArithmeticError(f"the flow of the neurons failed: {solver.message}")
    path: Array = solver.y.T.reshape(-1, *shape)
    return path


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


CHECK = Check(
    prediction=tensor_directions,
    observe=observe,
    controls={"large initialization: σ = 0.5": {"sigma": 0.5}},
)
