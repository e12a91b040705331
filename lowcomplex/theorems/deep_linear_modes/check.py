"""Do a linear network's modes grow as their closed forms, and its effective rank as their staircase?"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.deep_linear_modes.formula import (
    deep_linear_modes,
    discrete_recursion,
    half_time,
    null_start,
    random_start,
)
from lowcomplex.theorems.deep_linear_modes.mode_equations import layered_modes, unbalanced_mode
from lowcomplex.theorems.deep_linear_modes.observation import (
    LEARNED,
    SIGMA,
    STRENGTHS,
    WIDTH,
    Balanced,
    Deep,
    Observed,
    Random,
    Unequal,
    observe,
)
from lowcomplex.theorems.observations.fits import log_slope

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas of the modes and of their starts, as the theorem's modules document them."""

    modes: Callable[[Array, Array, Array], Array]
    recursion: Callable[..., Array]
    layered: Callable[..., Array]
    unbalanced: Callable[[Array, Array, Array, Array], Array]
    half_time: Callable[[float, float], float]
    random_start: Callable[[Array, Array, Array], tuple[Array, Array]]
    null_start: Callable[[Array, Array, Array], Array]


def judge(observed: Observed, law: Law) -> tuple[Comparison, ...]:
    """Compare modes, orders of their errors, and the staircase of a random start with the law."""
    comparisons: list[Comparison] = []
    if observed.balanced is not None:
        comparisons += _balanced(observed.balanced, law)
    comparisons += [_layers(layers, law) for layers in observed.layers]
    if observed.unequal is not None:
        comparisons += _unequal(observed.unequal, law)
    if observed.random is not None:
        comparisons += _staircase(observed.random, law)
    return tuple(comparisons)


def _balanced(observed: Balanced, law: Law) -> list[Comparison]:
    initial, paths = observed
    rounding, deviations = 0.0, []
    for rate, updates, times, modes in paths:
        exact = _recursed(law.recursion, tuple(initial), rate, updates * (len(times) - 1))[::updates]
        rounding = max(rounding, float(np.abs(modes - exact).max()))
        deviations.append(np.abs(modes - law.modes(STRENGTHS, initial, times)).max(0))
    largest = np.array(deviations)
    return [
        Comparison(
            quantity="largest error of a mode against the discrete recursion",
            predicted=0.0,
            measured=rounding,
            tolerance=6000 * np.finfo(float).eps * 100,
            reason="rounding of 6,000 updates, amplified a hundredfold on the rise of a mode",
        ),
        *(
            Comparison(
                quantity=f"exponent in η of the error against the {name}",
                predicted=1.0,
                measured=log_slope([path.rate for path in paths], largest[:, modes].max(1)),
                tolerance=0.05,
                reason="Euler's method is of first order; its next term is of relative order ηs, below 2 %",
            )
            for name, modes in (("sigmoid", slice(0, 3)), ("null modes' decay", slice(3, 6)))
        ),
    ]


# Most mutants share the recursion, of thousands of steps, and the law of L layers, which takes bisections.
@lru_cache(maxsize=32)
def _recursed(recursion: Callable[..., Array], initial: tuple[float, ...], step: float, steps: int) -> Array:
    return recursion(STRENGTHS, np.array(initial), step=step, steps=steps)


@lru_cache(maxsize=32)
def _layered(
    law: Callable[..., Array], initial: tuple[float, ...], times: tuple[float, ...], depth: int
) -> Array:
    return law(STRENGTHS, np.array(initial), np.array(times), depth=depth)


def _layers(observed: Deep, law: Law) -> Comparison:
    depth, initial, path = observed
    predicted = _layered(law.layered, tuple(initial), tuple(path.times), depth)
    return Comparison(
        quantity=f"largest error of a mode of {depth} layers under gradient flow",
        predicted=0.0,
        measured=float(np.abs(path.modes - predicted).max()),
        tolerance=1e-7,
        reason="the integrator's 1e-12 per step over a thousand steps, amplified a hundredfold on the rise",
    )


def _unequal(observed: Unequal, law: Law) -> list[Comparison]:
    initial, imbalance, flow, paths = observed
    predicted = law.unbalanced(STRENGTHS, initial, imbalance, flow.times)
    deviations = [
        np.abs(path.modes - law.unbalanced(STRENGTHS, initial, imbalance, path.times)).max() for path in paths
    ]
    return [
        Comparison(
            quantity="largest error of a mode of unequal layers under gradient flow",
            predicted=0.0,
            measured=float(np.abs(flow.modes - predicted).max()),
            tolerance=1e-8,
            reason="the integrator's 1e-12 per step over a thousand steps, amplified tenfold on the rise",
        ),
        Comparison(
            quantity="exponent in η of that error under gradient descent",
            predicted=1.0,
            measured=log_slope([path.rate for path in paths], deviations),
            tolerance=0.05,
            reason="Euler's method is of first order; its next term is of relative order ηD, below 4 %",
        ),
    ]


