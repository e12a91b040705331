"""Do a linear network's modes grow as their closed forms, and its effective rank as their staircase?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.measures import effective_rank
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.deep_linear_modes.flows import descend, flow
from lowcomplex.theorems.deep_linear_modes.formula import (
    deep_linear_modes,
    discrete_recursion,
    null_start,
    random_start,
)
from lowcomplex.theorems.deep_linear_modes.mode_equations import layered_modes, unbalanced_mode
from lowcomplex.theorems.observations.fits import log_slope

Array = NDArray[np.float64]

_SIZE = 6
_WIDTH = 200
_STRENGTHS = np.array([4.0, 2.0, 1.0])
_NULL = 0.3
_SIGMA = 1e-4
_PARTS = ("balanced", "layers", "unequal", "random")


def observe(
    seed: int,
    *,
    parts: tuple[str, ...] = _PARTS,
    sigma: float = _SIGMA,
    whitened: bool = True,
    imbalance: float = 0.0,
    misaligned: float = 0.0,
) -> tuple[Comparison, ...]:
    """Descend, or flow, from spectral starts and from a random one of scale σ."""
    rng = np.random.default_rng(seed)
    left, right, middle = (np.linalg.qr(rng.standard_normal((_SIZE, _SIZE)))[0] for _ in range(3))
    target = left[:, :3] * _STRENGTHS @ right[:, :3].T
    covariance = np.diag(np.ones(_SIZE) if whitened else np.geomspace(0.5, 2.0, _SIZE))
    data = left, right, target, covariance
    comparisons: list[Comparison] = []
    if "balanced" in parts:
        comparisons += _balanced(*data, middle, imbalance)
    if "layers" in parts:
        for depth in (3, 4):
            comparisons += _layers(rng, *data, depth, imbalance)
    if "unequal" in parts:
        comparisons += _unequal(rng, *data, middle, misaligned)
    if "random" in parts:
        comparisons += _staircase(rng, *data, sigma)
    return tuple(comparisons)


def _modes(path: Array, left: Array, right: Array) -> Array:
    """Strength of each mode of the product at each time."""
    modes: Array = np.einsum("ki,tij,jk->tk", left.T, path, right)
    return modes


def _spectral(left: Array, right: Array, middle: Array, sizes: tuple[Array, Array]) -> list[Array]:
    return [middle * sizes[0] @ right.T, left * sizes[1] @ middle.T]


def _balanced(
    left: Array, right: Array, target: Array, covariance: Array, middle: Array, imbalance: float
) -> list[Comparison]:
    strengths = np.append(_STRENGTHS, [0.0, 0.0, 0.0])
    initial = np.append([1e-3, 1e-3, 1e-3], [_NULL, _NULL / 2, _NULL / 4])
    root = np.sqrt(initial)
    start = _spectral(left, right, middle, (root * np.exp(imbalance), root * np.exp(-imbalance)))
    rounding, deviations, steps = 0.0, [], (4e-3, 2e-3, 1e-3)
    for step in steps:
        updates = round(6.0 / step)
        every = updates // 30
        modes = _modes(descend(start, target, covariance, step, updates, every=every), left, right)
        exact = discrete_recursion(strengths, initial, step=step, steps=updates)[::every]
        rounding = max(rounding, float(np.abs(modes - exact).max()))
        times = step * every * np.arange(len(modes))
        deviations.append(np.abs(modes - deep_linear_modes(strengths, initial, times)).max(0))
    largest = np.array(deviations)
    return [
        Comparison(
            quantity="largest error of a mode against the discrete recursion",
            predicted=0.0,
            measured=rounding,
            tolerance=6000 * np.finfo(float).eps * 100,
            reason="rounding of 6,000 updates, amplified at most by e^(st) on the rise of a mode",
        ),
        *(
            Comparison(
                quantity=f"exponent in η of the error against the {name}",
                predicted=1.0,
                measured=log_slope(steps, largest[:, modes].max(1)),
                tolerance=0.05,
                reason="Euler's method is of first order; its next term is of relative order ηs, below 2 %",
            )
            for name, modes in (("sigmoid", slice(0, 3)), ("null modes' decay", slice(3, 6)))
        ),
    ]


def _layers(
    rng: np.random.Generator,
    left: Array,
    right: Array,
    target: Array,
    covariance: Array,
    depth: int,
    imbalance: float,
) -> list[Comparison]:
    strengths = np.append(_STRENGTHS, [0.0, 0.0, 0.0])
    initial = np.append([0.03, 0.03, 0.03], [_NULL, _NULL / 2, _NULL / 4])
    bases = [right, *(np.linalg.qr(rng.standard_normal((_SIZE, _SIZE)))[0] for _ in range(depth - 1)), left]
    root = initial ** (1 / depth)
    tilt = np.exp(imbalance * np.linspace(1, -1, depth))
    start = [
        late * (tilt[index] * root) @ early.T for index, (early, late) in enumerate(itertools.pairwise(bases))
    ]
    times = np.linspace(0.0, 6.0, 31)
    modes = _modes(flow(start, target, covariance, times), left, right)
    predicted = layered_modes(strengths, initial, times, depth=depth)
    return [
        Comparison(
            quantity=f"largest error of a mode of {depth} layers under gradient flow",
            predicted=0.0,
            measured=float(np.abs(modes - predicted).max()),
            tolerance=1e-7,
            reason="the integrator's 1e-12 a step over a thousand steps, amplified a hundredfold",
        )
    ]


def _unequal(
    rng: np.random.Generator,
    left: Array,
    right: Array,
    target: Array,
    covariance: Array,
    middle: Array,
    misaligned: float,
) -> list[Comparison]:
    """Layers of unequal sizes a and b; they share their hidden directions unless misaligned by an angle."""
    strengths = np.append(_STRENGTHS, [0.0, 0.0, 0.0])
    sizes = rng.uniform(0.02, 1.0, (2, _SIZE))
    # One layer larger for some modes, the other for the rest; and a mode that starts below zero.
    sizes[1, 0] *= -1
    turn = np.eye(_SIZE)
    turn[:2, :2] = [[np.cos(misaligned), -np.sin(misaligned)], [np.sin(misaligned), np.cos(misaligned)]]
    start = [middle * sizes[0] @ right.T, left * sizes[1] @ (middle @ turn).T]
    initial, lengths = sizes[0] * sizes[1], np.abs(sizes[0] ** 2 - sizes[1] ** 2)
    times = np.linspace(0.0, 3.0, 31)
    modes = _modes(flow(start, target, covariance, times), left, right)
    predicted = unbalanced_mode(strengths, initial, lengths, times)
    steps, deviations = (4e-3, 2e-3, 1e-3), []
    for step in steps:
        updates = round(3.0 / step)
        path = descend(start, target, covariance, step, updates, every=round(0.1 / step))
        grid = np.linspace(0.0, 3.0, len(path))
        exact = unbalanced_mode(strengths, initial, lengths, grid)
        deviations.append(np.abs(_modes(path, left, right) - exact).max())
    return [
        Comparison(
            quantity="largest error of a mode of unequal layers under gradient flow",
            predicted=0.0,
            measured=float(np.abs(modes - predicted).max()),
            tolerance=1e-8,
            reason="the integrator's 1e-12 a step, over a thousand steps, amplified tenfold on the rise",
        ),
        Comparison(
            quantity="exponent in η of that error under gradient descent",
            predicted=1.0,
            measured=log_slope(steps, deviations),
            tolerance=0.05,
            reason="Euler's method is of first order; its next term is of relative order ηD, below 4 %",
        ),
    ]


def _staircase(
    rng: np.random.Generator, left: Array, right: Array, target: Array, covariance: Array, sigma: float
) -> list[Comparison]:
    w1 = sigma * rng.standard_normal((_WIDTH, _SIZE))
    w2 = sigma * rng.standard_normal((_SIZE, _WIDTH))
    step, smallest = 5e-3, _STRENGTHS[-1]
    updates = round(14.0 / smallest / step)
    path = descend([w1, w2], target, covariance, step, updates, every=10)
    times = step * 10 * np.arange(len(path))
    strengths, initial = random_start(w1, w2, target)
    modes = deep_linear_modes(strengths, initial, times)
    p = modes / modes.sum(1, keepdims=True)
    predicted = np.exp(-(p * np.log(p)).sum(1))
    aligned = times > 1.5 / smallest
    measured = effective_rank(torch.from_numpy(path)).numpy()
    overlap = 1 / np.sqrt(_WIDTH)
    last = np.einsum("i,tij,j->t", left[:, 2], path, right[:, 2])
    null = np.linalg.svd(path[-1], compute_uv=False)[3:]
    still = null_start(w1, w2, target)
    decay = 2 * _SIGMA**2 * _WIDTH * times[-1]
    # A learned mode's hidden direction takes e^(-s t) since its rise to lose its part of a null mode.
    left_over = np.exp(-smallest * (times[-1] - np.interp(smallest / 2, last, times)))
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
            predicted=float(np.log(max(strengths[2] / initial[2] - 1, 0.0)) / (2 * strengths[2]))
            if strengths[2] > 2 * initial[2]
            else float("nan"),
            measured=float(np.interp(strengths[2] / 2, last, times)),
            tolerance=2 * overlap / (2 * strengths[2]) + step * strengths[0],
            reason="u_0 is off by twice the overlap at most: log(1 + 2/sqrt(width))/(2s); and Euler's step",
        ),
        Comparison(
            quantity="relative error of the null singular values at the end, random start",
            predicted=0.0,
            measured=float(np.linalg.norm(null - still) / np.linalg.norm(still)),
            tolerance=4 * decay + overlap * left_over,
            reason="twice the null modes' own decay 2σ²h t at both layers; and what is left of their part "
            f"along the hidden directions, sqrt(1/h) e^(-st) = {overlap * left_over:.1g}",
        ),
    ]


CHECK: Check[Any, None] = Check(
    prediction=deep_linear_modes,
    observe=observe,
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
