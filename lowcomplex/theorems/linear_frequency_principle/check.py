"""Does a lazy network on the line obey the linear frequency principle, at its start and at its end?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.formulas.line_kernels import (
    LineKernel,
    Parametrization,
    line_coefficients,
    line_interpolant,
    line_kernel,
)
from lowcomplex.theorems.linear_frequency_principle.formula import (
    FrequencyDecay,
    linear_frequency_principle,
    packet_decay,
)
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.line_network import (
    POINTS_PER_STEP,
    features,
    grid_network,
    slotted_samples,
    train_on_line,
    train_small_start,
)

_RANGE, _PARTS = 2.0, ("output", "input", "bias")
# The packet's width and frequency. Kinks lie midway between its samples, for w = 1/2 and w = 1.
_KNOTS, _REFINED, _WIDTH, _FREQUENCY = 200, (2, 4, 8), 0.25, 5.0
_WEIGHTS = (0.5, 1.0)
_SPACINGS = 2 * _RANGE / _KNOTS / np.array(_REFINED)
# For the trained networks. Samples lie midway between kinks, where the staircase of the kinks is centered.
_GRIDS, _ALPHA, _STOP = (80, 160, 320), 1e5, 1e-4

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas that the check holds against networks."""

    decay: Callable[..., FrequencyDecay] = linear_frequency_principle.evaluate
    coefficients: Callable[..., LineKernel] = line_coefficients


class Packet(NamedTuple):
    """The first rate at which a wave packet as residual lowers the loss, on more and more samples.

    Attributes:
        law: The parametrization whose law judges it.
        outputs: |a| of the neurons.
        bias_range: B.
        samples: Per resolution, equispaced x (n,) and the residual u (n,) there.
        rates: (resolutions) squared gradient of the loss by all parameters.
    """

    law: Parametrization
    outputs: tuple[float, ...]
    bias_range: float
    samples: list[tuple[Array, Array]]
    rates: Array


class Ends(NamedTuple):
    """The trained function on grids of more and more kinks.

    Attributes:
        outputs: |a| of the neurons.
        samples: (n,).
        targets: (n,).
        points: (p,) where the function is evaluated.
        functions: (grids, p).
    """

    outputs: tuple[float, ...]
    samples: Array
    targets: Array
    points: Array
    functions: Array


class Observation(NamedTuple):
    """Rates at the start, and functions at the end; a control may hold only one of them."""

    packets: tuple[Packet, ...]
    ends: Ends | None


def observe(
    seed: int, *, bias_range: float = _RANGE, located: bool = False, sigma: float | None = None
) -> Observation:
    """Measure the first rate of a wave packet, and the function after training.

    Args:
        seed: Seed of data and weights.
        bias_range: Range B of the biases; another one than usual measures the rate alone.
        located: Whether locations move while the law assumes biases; if so, measures the rate alone.
        sigma: Scale of a small start, from which the function alone is measured; None for the lazy limit.
    """
    rng = np.random.default_rng(seed)
    outputs = tuple(rng.uniform(0.5, 1.5, 2))
    packets: list[Packet] = []
    if sigma is None:
        packet = rng.uniform(-0.3, 0.3), rng.uniform(0, 2 * np.pi)
        packets.append(_start(packet, outputs, bias_range, "bias", located))
        if not located and bias_range == _RANGE:
            packets.append(_start(packet, outputs, bias_range, "location", True))
    trains = not located and bias_range == _RANGE
    return Observation(tuple(packets), _end(rng, outputs, sigma) if trains else None)


def judge(observed: Observation, law: Law) -> tuple[Comparison, ...]:
    """Compare rates with those of the law, and functions with the one that costs least by them."""
    rates = [comparison for packet in observed.packets for comparison in _compare_rates(packet, law)]
    return (*rates, *(() if observed.ends is None else _compare_ends(observed.ends, law)))


def _start(
    packet: tuple[float, float],
    outputs: tuple[float, ...],
    bias_range: float,
    law: Parametrization,
    located: bool,
) -> Packet:
    center, phase = packet
    network = grid_network(_KNOTS, bias_range, _WEIGHTS, outputs)
    samples, rates = [], []
    for dx in _SPACINGS:
        x = (np.arange(round(-1.9 / dx), round(1.9 / dx)) + 0.5) * dx
        wave = np.cos(2 * np.pi * _FREQUENCY * (x - center) + phase)
        residual = np.exp(-np.square((x - center) / _WIDTH) / 2) * wave
        gradient = dx * residual @ features(network, x, _PARTS, located=located)
        samples.append((x, residual))
        rates.append(gradient @ gradient)
    return Packet(law, outputs, bias_range, samples, np.array(rates))