def _staircase(observed: Random, law: Law) -> list[Comparison]:
    w1, w2, target, step, times, measured, slowest, null = observed
    strengths, initial = law.random_start(w1, w2, target)
    modes = law.modes(strengths, initial, times)
    # The effective rank is the exponential of the entropy of the modes' shares.
    p = modes / modes.sum(1, keepdims=True)
    predicted = np.exp(-(p * np.log(p)).sum(1))
    smallest, overlap = LEARNED[-1], 1 / np.sqrt(WIDTH)
    aligned = times > 1.5 / smallest
    still = law.null_start(w1, w2, target)
    decay = 2 * SIGMA**2 * WIDTH * times[-1]
    # A learned mode's hidden direction takes e^(-s t) since its rise to lose its part of a null mode.
    left_over = np.exp(-smallest * (times[-1] - np.interp(smallest / 2, slowest, times)))
    return [
        Comparison(
            quantity="mean error of the effective rank of the product over time, random start",
            predicted=0.0,
            measured=float(np.abs(measured - predicted)[aligned].mean()),
            tolerance=overlap,
            reason="modes of a random start overlap by 1/sqrt(width), which shifts their rise",
        ),
        Comparison(
            quantity="time at which the slowest mode is half learned, random start",
            predicted=law.half_time(strengths[2], initial[2]),
            measured=float(np.interp(strengths[2] / 2, slowest, times)),
            tolerance=2 * overlap / (2 * strengths[2]) + step * strengths[0],
            reason="u_0 is off by at most twice the overlap: log(1 + 2/sqrt(width))/(2s); and Euler's step",
        ),
        Comparison(
            quantity="relative error of the null singular values at the end, random start",
            predicted=0.0,
            measured=float(np.linalg.norm(null - still) / np.linalg.norm(still)),
            tolerance=4 * decay + overlap * left_over,
            reason="twice the null modes' own decay 2σ²h t in both layers; and the rest of their part along "
            f"the hidden directions, sqrt(1/h) e^(-st) = {overlap * left_over:.1g}",
        ),
    ]


LAW = Law(
    deep_linear_modes.evaluate,
    discrete_recursion,
    layered_modes,
    unbalanced_mode,
    half_time,
    random_start,
    null_start,
)


def _other_power(strengths: Array, initial: Array, times: Array, *, depth: int) -> Array:
    """The law u̇ = L u^q (s - u) with q = 2.1 - 2/L: that of 2/(2 - q) layers at another speed."""
    other = 2 / (2 / depth - 0.1)
    return layered_modes(strengths, initial, times * depth / other, depth=other)  # type: ignore[arg-type]


def _frozen_start(input_weight: Array, output_weight: Array, target: Array) -> Array:
    """Null singular values without the projection on learned hidden directions."""
    left, _, right = np.linalg.svd(target)
    rank = len(LEARNED)
    values: Array = np.linalg.svd(
        left[:, rank:].T @ output_weight @ input_weight @ right[rank:].T, compute_uv=False
    )
    return values


def _random_start_times(factor: float) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    def wrong(input_weight: Array, output_weight: Array, target: Array) -> tuple[Array, Array]:
        strengths, initial = random_start(input_weight, output_weight, target)
        return strengths, factor * initial

    return wrong


CHECK = Check(
    prediction=deep_linear_modes,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants={
        "rate of the sigmoid 2 % too large": LAW._replace(modes=lambda s, u0, t: LAW.modes(s, u0, 1.02 * t)),
        "rate of the sigmoid of the other sign": LAW._replace(modes=lambda s, u0, t: LAW.modes(s, u0, -t)),
        "null modes that stay": LAW._replace(
            modes=lambda s, u0, t: np.where(s > 0, LAW.modes(s, u0, t), u0),
        ),
        "decay of null modes 10 % too fast": LAW._replace(
            modes=lambda s, u0, t: np.where(s > 0, LAW.modes(s, u0, t), LAW.modes(s, u0, 1.1 * t)),
        ),
        "recursion of three layers": LAW._replace(
            recursion=lambda s, u0, *, step, steps: discrete_recursion(
                s, u0, step=step, steps=steps, depth=3
            ),
        ),
        "one layer fewer": LAW._replace(
            layered=lambda s, u0, t, *, depth: layered_modes(s, u0, t, depth=depth - 1)
        ),
        "exponent of u with L layers 0.1 too large": LAW._replace(layered=_other_power),
        "imbalance 0.1 % too large": LAW._replace(
            unbalanced=lambda s, u0, length, t: unbalanced_mode(s, u0, 1.001 * length, t)
        ),
        "time to half the strength 10 % too long": LAW._replace(half_time=scaled(half_time, 1.1)),
        "initial strength at random twice too large": LAW._replace(random_start=_random_start_times(2.0)),
        "initial strength at random 10 % too large": LAW._replace(random_start=_random_start_times(1.1)),
        "null singular values 0.1 % too small": LAW._replace(null_start=scaled(null_start, 0.999)),
        "null singular values that all stay": LAW._replace(null_start=_frozen_start),
    },
    survivors={
        "initial strength at random 10 % too large": "moves the rise by log(1.1)/(2s) = 0.05; modes of a "
        "random start of 200 neurons overlap, which moves it by up to 0.07",
    },
    controls={
        "large random start: σ = 0.3, modes start above their strength": {"sigma": 0.3, "parts": ("random",)},
        "inputs that are not whitened: covariance from 0.5 to 2": {
            "whitened": False,
            "parts": ("layers", "random"),
        },
        "layers of unequal sizes, e^±0.2, under the balanced laws": {
            "imbalance": 0.2,
            "parts": ("layers",),
        },
        "layers that do not share their hidden directions, by 0.3 rad": {
            "misaligned": 0.3,
            "parts": ("unequal",),
        },
    },
)
