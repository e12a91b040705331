"""Does a lazy network on the line obey the linear frequency principle, at its start and at its end?"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.formulas.line_kernels import line_coefficients, line_interpolant, line_kernel
from lowcomplex.theorems.linear_frequency_principle.formula import linear_frequency_principle, packet_decay
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.line_network import Network, features, grid_network, train

_RANGE, _PARTS = 2.0, ("output", "input", "bias")
# The packet and its spectrum. Kinks lie midway between its samples, wherever w is 1/2 or 1.
_KNOTS, _REFINED, _WIDTH, _FREQUENCY = 200, (2, 4, 8), 0.25, 5.0
_WEIGHTS = (0.5, 1.0)
# The trained networks: samples lie midway between kinks.
_CELL, _GRIDS, _ALPHA = 0.1, (80, 160, 320), 1e5

Array = NDArray[np.float64]


def observe(
    seed: int, *, bias_range: float = _RANGE, located: bool = False, sigma: float | None = None
) -> tuple[Comparison, ...]:
    """Compare the first rate of a wave packet, and the function after training.

    `bias_range` narrows the range of the biases; `located` lets locations move while the law assumes biases
    (both for the rate alone); `sigma` trains from weights of that scale (for the function alone).
    """
    rng = np.random.default_rng(seed)
    outputs = tuple(rng.uniform(0.5, 1.5, 2))
    comparisons: list[Comparison] = []
    if sigma is None:
        packet = rng.uniform(-0.3, 0.3), rng.uniform(0, 2 * np.pi)
        comparisons += _start(packet, outputs, bias_range, "bias", located)
        if not located and bias_range == _RANGE:
            comparisons += _start(packet, outputs, bias_range, "location", True)
    if not located and bias_range == _RANGE:
        comparisons += _end(rng, outputs, sigma)
    return tuple(comparisons)


def _start(
    packet: tuple[float, float],
    outputs: tuple[float, ...],
    bias_range: float,
    law: Literal["bias", "location"],
    located: bool,
) -> list[Comparison]:
    """The squared gradient of the loss at a residual that is a wave packet, from all parameters."""
    center, phase = packet
    network = grid_network(_KNOTS, bias_range, _WEIGHTS, outputs)
    spacing = 2 * _RANGE / _KNOTS / np.array(_REFINED)

    def residual(x: Array) -> Array:
        wave = np.cos(2 * np.pi * _FREQUENCY * (x - center) + phase)
        return np.asarray(np.exp(-np.square((x - center) / _WIDTH) / 2) * wave)

    frequencies = np.arange(1.5, 8.5, 0.02)
    decay = linear_frequency_principle(
        frequencies, weight=_WEIGHTS, output=outputs, density=1 / (2 * bias_range), parametrization=law
    )
    errors = []
    for dx in spacing:
        x = (np.arange(round(-1.9 / dx), round(1.9 / dx)) + 0.5) * dx
        gradient = dx * residual(x) @ features(network, x, _PARTS, located=located)
        errors.append(abs(gradient @ gradient / packet_decay(x, residual(x), frequencies, decay) - 1))
    exponent = fit_exponent(1 / spacing, errors)
    neglected = (np.pi * _FREQUENCY * spacing[-1]) ** 2 / 3
    words = "biases" if law == "bias" else "locations"
    return [
        Comparison(
            quantity=f"relative error of the rate of a packet at ξ = {_FREQUENCY:g}, {words}",
            predicted=0.0,
            measured=errors[-1],
            tolerance=2 * neglected,
            reason="twice the first neglected term: samples dx apart make (2πξ)² to (2 sin(πξdx)/dx)²",
        ),
        Comparison(
            quantity=f"exponent of that error in the number of samples, {words}",
            predicted=-2.0,
            measured=exponent.slope,
            tolerance=0.05,
            reason="the next term is of relative order (πξdx)², 2 % for the fewest samples, over log 2",
            interval=exponent.interval,
        ),
    ]


def _end(rng: np.random.Generator, outputs: tuple[float, ...], sigma: float | None) -> list[Comparison]:
    """The trained function beside the one that costs least by the law."""
    # One sample in each of six slots of three cells, with a free cell between slots.
    x = np.asarray(-1.1 + _CELL * (4 * np.arange(6) + rng.integers(0, 3, 6)), dtype=np.float64)
    y = rng.standard_normal(6)
    fine = 2 * _RANGE / _GRIDS[-1] / 16
    at = np.arange(x[0] + fine / 2, x[-1], fine)
    law = line_coefficients(1.0, outputs, bias_range=_RANGE)
    predicted = line_interpolant(at, x, y, law)
    distances = []
    for knots in _GRIDS:
        if sigma is None:
            network = grid_network(knots, _RANGE, (1.0, 1.0), outputs)
            output = train(network, x, y, at, _PARTS, alpha=_ALPHA, share=1.5, stop=1e-4)
        else:
            small = Network(*(sigma * rng.standard_normal((3, 4 * knots))))
            output = train(small, x, y, at, _PARTS, alpha=1.0, steps=2000, share=0.01, stop=0.0)
        distances.append(float(np.sqrt(np.mean((output - predicted) ** 2))))
    # Biases and input weights make steps at the kinks: the slope of their part of the function.
    weight = np.linalg.solve(line_kernel(x, x, law, bias_range=_RANGE), y) / (2 * _RANGE)
    steps = -np.sign(at[:, None] - x) / 2 * (law.kink + law.product * at[:, None] * x) @ weight
    staircase = 2 * _RANGE / _GRIDS[-1] * np.sqrt(np.mean(steps**2) / 12)
    exponent = fit_exponent(_GRIDS, distances)
    return [
        Comparison(
            quantity=f"rms distance from the law's interpolant, {8 * _GRIDS[-1]} neurons",
            predicted=staircase,
            measured=distances[-1],
            tolerance=0.02 * staircase,
            reason="a staircase of the kinks, seen by sixteen points a step to 1/16²; residuals below 1e-4",
        ),
        Comparison(
            quantity="exponent of that distance in the number of kinks",
            predicted=-1.0,
            measured=exponent.slope,
            tolerance=0.05,
            reason="the same terms, 2 %, over log 2",
            interval=exponent.interval,
        ),
    ]


CHECK: Check[Any, None] = Check(
    prediction=linear_frequency_principle,
    observe=observe,
    controls={
        "kinks do not cover the residual: B = 0.2": {"bias_range": 0.2},
        "locations trained against the law for biases": {"located": True},
        "small initialization: σ = 0.1": {"sigma": 0.1},
    },
)
