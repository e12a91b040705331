"""Does gradient flow on a diagonal linear network end at the minimizer of its implicit penalty?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.networks import DiagonalLinear
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.diagonal_linear.formula import (
    EXPONENT,
    diagonal_linear,
    least_norm_correction,
    minimum_norm,
)
from lowcomplex.theorems.observations.fits import fit_exponent

_SAMPLES, _INPUTS = 6, 15
_LARGE = (3.0, 4.0, 6.0, 8.0)
_LONG, _RESIDUAL, _RTOL = 1e6, 1e-9, 1e-11

Array = NDArray[np.float64]


class Limits(NamedTuple):
    """Where the flow on Xβ = y came to rest, from several α.

    Attributes:
        x: (n, d) X.
        y: (n,) y.
        alphas: (k,) scales at which β is compared.
        betas: (k, d) β at these.
        large: (l,) large scales, at which the distance to the least-norm solution is measured.
        large_betas: (l, d) β at these.
    """

    x: Array
    y: Array
    alphas: tuple[float, ...]
    betas: Array
    large: tuple[float, ...]
    large_betas: Array


class Law(NamedTuple):
    """The formulas that the check holds against training.

    Attributes:
        limit: X, y and α → β.
        minimum_norm: X and y → the least-norm solution, which β approaches at large α.
        correction: X and y → the factor of that approach.
        exponent: Its exponent in α.
    """

    limit: Callable[[Array, Array, float], Array]
    minimum_norm: Callable[[Array, Array], Array]
    correction: Callable[[Array, Array], Array]
    exponent: float


def observe(seed: int, *, alphas: tuple[float, ...] = (0.03, 0.3, 1.0), unbalanced: float = 0.0) -> Limits:
    """Integrate the flow of u and v to interpolation, β = u² - v²."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS)) / np.sqrt(_SAMPLES)
    sparse = np.zeros(_INPUTS)
    sparse[:3] = rng.standard_normal(3)
    y = x @ sparse
    tilt = 1 + unbalanced * rng.uniform(-1, 1, _INPUTS)
    betas, large_betas = (
        np.array([_flow(x, y, alpha, tilt) for alpha in scales]) for scales in (alphas, _LARGE)
    )
    return Limits(x, y, alphas, betas, _LARGE, large_betas)


def judge(observed: Limits, law: Law) -> tuple[Comparison, ...]:
    """Compare β with the penalty's minimizer, and its distance to the least-norm solution with α^-4."""
    x, y, alphas, betas, large, large_betas = observed
    errors = []
    for alpha, beta in zip(alphas, betas, strict=True):
        predicted = law.limit(x, y, alpha)
        errors.append(float(np.linalg.norm(beta - predicted) / np.linalg.norm(predicted)))
    nearest, correction = law.minimum_norm(x, y), law.correction(x, y)
    distances = [np.linalg.norm(beta - nearest) for beta in large_betas]
    exponent = fit_exponent(large, distances)
    middle, distance = large[1], float(distances[1])
    side = float((large_betas[1] - nearest) @ correction)
    return (
        Comparison(
            quantity=f"largest relative error of β over α = {', '.join(f'{alpha:g}' for alpha in alphas)}",
            predicted=0.0,
            measured=max(errors),
            tolerance=1e3 * float(np.linalg.cond(x)) * _RESIDUAL,
            reason="relative residual below 1e-9 at the end, times the conditioning of X and of the "
            "penalty's Hessian",
        ),
        exponent.beside(
            quantity="exponent in α of the distance to the least-norm solution",
            predicted=law.exponent,
            tolerance=0.1,
            reason="the next term is of relative order α^-4, 1.2 % at α = 3, times |β|²",
        ),
        Comparison(
            quantity=f"that distance times α^4 at α = {middle:g}, over the predicted factor",
            predicted=1.0,
            # Negative if β lies on the other side of the least-norm solution.
            measured=math.copysign(float(distance * middle**4 / np.linalg.norm(correction)), side),
            tolerance=float(np.abs(nearest).max()) ** 4 / middle**4 + 4 * middle**2 * _RTOL / distance,
            reason="the next term is of relative order |β|^4 α^-4; u² - v² carries 4α² times the "
            "integrator's relative error",
        ),
    )


def _flow(x: Array, y: Array, alpha: float, tilt: Array) -> Array:
    """β = u² - v² where the flow of u and v on ½|Xβ - y|² has come to rest, from u = α·tilt, v = α·1.

    With the Jacobian of this stiff flow, which `lowcomplex.training` does not take, it is ten times faster.
    """
    from scipy.integrate import solve_ivp

    d = x.shape[1]
    network = DiagonalLinear(d, alpha=alpha)
    start = (network.positive.detach().numpy() * tilt, network.negative.detach().numpy())
    signs = np.repeat((1.0, -1.0), d)

    def gradient(z: Array) -> Array:
        result: Array = x.T @ (x @ (z[:d] ** 2 - z[d:] ** 2) - y)
        return result

    def slope(_: float, z: Array) -> Array:
        return -2 * signs * z * np.tile(gradient(z), 2)

    curvature = np.tile(x.T @ x, (2, 2))

    def jacobian(_: float, z: Array) -> Array:
        own = np.diag(-2 * signs * np.tile(gradient(z), 2))
        through: Array = -4 * (signs * z)[:, None] * curvature * (signs * z)
        return own + through

    solver = solve_ivp(
        slope,
        (0.0, _LONG),
        np.concatenate(start),
        method="LSODA",
        jac=jacobian,
        rtol=_RTOL,
        atol=1e-14 * alpha,
    )
    z = solver.y[:, -1]
    beta: Array = z[:d] ** 2 - z[d:] ** 2
    if solver.status != 0 or not np.linalg.norm(x @ beta - y) <= _RESIDUAL * np.linalg.norm(y):
        raise ArithmeticError(f"the flow from α = {alpha:g} did not come to rest: {solver.message}")
    return beta


def _limit(x: Array, y: Array, alpha: float) -> Array:
    return diagonal_linear(x, y, alpha=alpha)


LAW = Law(_limit, minimum_norm, least_norm_correction, EXPONENT)


def _unprojected(x: Array, y: Array) -> Array:
    cube: Array = minimum_norm(x, y) ** 3 / 24
    return cube


CHECK = Check(
    prediction=diagonal_linear,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants={
        "α 1 % too large": LAW._replace(limit=lambda x, y, alpha: _limit(x, y, 1.01 * alpha)),
        "2α² in β 10 % too large": LAW._replace(limit=lambda x, y, alpha: _limit(x, y, 1.1**0.5 * alpha)),
        "the least ℓ2 norm at every α": LAW._replace(limit=lambda x, y, alpha: minimum_norm(x, y)),
        "the least ℓ1 norm at every α": LAW._replace(limit=lambda x, y, alpha: _limit(x, y, 1e-6)),
        "distance as α^-3.8": LAW._replace(exponent=EXPONENT + 0.2),
        "1/24 in the distance 10 % too large": LAW._replace(correction=scaled(least_norm_correction, 1.1)),
        "distance of the other sign": LAW._replace(correction=scaled(least_norm_correction, -1.0)),
        "distance not projected on the kernel of X": LAW._replace(correction=_unprojected),
    },
    controls={"unbalanced start: u = α (1 ± 0.5), v = α": {"unbalanced": 0.5}},
)
