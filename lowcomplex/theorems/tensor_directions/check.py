"""Do neurons of multiplicity p condense to the predicted orientations, at most 2p of them?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.measures import condensed_directions
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.tensor_directions.formula import (
    TensorDirections,
    slowest_turning,
    tensor_directions,
    tensor_value,
)
from lowcomplex.theorems.tensor_directions.quadratic_neuron import (
    QuadraticNeuron,
    quadratic_neuron,
    quadratic_tensor,
)
from lowcomplex.training import gradient_flow

_SAMPLES, _NEURONS, _SIGMA = 8, 60, 1e-9
# Neurons have grown when higher orders of the activation, of relative order |w|², are still below 1e-4.
_GROWN = 1e-2
# Angles shrink at least as |w| to this power; data with a smaller one would need a still smaller σ.
_LEAST_TURNING = 0.5

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas that the check holds against training."""

    directions: Callable[[Array, Array, int], TensorDirections] = tensor_directions.evaluate
    neuron: Callable[..., QuadraticNeuron] = quadratic_neuron
    exponent: float = 1.0


class Growth(NamedTuple):
    """Networks of one neuron each and one multiplicity, while they grow.

    Attributes:
        multiplicity: p.
        inputs: (n, 2), a 1 appended to each input.
        targets: (n,).
        sigma: Scale σ of the start.
        start: (m, 3) initial (a, w) of the neurons that grew.
        path: (T, m, 3) their weights.
        times: (T, m) the time of each along its path.
        draws: Data sets drawn until one had no bottleneck.
    """

    multiplicity: int
    inputs: Array
    targets: Array
    sigma: float
    start: Array
    path: Array
    times: Array
    draws: int


def observe(seed: int, *, sigma: float = _SIGMA) -> tuple[Growth, ...]:
    """Train networks of one neuron each while they grow."""
    return tuple(_observe(seed, p, sigma) for p in (2, 3))


def _observe(seed: int, p: int, sigma: float) -> Growth:
    rng = np.random.default_rng([seed, p])
    x, y, draws = _draw_data(rng, p)
    start = sigma * rng.standard_normal((_NEURONS, 3))
    path, times = _flow(x, y, start, p)
    has_grown = np.linalg.norm(path[..., 1:], axis=-1).max(0) >= _GROWN
    if not has_grown.any():
        raise ArithmeticError(f"no neuron grew (seed {seed}, p = {p})")
    return Growth(p, x, y, sigma, start[has_grown], path[:, has_grown], times[:, has_grown], draws)


