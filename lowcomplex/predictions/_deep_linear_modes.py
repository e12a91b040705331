"""Singular modes of linear networks learn one by one: sigmoids, and a staircase of ranks."""

from __future__ import annotations

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from lowcomplex.predictions._prediction import Prediction, Regime

Array = NDArray[np.float64]


def _expressions() -> dict[str, sp.Expr]:
    s, u0, t = sp.symbols("s u_0 t", positive=True)
    return {
        "u(t)": s * sp.exp(2 * s * t) / (sp.exp(2 * s * t) - 1 + s / u0),
        "u(t) of a null mode": u0 / (1 + 2 * u0 * t),
    }


def _evaluate(strengths: ArrayLike, initial: ArrayLike, times: ArrayLike) -> Array:
    """Strength of each mode of the product W2 W1 at given times.

    u̇ = 2u (s - u), so u(t) = s e^{2st} / (e^{2st} - 1 + s/u_0); u_0 / (1 + 2 u_0 t) where s = 0.

    Args:
        strengths: (k,) singular values s of the target, nonnegative.
        initial: (k,) positive initial strengths u_0 of the modes.
        times: (T,) times; learning rate times steps.

    Returns:
        (T, k).

    Raises:
        ValueError: A strength is negative, or an initial strength is not positive.
    """
    s, u0 = np.asarray(strengths, dtype=float), np.asarray(initial, dtype=float)
    t = np.asarray(times, dtype=float)[:, None]
    if (s < 0).any() or not np.isfinite(s).all():
        raise ValueError("strengths: expected finite, nonnegative singular values")
    if not (u0 > 0).all():
        raise ValueError("initial: a mode that starts at zero never grows; expected positive strengths")
    # Multiplied through by e^{-2st}, so that late times do not overflow.
    decay = np.exp(-2 * s * t)
    safe = np.where(s > 0, s, 1.0)
    modes: Array = np.where(s > 0, s / (1 + (safe / u0 - 1) * decay), u0 / (1 + 2 * u0 * t))
    return modes


def random_start(input_weight: ArrayLike, output_weight: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """Strengths of the target's modes, and their initial strengths at a random start.

    u_0i = |W1 v_i + W2ᵀ u_i|² / 4: only the balanced part of a mode grows.

    Args:
        input_weight: (h, d) W1.
        output_weight: (c, h) W2.
        target: (c, d), u_i and v_i its left and right singular vectors.

    Returns:
        The nonzero singular values s_i of the target, and u_0i, each (rank,).
    """
    left, s, right = np.linalg.svd(np.asarray(target, dtype=float), full_matrices=False)
    kept = s > len(s) * np.finfo(float).eps * s[0]
    w1, w2 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    balanced = w1 @ right[kept].T + w2.T @ left[:, kept]
    return s[kept], np.square(balanced).sum(0) / 4


def discrete_recursion(strengths: ArrayLike, initial: ArrayLike, *, step: float, steps: int) -> Array:
    """Modes under gradient descent from a balanced spectral start: b ← b + η b (s - b²), u = b².

    Args:
        strengths: (k,) singular values s of the target.
        initial: (k,) initial strengths u_0 = b_0².
        step: Learning rate η.
        steps: Number of updates.

    Returns:
        (steps + 1, k), u after each update.
    """
    s = np.asarray(strengths, dtype=float)
    b = np.sqrt(np.asarray(initial, dtype=float))
    path = [b]
    for _ in range(steps):
        b = b + step * b * (s - b**2)
        path.append(b)
    strengths_in_time: Array = np.square(np.array(path))
    return strengths_in_time


def _regime(*, sigma: float, width: int, time: float, smallest: float) -> Regime:
    """Inside at small random initialization, once the slowest mode has aligned."""
    if sigma**2 * width >= 0.1 * smallest:
        return Regime(False, f"initial modes of about {sigma**2 * width:g} are not small beside {smallest:g}")
    if time < 1.5 / smallest:
        return Regime(False, f"t = {time:g} is before 1.5/s_min = {1.5 / smallest:g}: modes not yet aligned")
    return Regime(True, "small start, modes aligned")


deep_linear_modes = Prediction(
    name="deep_linear_modes",
    statement=(
        "A two-layer linear network on whitened inputs learns the singular modes of its target one by one, "
        "each by a sigmoid u(t) = s e^{2st}/(e^{2st} - 1 + s/u_0): at small initialization the effective "
        "rank of the product climbs a staircase."
    ),
    hypotheses=(
        "two linear layers, whitened inputs, loss ½‖W2 W1 - target‖²",
        "balanced spectral start (exact), or a small random start with u_0i = |W1 v_i + W2ᵀ u_i|²/4",
        "gradient flow; the recursion b ← b + ηb(s - b²) for gradient descent",
    ),
    source="Saxe, McClelland, Ganguli, ICLR 2014 (1312.6120), eq. 8; random start derived",
    kind="exact",
    expressions=_expressions(),
    evaluate=_evaluate,
    regime=_regime,
)