def _compare_rates(packet: Packet, law: Law) -> list[Comparison]:
    frequencies = np.arange(1.5, 8.5, 0.02)
    decay = law.decay(
        frequencies,
        input_weight=_WEIGHTS,
        output_weight=packet.outputs,
        density=1 / (2 * packet.bias_range),
        parametrization=packet.law,
    )
    errors = [
        abs(rate / packet_decay(x, residual, frequencies, decay) - 1)
        for (x, residual), rate in zip(packet.samples, packet.rates, strict=True)
    ]
    exponent = fit_exponent(1 / _SPACINGS, errors)
    neglected = (np.pi * _FREQUENCY * _SPACINGS[-1]) ** 2 / 3
    words = "biases" if packet.law == "bias" else "locations"
    return [
        Comparison(
            quantity=f"relative error of the rate of a packet at ξ = {_FREQUENCY:g}, {words}",
            predicted=0.0,
            measured=errors[-1],
            tolerance=2 * neglected,
            reason="twice the first neglected term: on samples dx apart (2πξ)² becomes (2 sin(πξdx)/dx)²",
        ),
        exponent.beside(
            quantity=f"exponent of that error in the number of samples, {words}",
            predicted=-2.0,
            tolerance=0.05,
            reason="the next term is of relative order (πξdx)², 2 % for the fewest samples, over log 2",
        ),
    ]


def _end(rng: np.random.Generator, outputs: tuple[float, ...], sigma: float | None) -> Ends:
    x, y, at = slotted_samples(rng, _RANGE, _GRIDS[-1])
    functions = []
    for knots in _GRIDS:
        if sigma is None:
            network = grid_network(knots, _RANGE, (1.0, 1.0), outputs)
            functions.append(train_on_line(network, x, y, at, _PARTS, alpha=_ALPHA, share=1.5, stop=_STOP))
        else:
            functions.append(train_small_start(rng, x, y, at, sigma, knots))
    return Ends(outputs, x, y, at, np.array(functions))


def _compare_ends(ends: Ends, law: Law) -> list[Comparison]:
    x, y, at = ends.samples, ends.targets, ends.points
    predicted = line_interpolant(at, x, y, law.coefficients(1.0, ends.outputs, bias_range=_RANGE))
    distances = [float(np.sqrt(np.mean((function - predicted) ** 2))) for function in ends.functions]
    # Biases and input weights make f a staircase of the kinks, as steep as their part of the interpolant.
    true = line_coefficients(1.0, ends.outputs, bias_range=_RANGE)
    weight = np.linalg.solve(line_kernel(x, x, true, bias_range=_RANGE), y) / (2 * _RANGE)
    steps = -np.sign(at[:, None] - x) / 2 * (true.kink + true.product * at[:, None] * x) @ weight
    staircase = 2 * _RANGE / _GRIDS[-1] * np.sqrt(np.mean(steps**2) / 12)
    exponent = fit_exponent(_GRIDS, distances)
    whole = len(at) // POINTS_PER_STEP * POINTS_PER_STEP
    by_step = (ends.functions[-1] - predicted)[:whole].reshape(-1, POINTS_PER_STEP).mean(1)
    return [
        Comparison(
            quantity=f"rms distance from the law's interpolant, {8 * _GRIDS[-1]} neurons",
            predicted=staircase,
            measured=distances[-1],
            tolerance=0.02 * staircase,
            reason="a staircase of the kinks, which sixteen points per step measure to 1/16²; residuals "
            "below 1e-4",
        ),
        exponent.beside(
            quantity="exponent of that distance in the number of kinks",
            predicted=-1.0,
            tolerance=0.05,
            reason="the same terms, 2 %, over log 2",
        ),
        Comparison(
            quantity="rms distance from the law's interpolant, averaged over each step of the staircase",
            predicted=0.0,
            measured=float(np.sqrt(np.mean(by_step**2))),
            tolerance=2 * _STOP * float(np.abs(y).max()),
            reason="twice the residual at which training ends; the rest of the staircase is smaller",
        ),
    ]


def _decay(field: str, factor: float) -> Law:
    return Law(decay=changed(linear_frequency_principle.evaluate, field, lambda values: factor * values))


def _coefficients(field: str, factor: float) -> Law:
    return Law(coefficients=changed(line_coefficients, field, lambda value: factor * value))


def _steeper(frequency: Array, **kwargs: Any) -> FrequencyDecay:
    decay = linear_frequency_principle(frequency, **kwargs)
    return decay._replace(rate=decay.rate * (frequency / _FREQUENCY) ** -0.1)


CHECK = Check(
    prediction=linear_frequency_principle,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "rates 10 % too large": _decay("rate", 1.1),
        "rates of the other sign": _decay("rate", -1.0),
        "exponent of the rates in ξ 0.1 too large": Law(decay=_steeper),
        "without the drift": _decay("drift", 0.0),
        "drift of the other sign": _decay("drift", -1.0),
        "drift 10 % too large": _decay("drift", 1.1),
        "cost of the end without its cubic term": _coefficients("cubic", 0.0),
        "cost of the end with its cubic term 10 % too large": _coefficients("cubic", 1.1),
        "cost of the end without its kinks": _coefficients("kink", 0.0),
        "cost of the end with its kinks 10 % too large": _coefficients("kink", 1.1),
        "cost of the end without its product of inputs": _coefficients("product", 0.0),
        "cost of the end with its product of inputs 10 % too large": _coefficients("product", 1.1),
    },
    survivors={
        "cost of the end with its cubic term 10 % too large": (
            "moves the function by less than the residual at which training ends, unless samples lie farther "
            "apart than at most seeds"
        ),
    },
    controls={
        "kinks do not cover the residual: B = 0.2": {"bias_range": 0.2},
        "locations trained against the law for biases": {"located": True},
        "small initialization: σ = 0.1": {"sigma": 0.1},
    },
)
