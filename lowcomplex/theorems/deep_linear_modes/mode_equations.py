"""One mode of a linear network beyond two balanced layers: more layers, or layers of unequal size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# Beyond this logit a share differs from 1 by rounding alone.
_FARTHEST = 34.0
_BISECTIONS = 64


def layered_expressions() -> dict[str, sp.Expr]:
    """The law of a mode u of L balanced layers: its rate, the time it takes, and its decay where s = 0."""
    import sympy as sp

    s, u0, u, t, depth, v = sp.symbols("s u_0 u t L v", positive=True)
    power = 2 - 2 / depth
    primitive = v ** (1 - power) / (1 - power) + v ** (2 - power) / (2 - power) * sp.hyper(
        (1, 2 - power), (3 - power,), v
    )
    return {
        "rate of u, L layers": depth * u**power * (s - u),
        "L s^(2-2/L) t at u = s v": primitive,
        "u(t) of a null mode, L layers": (u0**-power + 2 * (depth - 1) * t) ** (-1 / power),
    }


def unbalanced_expressions() -> dict[str, sp.Expr]:
    """The law of a mode u = a b of two layers whose sizes differ by l = |a² - b²|."""
    import sympy as sp

    s, length, t = sp.symbols("s l t", positive=True)
    u0, x0, x, u = sp.symbols("u_0 x_0 x u", real=True)
    root = sp.sqrt(length**2 + 4 * s**2)
    upper, lower = (root - length) / (2 * s), (-root - length) / (2 * s)
    share = (x0 - upper) / (x0 - lower) * sp.exp(-root * t)
    return {
        "rate of u, unbalanced": sp.sqrt(length**2 + 4 * u**2) * (s - u),
        "u of x": length * x / (1 - x**2),
        "x_0": sp.tanh(sp.asinh(2 * u0 / length) / 2),
        "x(t)": (upper - lower * share) / (1 - share),
    }


def layered_modes(strengths: ArrayLike, initial: ArrayLike, time: ArrayLike, *, depth: int) -> Array:
    """Strength of each mode of the product of L balanced layers at given times.

    u̇ = L u^(2-2/L) (s - u). With v = u/s and q = 2 - 2/L, L s^q t = Φ(v) - Φ(v_0), which bisection inverts:
    Φ(v) = ∫ v^-q/(1 - v) dv = v^(1-q)/(1-q) + v^(2-q)/(2-q) 2F1(1, 2-q; 3-q; v). A mode that starts above s
    obeys the same in x = s/u with ∫ x^(q-1)/(1 - x) dx. Where s = 0, u = (u_0^-q + 2(L-1) t)^(-1/q).

    Args:
        strengths: (k,) singular values s of the target, nonnegative.
        initial: (k,) positive initial strengths u_0 of the modes of the product.
        time: (T,) times; learning rate times steps.
        depth: Number L of layers, at least 2; 2 gives the sigmoid.

    Returns:
        (T, k).

    Raises:
        ValueError: A strength is negative, an initial strength is not positive, or fewer than two layers.
    """
    s, u0, t = checked_modes(strengths, initial, time)
    if depth < 2:
        raise ValueError(f"depth: expected at least two layers, got {depth}")
    power = 2 - 2 / depth
    s, u0, t = np.broadcast_arrays(s, u0, t)
    modes = (u0**-power + 2 * (depth - 1) * t) ** (-1 / power)
    grows, falls = (s > 0) & (u0 < s), (s > 0) & (u0 > s)
    scaled = depth * s**power * t
    modes = np.where((s > 0) & (u0 == s), s, modes)
    modes[grows] = s[grows] * _invert((u0 / np.where(s > 0, s, 1))[grows], scaled[grows], -power)
    modes[falls] = s[falls] / _invert((s / u0)[falls], scaled[falls], power - 1)
    return modes


def _invert(start: Array, elapsed: Array, exponent: float) -> Array:
    """The v above `start` with ∫ v^exponent/(1 - v) dv = elapsed."""
    from scipy.special import expit, logit

    target = _primitive(start, exponent) + elapsed
    low, high = logit(start), np.full_like(start, _FARTHEST)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        early = _primitive(expit(middle), exponent) < target
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    result: Array = expit((low + high) / 2)
    return result


def _primitive(v: Array, exponent: float) -> Array:
    """∫ v^exponent/(1 - v) dv, by splitting off powers until they are positive."""
    from scipy.special import hyp2f1

    if exponent <= -1:
        order = exponent + 1
        lowest = np.log(v) if order == 0 else v**order / order
        rest: Array = lowest + _primitive(v, order)
        return rest
    order = exponent + 1
    result: Array = v**order / order * hyp2f1(1, order, order + 1, v)
    return result


def unbalanced_mode(strengths: ArrayLike, initial: ArrayLike, imbalance: ArrayLike, time: ArrayLike) -> Array:
    """Strength u = a b of modes whose two layers differ in size by the conserved l = |a² - b²| > 0.

    u̇ = sqrt(l² + 4u²) (s - u). In x, where u = l x/(1 - x²), this is Riccati's equation ẋ = s - l x - s x².
    With D = sqrt(l² + 4s²), r± = (-l ± D)/2s, x_0 = tanh(asinh(2u_0/l)/2) and c = (x_0 - r+)/(x_0 - r-) it is
    solved by x = (r+ - r- c e^(-Dt))/(1 - c e^(-Dt)), and where s = 0 by x = x_0 e^(-lt). A mode may start at
    zero or below.

    Args:
        strengths: (k,) strengths s of the target, nonnegative.
        initial: (k,) initial strengths u_0, of any sign.
        imbalance: (k,) l, positive.
        time: (T,) times; learning rate times steps.

    Returns:
        (T, k).

    Raises:
        ValueError: A strength is negative, or an imbalance is not positive (l = 0 is the balanced law).
    """
    from scipy.special import expit

    s, u0, length = (np.asarray(values, dtype=float) for values in (strengths, initial, imbalance))
    t = np.asarray(time, dtype=float)[:, None]
    if (s < 0).any() or not np.isfinite(s).all():
        raise ValueError("strengths: expected finite, nonnegative strengths")
    if not ((length > 0).all() and np.isfinite(length).all()):
        raise ValueError("imbalance: expected l = |a² - b²| > 0; at l = 0 the balanced law holds")
    root = np.sqrt(length**2 + 4 * s**2)
    safe = np.where(s > 0, s, 1.0)
    # As l goes to 0, x goes to ±1. So 1 - x and 1 + x are computed without subtracting close numbers.
    start = np.arcsinh(2 * u0 / length)
    below, above = 2 * expit(-start), 2 * expit(start)
    gap = length * (1 + length / (root + 2 * s))
    upper, lower = 2 * s / (length + root), -(length + root) / (2 * safe)
    share = (gap / (length + root) - below) / (above + gap / (2 * safe)) * np.exp(-root * t)
    complement = (gap / (length + root) - share * (1 - lower)) / (1 - share)
    sum_ = (1 + upper + share * gap / (2 * safe)) / (1 - share)
    x = (upper - lower * share) / (1 - share)
    decayed = np.tanh(start / 2) * np.exp(-length * t)
    modes: Array = np.where(
        s > 0, length * x / (complement * sum_), length * decayed / ((1 - decayed) * (1 + decayed))
    )
    return modes


def checked_modes(strengths: ArrayLike, initial: ArrayLike, time: ArrayLike) -> tuple[Array, Array, Array]:
    """Strengths s (k,), initial strengths u_0 (k,) and times (T, 1) as arrays.

    Raises:
        ValueError: A strength is negative or not finite, or an initial strength is not positive.
    """
    s, u0 = np.asarray(strengths, dtype=float), np.asarray(initial, dtype=float)
    t = np.asarray(time, dtype=float)[:, None]
    if (s < 0).any() or not np.isfinite(s).all():
        raise ValueError("strengths: expected finite, nonnegative singular values")
    if not (u0 > 0).all():
        raise ValueError("initial: a mode that starts at zero never grows; expected positive strengths")
    return s, u0, t
