"""One softmax attention layer at small initialization: the value path condenses first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# The leading flow is followed until it has grown so much that all that does not grow is below rounding.
_GROWTH = 1e6


class AttentionCondensation(NamedTuple):
    """The network when its loss has fallen by the share δ.

    Attributes:
        time: Time of that stop.
        blow_up_time: T1, the blow-up time of the leading flow from the given draw at σ = 1.
        ratio: Second over first singular value of W_V.
        tilt: Sine of the angle between v and the first left singular vector of W_V.
    """

    time: Array
    blow_up_time: float
    ratio: Array
    tilt: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    blow_up, sigma, drop, rate, frozen, across, force = sp.symbols(
        "T_1 sigma delta lambda r_2 r_1 phi", positive=True
    )
    size = (drop / rate) ** sp.Rational(1, 3)
    return {
        "a": size,
        "T": blow_up / sigma - 1 / (rate * size),
        "s_2/s_1": sigma * frozen / size,
        "tilt": sigma * across / size,
        "query-key change": force * size**2 / (2 * rate),
    }


def query_key_change(
    query: ArrayLike, key: ArrayLike, inputs: ArrayLike, targets: ArrayLike, *, share: ArrayLike
) -> Array:
    """Relative change of (W_Q, W_K) when the loss has fallen by the share δ; it does not depend on σ.

    ‖(F W_K, Fᵀ W_Q)‖ / ‖(W_Q, W_K)‖ · δ^(2/3) / (2 λ^(5/3)), with λ = |v| and F the `query_key_matrix` at
    zero output and β = v/λ.

    Args:
        query: (d, k) initial query matrix W_Q.
        key: (d, k) initial key matrix W_K.
        inputs: (n, s, d) inputs, sequences of tokens.
        targets: (n,) targets y of 1 and -1.
        share: Share δ by which the loss has fallen, a number or an array.

    Returns:
        The relative change, of the shape of `share`.

    Raises:
        ValueError: As `condensation_vector`, or v is zero.
    """
    q, k = np.asarray(query, dtype=float), np.asarray(key, dtype=float)
    v = condensation_vector(inputs, targets)
    rate = _rate(v)
    matrix = query_key_matrix(inputs, targets, v / rate)
    force = np.hypot(np.linalg.norm(matrix @ k), np.linalg.norm(matrix.T @ q))
    pull = float(force / np.hypot(np.linalg.norm(q), np.linalg.norm(k)))
    return _change(pull, np.asarray(share, dtype=float), rate)


def _rate(v: Array) -> float:
    rate = float(np.linalg.norm(v))
    if not (rate > 0 and np.isfinite(rate)):
        raise ValueError("v: is zero or not finite, so the value path has no direction to condense to")
    return rate


def _evaluate(
    value: ArrayLike,
    hidden: ArrayLike,
    readout: ArrayLike,
    v: ArrayLike,
    *,
    sigma: ArrayLike,
    share: ArrayLike,
) -> AttentionCondensation:
    """The stop at L = (1 - δ) L0 of a network started at σ times a draw.

    Let λ = |v|, and a = (δ/λ)^(1/3), the norm of W_V at the stop. Then T = T1/σ - 1/(λ a), the ratio s2/s1 of
    W_V is σ r2/a, and the tilt of its first left singular vector against v is σ r1/a. T1 and the direction u
    that the rows of W_V condense to come from the leading flow, gradient ascent on vᵀ W_V W1 w2 from the
    draw, which is integrated here until it blows up. With P = 1 - v vᵀ/λ², r1 = |P W_V0 u| and
    r2 = s1(P W_V0 (1 - u uᵀ)).

    Args:
        value: (d, h) draw of W_V at σ = 1.
        hidden: (h, h) draw of W1.
        readout: (h,) draw of w2.
        v: (d,) driving vector v, the `condensation_vector`.
        sigma: Scale σ of the initial weights, a number or an array.
        share: Share δ by which the loss has fallen; broadcasts against `sigma`.

    Returns:
        Time, T1, the ratio of singular values, and the tilt.

    Raises:
        ValueError: Shapes do not agree, a weight is not finite, v is zero, σ or δ is not positive, or the
            leading flow does not blow up (as from a start at zero).
    """
    w, m, r, v = (np.asarray(x, dtype=float) for x in (value, hidden, readout, v))
    if w.ndim != 2 or m.shape != (w.shape[1],) * 2 or r.shape != w.shape[1:] or v.shape != w.shape[:1]:
        raise ValueError(
            "value, hidden, readout, v: expected (d, h), (h, h), (h,) and (d,), "
            f"got {w.shape}, {m.shape}, {r.shape} and {v.shape}"
        )
    if not all(np.isfinite(x).all() for x in (w, m, r)):
        raise ValueError("value, hidden, readout: hold NaN or infinite entries")
    scale, delta = np.broadcast_arrays(np.asarray(sigma, dtype=float), np.asarray(share, dtype=float))
    if not ((scale > 0).all() and (delta > 0).all() and (delta < 1).all()):
        raise ValueError("sigma, share: expected σ > 0 and 0 < δ < 1")
    rate = _rate(v)
    blow_up, condensed = _leading_flow(w, m, r, v)
    across = w - np.outer(v, v @ w) / rate**2
    tilt = np.linalg.norm(across @ condensed)
    rest = across - np.outer(across @ condensed, condensed)
    second = np.linalg.norm(rest, 2)
    return AttentionCondensation(
        _time(blow_up, scale, delta, rate),
        blow_up,
        _ratio(scale, second, delta, rate),
        _tilt(scale, tilt, delta, rate),
    )


_time = closed_form(_expressions, "T", "T_1", "sigma", "delta", "lambda")
_ratio = closed_form(_expressions, "s_2/s_1", "sigma", "r_2", "delta", "lambda")
_tilt = closed_form(_expressions, "tilt", "sigma", "r_1", "delta", "lambda")
_change = closed_form(_expressions, "query-key change", "phi", "delta", "lambda")


def _leading_flow(w: Array, m: Array, r: Array, v: Array) -> tuple[float, Array]:
    """Blow-up time of gradient ascent on vᵀ W_V W1 w2, and the direction of W_V's rows there.

    Time is rescaled by the norm of the weights, which turns the blow-up into growth at a constant rate.
    """
    from scipy.integrate import solve_ivp

    rate = float(np.linalg.norm(v))
    start = np.concatenate((w.ravel(), m.ravel(), r, [0.0]))
    norm = float(np.linalg.norm(start))

    def slope(_: float, state: Array) -> Array:
        a = state[: w.size].reshape(w.shape)
        b = state[w.size : w.size + m.size].reshape(m.shape)
        c = state[w.size + m.size : -1]
        back = a.T @ v
        ascent = np.concatenate((np.outer(v, b @ c).ravel(), np.outer(back, c).ravel(), b.T @ back, [1.0]))
        result: Array = ascent / np.linalg.norm(state[:-1])
        return result

    def grown(_: float, state: Array) -> float:
        return float(np.linalg.norm(state[:-1]) - _GROWTH * norm)

    grown.terminal = True  # type: ignore[attr-defined]
    solver: Any = solve_ivp
    # The final rate of growth is λ/sqrt(3); the rest of the span is for leaving a saddle.
    span = 20 * np.sqrt(3) / rate * np.log(_GROWTH)
    solution = (
        solver(slope, (0.0, span), start, method="DOP853", events=grown, rtol=1e-11, atol=1e-11 * norm)
        if norm > 0
        else None
    )
    if solution is None or solution.status != 1:
        raise ValueError("value, hidden, readout: the leading flow from this draw does not blow up")
    end = solution.y[:, -1]
    row = end[: w.size].reshape(w.shape).T @ v
    size = float(np.linalg.norm(row)) / rate
    return float(end[-1]) + 1 / (rate * size), row / np.linalg.norm(row)


def _regime(*, sigma: float, share: float, rate: float) -> Regime:
    """Inside if δ is small, and the weights have grown far beyond σ when it is reached.

    Args:
        sigma: Scale σ of the initial weights of the value path.
        share: Share δ by which the loss has fallen at the stop.
        rate: λ = |v|.
    """
    if not share <= 1e-2:
        return Regime(False, f"δ = {share:g} is not small: the neglected terms are of relative order δ")
    grown = (share / rate) ** (1 / 3)
    if not sigma <= 0.05 * grown:
        return Regime(
            False,
            f"σ = {sigma:g} is not small beside the value matrix's norm {grown:.3g} at the stop",
        )
    return Regime(
        True, f"δ = {share:g}, σ = {sigma:g}: neglected orders δ and (σ/a)² = {(sigma / grown) ** 2:.1e}"
    )


attention_condensation = Prediction(
    name="attention_condensation",
    statement=(
        "From a small start, one softmax attention layer first learns v = (1/n) Σ y_i mean_j X_ij. After the "
        "time T1/σ the value matrix is of rank one with left vector v, and its second singular value is a "
        "share of order σ of the first. Query and key have then changed by a share ∝ δ^(2/3) that does not "
        "depend on σ."
    ),
    hypotheses=(
        "f = tanh(softmax(x_lastᵀ W_Q W_Kᵀ Xᵀ / sqrt d) X W_V W1 w2), no residual connection",
        "mean of exp(-y f), y = 1 or -1, gradient flow",
        "initial weights of scale σ; the stop is at L = (1 - δ) L0 with σ ≪ δ^(1/3) ≪ 1",
        "v is not zero",
    ),
    source=(
        "Chen, Luo, NeurIPS 2025 (2510.06954), the first stage: blow-up and condensation; the stop's second "
        "term, the constants of the singular values and the change of query and key derived"
    ),
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "From a small start, an attention layer's value matrix blows up at T1/σ in one direction, v = (1/n) "
        "Σ y mean_j X_j; query and key have then changed by a share ∝ δ^(2/3), at any σ"
    ),
    order=150,
)