def judge(observed: tuple[Growth, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare where neurons point, the number of orientations, and how fast neurons turned and grew."""
    return tuple(comparison for growth in observed for comparison in _compare(growth, law))


def _compare(observed: Growth, law: Law) -> list[Comparison]:
    p, x, y, sigma, start, path, times, draws = observed
    predicted = law.directions(x, y, p)
    norm = np.linalg.norm(path[..., 1:], axis=-1)
    # From a start that is larger than that already, they are compared at the end.
    end = _at_norm(path, norm, _GROWN if sigma < _GROWN else np.inf)
    found = condensed_directions(
        torch.from_numpy(end[:, 1:]), threshold=math.cos(math.radians(5)), signed=True
    )
    contraction = _contraction(x, y, p, predicted)
    # A quantile, since a neuron that starts near a repelling orientation needs more growth than it has.
    comparisons = [
        Comparison(
            quantity=f"angle (rad) from predicted orientations, 9 of 10 of {len(end)} neurons, p = {p}",
            predicted=0.0,
            measured=float(np.quantile(_distance(end, predicted), 0.9)),
            tolerance=10 * (_SIGMA / _GROWN) ** _LEAST_TURNING,
            reason=f"angles shrink at least as |w|^-{_LEAST_TURNING} from about 1 at |w| = σ; a tenth of the "
            "neurons start nearer than 0.1 to a repelling orientation and end 10 times as far away",
            draws=draws,
        ),
        Comparison(
            quantity=f"condensed orientations beyond 2p, p = {p} (found {found.count})",
            predicted=0.0,
            measured=float(max(0, found.count - 2 * p)),
            tolerance=0.5,
            reason="a count",
        ),
        _contraction_exponent(path, norm, sigma, predicted, contraction, law.exponent, p),
    ]
    if p == 2:
        closed = law.neuron(quadratic_tensor(x, y), start[:, 1:], start[:, 0])
        comparisons.append(_blow_up_times(closed, _at_norm(times, norm, _GROWN), draws))
    return comparisons


def _blow_up_times(closed: QuadraticNeuron, times: Array, draws: int) -> Comparison:
    """Times of growth to |w| = _GROWN beside the closed form's blow-up times, infinite where it has none."""
    error = np.abs(times / closed.blow_up - 1)
    return Comparison(
        quantity=f"relative error of the blow-up time, 9 of 10 of {len(times)} neurons, p = 2",
        predicted=0.0,
        measured=float(np.quantile(error, 0.9)),
        tolerance=1e-5,
        reason="the solver's 1e-8, magnified where a neuron shrinks as far as 1e-4 before it grows; the time "
        "that is left at that growth, σ/|w|",
        draws=draws,
    )


def _contraction_exponent(
    path: Array,
    norm: Array,
    sigma: float,
    predicted: TensorDirections,
    contraction: Array,
    power: float,
    p: int,
) -> Comparison:
    """The exponent by which angles shrink while neurons grow tenfold, over the predicted one."""
    low, high = (_at_norm(path, norm, scale * sigma) for scale in (300.0, 3000.0))
    ends = [_distance(state, predicted) for state in (low, high)]
    nearest = _nearest(high, predicted)
    # Near an attractor the angle ψ falls as |w|^-κ. Compared are neurons whose ψ is small enough at first to
    # be linear, stays far above the activation's next order, |w|², and belongs to one orientation all along.
    linear = (ends[0] < 0.1) & (ends[1] > 100 * (3000 * sigma) ** 2) & (nearest == _nearest(low, predicted))
    low, high, nearest, ends = low[linear], high[linear], nearest[linear], [end[linear] for end in ends]
    growth = np.log(np.linalg.norm(high[:, 1:], axis=1) / np.linalg.norm(low[:, 1:], axis=1))
    exponent = np.log(ends[0] / ends[1]) / growth / contraction[nearest]
    return Comparison(
        quantity=f"exponent of the angle in |w| over κ, p = {p} ({int(linear.sum())} neurons)",
        predicted=power,
        measured=float(np.median(exponent)) if linear.any() else float("nan"),
        tolerance=0.05,
        reason="the next term is of the order of the angle, at most 0.1 at the first of the two ends",
    )


def _at_norm(path: Array, norm: Array, target: float) -> Array:
    """Each neuron's first state, or time, at which |w| reaches a value; its last state if it never does."""
    reached = norm >= target
    first = np.where(reached.any(0), reached.argmax(0), len(norm) - 1)
    state: Array = path[first, np.arange(path.shape[1])]
    return state


def _draw_data(rng: np.random.Generator, p: int) -> tuple[Array, Array, int]:
    """Data whose neurons turn fast enough everywhere for a visible limit, and the number of draws."""
    for draw in range(1, 200):
        x = np.stack((rng.uniform(-1, 1, _SAMPLES), np.ones(_SAMPLES)), axis=1)
        y = rng.standard_normal(_SAMPLES)
        predicted = tensor_directions(x, y, p)
        attractive = predicted.attracts != 0
        if attractive.any() and slowest_turning(x, y, p, predicted) >= _LEAST_TURNING:
            return x, y, draw
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

    Each network has a clock of its own, which runs by |θ|^(p-1), and faster once it has grown. Its path stays
    the same, and blow-up at different times becomes growth at a common rate.

    Args:
        x: (n, 2) inputs.
        y: (n,) targets.
        start: (m, 3) initial (a, w); `initialize` has no rate for an output weight with one input.
        p: Multiplicity.

    Returns:
        The path (T, m, 3), and the time (T, m) of each network along it.
    """
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    largest = float(np.abs(start).max())
    # Networks are not compared far beyond this growth.
    enough = 3 * _GROWN if largest < _GROWN else math.inf

    def loss(weights: dict[str, Tensor]) -> Tensor:
        z = weights["theta"][:, 1:] @ inputs.mT
        output = weights["theta"][:, :1] * z ** (p - 1) * torch.tanh(z)
        return (output - targets).square().mean(-1) / 2

    def speed(weights: dict[str, Tensor]) -> Tensor:
        size = weights["theta"].norm(dim=1)
        return torch.as_tensor(size ** (p - 1) * (1 + (size / enough) ** 4))

    strongest = np.abs(tensor_value(x, y, p, np.linspace(0, 2 * np.pi, 720))).max()
    span = 6 * math.log(1 + 1 / largest) / strongest
    flow = gradient_flow(
        loss,
        {"theta": torch.from_numpy(start)},
        np.linspace(0, span, 1000),
        speed=speed,
        rtol=1e-8,
        atol=1e-12 * largest,
    )
    return flow.parameters["theta"].numpy(), flow.times.numpy()


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


def _of_a_smaller_bias(x: Array, y: Array, p: int) -> TensorDirections:
    return tensor_directions(x * [1.0, 0.9], y, p)


def _turned(by: float) -> Callable[[Array, Array, int], TensorDirections]:
    return changed(tensor_directions.evaluate, "angles", lambda angles: angles + by)


CHECK = Check(
    prediction=tensor_directions,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "orientations turned by 0.01": Law(directions=_turned(0.01)),
        "orientations turned by half a turn": Law(directions=_turned(math.pi)),
        "the other sign of a attracts": Law(
            directions=changed(tensor_directions.evaluate, "attracts", lambda signs: -signs)
        ),
        "bias input 10 % too small": Law(directions=_of_a_smaller_bias),
        "blow-up 0.01 % late": Law(neuron=changed(quadratic_neuron, "blow_up", lambda time: 1.0001 * time)),
        "exponent κ 20 % too large": Law(exponent=1.2),
        "exponent κ 10 % too large": Law(exponent=1.1),
    },
    controls={"large initialization: σ = 0.5": {"sigma": 0.5}},
)
