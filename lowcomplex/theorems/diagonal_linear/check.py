"""Does gradient flow on a diagonal linear network end where its implicit penalty says?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.diagonal_linear.formula import diagonal_linear, least_norm_correction, minimum_norm
from lowcomplex.theorems.observations.fits import fit_exponent

_SAMPLES, _INPUTS = 6, 15
_LONG, _RESIDUAL, _RTOL = 1e6, 1e-9, 1e-11

Array = NDArray[np.float64]


def observe(
    seed: int, *, alphas: tuple[float, ...] = (0.03, 0.3, 1.0), unbalanced: float = 0.0
) -> tuple[Comparison, ...]:
    """Integrate the flow of u and v to interpolation and compare β = u² - v² with the prediction."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS)) / np.sqrt(_SAMPLES)
    sparse = np.zeros(_INPUTS)
    sparse[:3] = rng.standard_normal(3)
    y = x @ sparse
    start = 1 + unbalanced * rng.uniform(-1, 1, _INPUTS)
    errors = []
    for alpha in alphas:
        predicted = diagonal_linear(x, y, alpha=alpha)
        errors.append(
            float(np.linalg.norm(_flow(x, y, alpha, start) - predicted) / np.linalg.norm(predicted))
        )
    large = (3.0, 4.0, 6.0, 8.0)
    nearest = minimum_norm(x, y)
    distances = [np.linalg.norm(_flow(x, y, alpha, start) - nearest) for alpha in large]
    conditioning = float(np.linalg.cond(x))
    exponent = fit_exponent(large, distances)
    middle, distance = large[1], float(distances[1])
    return (
        Comparison(
            quantity=f"largest relative error of β over α = {', '.join(f'{alpha:g}' for alpha in alphas)}",
            predicted=0.0,
            measured=max(errors),
            tolerance=1e3 * conditioning * _RESIDUAL,
            reason="relative residual below 1e-9 at the end, times the conditioning of X and of the "
            "penalty's Hessian",
        ),
        Comparison(
            quantity="exponent in α of the distance to the least-norm solution",
            predicted=-4.0,
            measured=exponent.slope,
            tolerance=0.1,
            reason="the next term is of relative order α^-4, 1.2 % at α = 3, times |β|²",
            interval=exponent.interval,
        ),
        Comparison(
            quantity=f"that distance times α^4 at α = {middle:g}, over the predicted factor",
            predicted=1.0,
            measured=float(distance * middle**4 / np.linalg.norm(least_norm_correction(x, y))),
            tolerance=float(np.abs(nearest).max()) ** 4 / middle**4 + 4 * middle**2 * _RTOL / distance,
            reason="the next term is of relative order |β|^4 α^-4; and u² - v² holds 4α² times the "
            "integrator's relative error",
        ),
    )


def _flow(x: Array, y: Array, alpha: float, start: Array) -> Array:
    """β = u² - v² where the flow of u and v on ½|Xβ - y|² has come to rest, from u = α·start, v = α·1."""
    from scipy.integrate import solve_ivp

    d = x.shape[1]
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
        alpha * np.append(start, np.ones(d)),
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


CHECK: Check[Any, None] = Check(
    prediction=diagonal_linear,
    observe=observe,
    controls={"unbalanced start: u = α (1 ± 0.5), v = α": {"unbalanced": 0.5}},
)
