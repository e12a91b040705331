"""Do a linear network's modes grow as sigmoids, and its effective rank as their staircase?"""

from __future__ import annotations

import numpy as np
import torch

from lowcomplex.checks._check import Check
from lowcomplex.checks._fits import log_slope
from lowcomplex.checks._verdict import Comparison
from lowcomplex.measures import effective_rank
from lowcomplex.predictions import deep_linear_modes, discrete_recursion, random_start

_SIZE = 6
_WIDTH = 200
_STRENGTHS = np.array([4.0, 2.0, 1.0])


def observe(seed: int, *, sigma: float = 1e-4, whitened: bool = True) -> tuple[Comparison, ...]:
    """Descend from a balanced spectral start and from a random one of scale σ."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((_SIZE, _SIZE)))[0] for _ in range(2))
    target = left[:, :3] * _STRENGTHS @ right[:, :3].T
    covariance = np.diag(np.ones(_SIZE) if whitened else np.geomspace(0.5, 2.0, _SIZE))
    return (
        *_balanced(rng, target, left, right, covariance),
        *_staircase(rng, target, left, right, covariance, sigma),
    )


def _balanced(
    rng: np.random.Generator,
    target: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    covariance: np.ndarray,
) -> tuple[Comparison, ...]:
    initial = np.full(3, 1e-3)
    middle = np.linalg.qr(rng.standard_normal((_SIZE, _SIZE)))[0][:, :3]
    w1 = middle * np.sqrt(initial) @ right[:, :3].T
    w2 = left[:, :3] * np.sqrt(initial) @ middle.T
    rounding, deviations, steps = 0.0, [], (4e-3, 2e-3, 1e-3)
    for step in steps:
        updates = round(6.0 / step)
        path = _descend(w1, w2, target, covariance, step, updates, every=updates // 30)
        modes = np.einsum("ki,tij,jk->tk", left[:, :3].T, path, right[:, :3])
        exact = discrete_recursion(_STRENGTHS, initial, step=step, steps=updates)[:: updates // 30]
        rounding = max(rounding, float(np.abs(modes - exact).max()))
        times = step * (updates // 30) * np.arange(len(modes))
        deviations.append(float(np.abs(modes - deep_linear_modes(_STRENGTHS, initial, times)).max()))
    return (
        Comparison(
            quantity="largest error of a mode against the discrete recursion",
            predicted=0.0,
            measured=rounding,
            tolerance=6000 * np.finfo(float).eps * 100,
            reason="rounding of 6,000 updates, amplified at most by e^(st) on the rise of a mode",
        ),
        Comparison(
            quantity="exponent in η of the error against the sigmoid",
            predicted=1.0,
            measured=log_slope(steps, deviations),
            tolerance=0.05,
            reason="Euler's method is of first order; its next term is of relative order ηs, below 2 %",
        ),
    )


def _staircase(
    rng: np.random.Generator,
    target: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    covariance: np.ndarray,
    sigma: float,
) -> tuple[Comparison, ...]:
    w1 = sigma * rng.standard_normal((_WIDTH, _SIZE))
    w2 = sigma * rng.standard_normal((_SIZE, _WIDTH))
    step, smallest = 5e-3, _STRENGTHS[-1]
    updates = round(14.0 / smallest / step)
    path = _descend(w1, w2, target, covariance, step, updates, every=10)
    times = step * 10 * np.arange(len(path))
    strengths, initial = random_start(w1, w2, target)
    modes = deep_linear_modes(strengths, initial, times)
    p = modes / modes.sum(1, keepdims=True)
    predicted = np.exp(-(p * np.log(p)).sum(1))
    aligned = times > 1.5 / smallest
    measured = effective_rank(torch.from_numpy(path)).numpy()
    overlap = 1 / np.sqrt(_WIDTH)
    last = np.einsum("i,tij,j->t", left[:, 2], path, right[:, 2])
    return (
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
    )


def _descend(
    w1: np.ndarray,
    w2: np.ndarray,
    target: np.ndarray,
    covariance: np.ndarray,
    step: float,
    updates: int,
    *,
    every: int,
) -> np.ndarray:
    """Descend on ½ tr (W2 W1 - target) C (W2 W1 - target)ᵀ; the product at every so many updates."""
    path = [w2 @ w1]
    for update in range(1, updates + 1):
        residual = (target - w2 @ w1) @ covariance
        w1, w2 = w1 + step * w2.T @ residual, w2 + step * residual @ w1.T
        if update % every == 0:
            path.append(w2 @ w1)
    return np.array(path)


CHECK = Check(
    prediction=deep_linear_modes,
    observe=observe,
    controls={
        "large random start: σ = 0.3, modes start above their strength": {"sigma": 0.3},
        "inputs that are not whitened: covariance from 0.5 to 2": {"whitened": False},
    },
)
