"""Singular modes of linear networks learn one by one: sigmoids, and a staircase of ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.deep_linear_modes.mode_equations import (
    checked_modes,
    layered_expressions,
    unbalanced_expressions,
)

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    s, u0, t = sp.symbols("s u_0 t", positive=True)
    return {
        "u(t)": s * sp.exp(2 * s * t) / (sp.exp(2 * s * t) - 1 + s / u0),
        "u(t) of a null mode": u0 / (1 + 2 * u0 * t),
        "time at which u = s/2": sp.log(s / u0 - 1) / (2 * s),
        **layered_expressions(),
        **unbalanced_expressions(),
    }


def _evaluate(strengths: ArrayLike, initial: ArrayLike, time: ArrayLike) -> Array:
    """Strength of each mode of the product W2 W1 at given times.

    u̇ = 2u (s - u), so u(t) = s e^{2st} / (e^{2st} - 1 + s/u_0), or u_0 / (1 + 2 u_0 t) where s = 0.

    Args:
        strengths: (k,) singular values s of the target, nonnegative.
        initial: (k,) positive initial strengths u_0 of the modes.
        time: (T,) times t, learning rate times steps.

    Returns:
        (T, k).

    Raises:
        ValueError: A strength is negative, or an initial strength is not positive.
    """
    s, u0, t = checked_modes(strengths, initial, time)
    # The fraction is multiplied by e^{-2st}: late times do not overflow.
    decay = np.exp(-2 * s * t)
    safe = np.where(s > 0, s, 1.0)
    modes: Array = np.where(s > 0, s / (1 + (safe / u0 - 1) * decay), u0 / (1 + 2 * u0 * t))
    return modes


_half_time = closed_form(_expressions, "time at which u = s/2", "s", "u_0")


def half_time(strength: float, initial: float) -> float:
    """Time log(s/u_0 - 1)/(2s) at which a mode of two balanced layers is half learned.

    Args:
        strength: Singular value s of the target, positive.
        initial: Initial strength u_0 of the mode.

    Returns:
        The time; NaN for a mode that starts at s/2 or above.
    """
    return float(_half_time(strength, initial)) if strength > 2 * initial else float("nan")


def random_start(input_weight: ArrayLike, output_weight: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """Strengths of the target's modes, and their initial strengths at a random start.

    u_0i = |W1 v_i + W2ᵀ u_i|² / 4: only the balanced part of a mode grows.

    Args:
        input_weight: (h, d) initial input weights W1.
        output_weight: (c, h) initial output weights W2.
        target: (c, d) target matrix, u_i and v_i its left and right singular vectors.

    Returns:
        The nonzero singular values s_i of the target, and u_0i, each (rank,).
    """
    left, s, right = np.linalg.svd(np.asarray(target, dtype=float), full_matrices=False)
    kept = s > len(s) * np.finfo(float).eps * s[0]
    w1, w2 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    balanced = w1 @ right[kept].T + w2.T @ left[:, kept]
    return s[kept], np.square(balanced).sum(0) / 4


def null_start(input_weight: ArrayLike, output_weight: ArrayLike, target: ArrayLike) -> Array:
    """Null singular values of the product at a small random start, once the target's modes are learned.

    They are those of U0ᵀ W2 (1 - P) W1 V0, with U0 and V0 the target's null vectors and P the projection on
    the learned hidden directions W1 v_i + W2ᵀ u_i. The null parts of W1 and W2 stay where they are, except
    along hidden directions that carry a learned mode, where they die out as e^(-s_i t). Before the modes are
    learned they are the singular values of U0ᵀ W2 W1 V0, and later they are so up to a relative sqrt(rank/h).

    Args:
        input_weight: (h, d) initial input weights W1, h at least the target's rank.
        output_weight: (c, h) initial output weights W2.
        target: (c, d) target matrix.

    Returns:
        (min(c, d) - rank,), descending.
    """
    w1, w2 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    left, s, right = np.linalg.svd(np.asarray(target, dtype=float))
    rank = int((s > len(s) * np.finfo(float).eps * s[0]).sum())
    learned = np.linalg.qr(w1 @ right[:rank].T + w2.T @ left[:, :rank])[0]
    null_in, null_out = w1 @ right[rank:].T, w2.T @ left[:, rank:]
    values: Array = np.linalg.svd(
        null_out.T @ null_in - (null_out.T @ learned) @ (learned.T @ null_in), compute_uv=False
    )
    return values


def discrete_recursion(
    strengths: ArrayLike, initial: ArrayLike, *, step: float, steps: int, depth: int = 2
) -> Array:
    """Modes under gradient descent from a balanced spectral start: b ← b + η b^(L-1) (s - b^L), u = b^L.

    Args:
        strengths: (k,) singular values s of the target.
        initial: (k,) initial strengths u_0 = b_0^L.
        step: Learning rate η.
        steps: Number of updates.
        depth: Number L of weight matrices.

    Returns:
        (steps + 1, k), u after each update.
    """
    s = np.asarray(strengths, dtype=float)
    b = np.asarray(initial, dtype=float) ** (1 / depth)
    path = [b]
    for _ in range(steps):
        b = b + step * b ** (depth - 1) * (s - b**depth)
        path.append(b)
    strengths_in_time: Array = np.array(path) ** depth
    return strengths_in_time


def _regime(*, sigma: float, width: int, time: float, smallest: float) -> Regime:
    """Inside at small random initialization, once the slowest mode has aligned.

    Args:
        sigma: Scale σ of the initial weights.
        width: Width h.
        time: Time t, learning rate times steps, from which modes are compared.
        smallest: Least singular value s of the target that is compared.
    """
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
        "rank of the product climbs a staircase. With L balanced layers u̇ = L u^(2-2/L) (s - u). With two "
        "layers of unequal sizes, l = |a² - b²|, u̇ = sqrt(l² + 4u²) (s - u). Both have closed forms. "
        "Modes that the target lacks decay as u_0/(1 + 2u_0 t) from a balanced start. From a small random "
        "start they stay, except for their part along learned hidden directions."
    ),
    hypotheses=(
        "linear layers, whitened inputs, loss ½‖W_L ... W1 - target‖²",
        "spectral start, balanced or of two unequal layers (exact), or a small random start of two layers "
        "with u_0i = |W1 v_i + W2ᵀ u_i|²/4",
        "gradient flow; the recursion b ← b + η b^(L-1) (s - b^L) for gradient descent",
    ),
    source=(
        "Saxe, McClelland, Ganguli, ICLR 2014 (1312.6120), eq. 8 (two layers) and the equation of L layers; "
        "Kunin et al., NeurIPS 2024 (2406.06158) and Dominé et al. 2024 (2409.14623) for unequal layers; "
        "random start and null modes derived"
    ),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Singular modes of a linear network learn one by one, in closed form for any depth and for unequal "
        "layers: a staircase of ranks"
    ),
    order=110,
)
