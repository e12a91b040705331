"""Does a² - |w|² drift by what the steps break, and by nothing else?"""

from __future__ import annotations

import numpy as np

from lowcomplex.checks._check import Check
from lowcomplex.checks._fits import log_slope
from lowcomplex.checks._verdict import Comparison
from lowcomplex.predictions import balancedness

_SAMPLES, _INPUTS, _NEURONS, _TIME = 20, 4, 30, 2.0


def observe(
    seed: int, *, steps: tuple[float, ...] = (4e-3, 2e-3, 1e-3), activation: str = "relu"
) -> tuple[Comparison, ...]:
    """Train to a fixed time at several steps η and follow every neuron's balance."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS))
    y = rng.standard_normal(_SAMPLES)
    w0 = rng.standard_normal((_NEURONS, _INPUTS)) / np.sqrt(_INPUTS)
    a0 = rng.standard_normal(_NEURONS) / np.sqrt(_NEURONS)
    drifts, errors = [], []
    for step in steps:
        w, a, g_w, g_a = _descend(x, y, w0, a0, step, round(_TIME / step), activation)
        measured = (a**2 - np.square(w).sum(1)) - (a0**2 - np.square(w0).sum(1))
        drifts.append(float(np.linalg.norm(measured)))
        errors.append(float(np.abs(measured - balancedness(g_a, g_w, step=step)).max()))
    size = float(np.square(w0).sum(1).max() + np.square(a0).max())
    updates = round(_TIME / steps[-1])
    return (
        Comparison(
            quantity="largest error of a neuron's drift",
            predicted=0.0,
            measured=max(errors),
            tolerance=updates * np.finfo(float).eps * 10 * size,
            reason=f"rounding of {updates} updates of weights whose squares reach {size:.1f}",
        ),
        Comparison(
            quantity="exponent of the drift in η",
            predicted=1.0,
            measured=log_slope(steps, drifts),
            tolerance=0.02,
            reason="the path's own change with η is of relative order η times the fastest rate, about 1 %",
        ),
    )


def _descend(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, a: np.ndarray, step: float, updates: int, activation: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradient descent on (1/2n) Σ (Σ a s(w·x) - y)², with the gradients of every update."""
    g_ws, g_as = [], []
    for _ in range(updates):
        z = x @ w.T
        h, slope = (np.maximum(z, 0), z > 0) if activation == "relu" else (np.tanh(z), 1 - np.tanh(z) ** 2)
        residual = (h @ a - y) / len(y)
        g_a, g_w = residual @ h, ((residual[:, None] * slope) * a).T @ x
        w, a = w - step * g_w, a - step * g_a
        g_ws.append(g_w)
        g_as.append(g_a)
    return w, a, np.array(g_ws), np.array(g_as)


CHECK = Check(
    prediction=balancedness,
    observe=observe,
    controls={"tanh, which is not homogeneous": {"activation": "tanh"}},
)
