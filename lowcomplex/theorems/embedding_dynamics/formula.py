"""Many outputs and token embeddings at small initialization: one matrix drives both layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.token_drive import checked_drive

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# Singular values that agree to a millionth are one: an SVD's rounding is far below, gaps of data above.
_TIE = 1e-6


class EmbeddingDynamics(NamedTuple):
    """The predicted weights of both layers.

    Attributes:
        left: (..., p, h) the layer on the side of G's rows (E of the embedding model, A of a network).
        right: (..., q, h) the layer on the side of G's columns (U of the embedding model, Wᵀ of a network).
    """

    left: Array
    right: Array

    @property
    def left_cosines(self) -> Array:
        """(..., p, p) cosines between the rows of `left`, NaN for a row of zeros."""
        return row_cosines(self.left)

    @property
    def right_cosines(self) -> Array:
        """(..., q, q) cosines between the rows of `right`, NaN for a row of zeros."""
        return row_cosines(self.right)


class TopSpace(NamedTuple):
    """The singular space that a small start collapses to.

    Attributes:
        dimension: Multiplicity k of the largest singular value.
        left: (..., p, h) L_k (L_kᵀ left + R_kᵀ right) / 2, the limit of left · e^(-S_1 t).
        right: (..., q, h) R_k (L_kᵀ left + R_kᵀ right) / 2, the limit of right · e^(-S_1 t).
    """

    dimension: int
    left: Array
    right: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    left0, right0, step, value, n, t = sp.symbols("l_0 r_0 eta S N t", real=True)
    width, rho = sp.symbols("h rho", real=True)
    grown, shrunk = (left0 + right0) * (1 + step * value) ** n, (left0 - right0) * (1 - step * value) ** n
    flow_grown, flow_shrunk = (left0 + right0) * sp.exp(value * t), (left0 - right0) * sp.exp(-value * t)
    return {
        "l_N": (grown + shrunk) / 2,
        "r_N": (grown - shrunk) / 2,
        "l(t)": (flow_grown + flow_shrunk) / 2,
        "r(t)": (flow_grown - flow_shrunk) / 2,
        "mean |cos - rho|": sp.sqrt(2 / (sp.pi * width)) * (1 - rho**2),
    }


def row_cosines(weight: ArrayLike) -> Array:
    """Cosines between rows: (..., p, h) to (..., p, p); NaN for a row of zeros.

    Args:
        weight: (..., p, h) weights whose rows are compared.
    """
    x = np.asarray(weight, dtype=float)
    norm = np.linalg.norm(x, axis=-1, keepdims=True)
    unit = np.divide(x, norm, out=np.full_like(x, np.nan), where=norm > 0)
    cosines: Array = unit @ np.swapaxes(unit, -1, -2)
    return cosines


def early_cosines(drive: ArrayLike) -> Array:
    """Cosines that embeddings take as soon as they have moved, from a start at zero: those of G's rows.

    While S_1 t ≪ 1, E = t G U0, so cos(E_s, E_s') → cos(P^s - 1/V, P^s' - 1/V) as h → ∞; for Gaussian U0 the
    mean of |cos - ρ| at width h is sqrt(2/(πh)) (1 - ρ²), up to relative order 1/h.

    Args:
        drive: (p, q) the matrix G.

    Returns:
        (p, p).

    Raises:
        ValueError: G is not a finite matrix, or one of its rows is zero: that row's embedding never moves.
    """
    g = checked_drive(drive)
    if not np.linalg.norm(g, axis=1).all():
        raise ValueError("drive: has a row of zeros, whose embedding never moves; leave it out")
    return row_cosines(g)


def cosine_spread(cosine: ArrayLike, width: ArrayLike) -> Array:
    """Mean of |cos - ρ| between two rows of E = t G U0 with Gaussian U0: sqrt(2/(πh)) (1 - ρ²).

    Args:
        cosine: ρ, the `early_cosines` of the two rows.
        width: Width h; broadcasts against `cosine`.

    Returns:
        The mean, up to relative order 1/h.

    Raises:
        ValueError: A cosine is outside [-1, 1] by more than rounding, or a width is not positive.
    """
    rho, h = np.asarray(cosine, dtype=float), np.asarray(width, dtype=float)
    if not ((np.abs(rho) <= 1 + 1e-9).all() and (h > 0).all()):
        raise ValueError("cosine, width: expected cosines between -1 and 1 and positive widths")
    return _cosine_spread(h, rho)


_cosine_spread = closed_form(_expressions, "mean |cos - rho|", "h", "rho")


def top_space(left: ArrayLike, right: ArrayLike, drive: ArrayLike) -> TopSpace:
    """What the weights collapse to: their part in the space of G's largest singular value.

    With k equal largest values the limit is not of rank one: it is a k × h matrix, as random as the start.

    Args:
        left: (..., p, h) initial weights on the side of G's rows.
        right: (..., q, h) initial weights on the side of G's columns.
        drive: (p, q) the matrix G.

    Returns:
        The space's dimension and both layers' limits.

    Raises:
        ValueError: Shapes do not agree, G is zero or not finite.
    """
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    u, values, vt = _decomposed(left, right, drive)
    k = _top_multiplicity(values)
    grown = (u[:, :k].T @ left + vt[:k] @ right) / 2
    return TopSpace(k, u[:, :k] @ grown, vt[:k].T @ grown)


def collapse_exponent(drive: ArrayLike, *, step: float = 0.0) -> float:
    """How fast weights collapse to the top space: s_(k+1)/s_1 falls as the power -e of the growth s_1/σ.

    e = 1 - S_(k+1)/S_1 in gradient flow, 1 - log(1+ηS_(k+1)) / log(1+ηS_1) in gradient descent. Networks
    escape their plateau at an s_1 that does not depend on σ, so there s_(k+1)/s_1 is proportional to σ^e.

    Args:
        drive: (p, q) the matrix G, whose largest singular value has the multiplicity k.
        step: Learning rate η; 0 for gradient flow.

    Returns:
        e; 1 if no further singular value is left (the rest is frozen).

    Raises:
        ValueError: G is zero or not finite, or the step is not stable.
    """
    values = np.asarray(np.linalg.svd(checked_drive(drive), compute_uv=False), dtype=np.float64)
    if not values[0] > 0:
        raise ValueError("drive: is zero, so nothing grows")
    _check_step(step, values[0])
    rates = np.log1p(step * values) / step if step > 0 else values
    k = _top_multiplicity(values)
    return float(1 - rates[k] / rates[0]) if k < len(values) else 1.0


def _evaluate(
    left: ArrayLike, right: ArrayLike, drive: ArrayLike, *, time: ArrayLike, step: float = 0.0
) -> EmbeddingDynamics:
    """Both layers at time t = ηN of full-batch gradient descent (η > 0) or of gradient flow (η = 0).

    With the thin SVD G = L S Rᵀ, Lᵀ left ± Rᵀ right is multiplied by (1 ± ηS)^N, in flow by e^(±St); what is
    orthogonal to L and R stays as it was.

    Args:
        left: (..., p, h) initial weights on the side of G's rows: E (tokens × h), or A (outputs × h).
        right: (..., q, h) initial weights on the side of G's columns: U (outputs × h), or Wᵀ (inputs × h).
        drive: (p, q) the matrix G, from `token_drive` or `driving_matrix`.
        time: Time t, a number or an array of the leading dimensions' shape.
        step: Learning rate η; 0 for gradient flow.

    Returns:
        Both layers.

    Raises:
        ValueError: Shapes do not agree, G is zero or not finite, a time is negative, or the step is too long
            to be stable.
    """
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    u, values, vt = _decomposed(left, right, drive)
    t = np.asarray(time, dtype=float)
    if not (np.isfinite(t).all() and (t >= 0).all()):
        raise ValueError("time: expected finite times, none of them negative")
    _check_step(step, values[0])
    rates = [np.log1p(sign * step * values) / step if step > 0 else sign * values for sign in (1, -1)]
    # The other half of the exponentials is subtracted, not added, to the start: no cancellation at t = 0.
    more, less = (np.expm1(t[..., None] * rate)[..., None] for rate in rates)
    a, b = u.T @ left, vt @ right
    grown, shrunk = (a + b) * more, (a - b) * less
    return EmbeddingDynamics(left + u @ ((grown + shrunk) / 2), right + vt.T @ ((grown - shrunk) / 2))


def _top_multiplicity(values: Array) -> int:
    return int((values >= (1 - _TIE) * values[0]).sum())


def _check_step(step: float, largest: float) -> None:
    if not 0 <= step * largest < 1:
        raise ValueError(f"step: expected 0 <= step · S_1 < 1, got {step * largest:g}")


def _decomposed(left: Array, right: Array, drive: ArrayLike) -> tuple[Array, Array, Array]:
    g = checked_drive(drive)
    shapes = left.ndim >= 2 and right.ndim >= 2 and (left.shape[-2], right.shape[-2]) == g.shape
    if not shapes or left.shape[-1] != right.shape[-1]:
        raise ValueError(
            f"left, right: expected (..., {g.shape[0]}, h) and (..., {g.shape[1]}, h) for this drive, "
            f"got {left.shape} and {right.shape}"
        )
    u, values, vt = np.linalg.svd(g, full_matrices=False)
    if not values[0] > 0:
        raise ValueError("drive: is zero, so there is no linear stage (labels independent of the inputs)")
    return u, values, vt


def _regime(*, sigma: float, multiplicity: int = 1) -> Regime:
    """Inside if the activation has multiplicity one (or there is none) and σ is small.

    Args:
        sigma: Scale σ of the initial weights.
        multiplicity: Multiplicity of the activation.
    """
    if multiplicity != 1:
        return Regime(False, f"the activation has multiplicity {multiplicity}; the law needs 1")
    if sigma > 1e-2:
        return Regime(False, f"σ = {sigma:g} is not small: the neglected terms are of relative order σ²")
    return Regime(
        True, f"multiplicity 1 and σ = {sigma:g}: neglected terms are of relative order {sigma**2:g}"
    )


embedding_dynamics = Prediction(
    name="embedding_dynamics",
    statement=(
        "At small initialization two layers with many outputs follow one matrix, G = (1/n) Σ (e_y - 1/C) xᵀ "
        "(cross-entropy) or (1/n) Σ y xᵀ (square loss); for token embeddings its row s is "
        "freq_s (P^s - 1/V). With G = L S Rᵀ, Lᵀ left ± Rᵀ right grows as (1 ± ηS)^N: embeddings first "
        "resemble each other as their tokens' label distributions do, then all collapse to the space of G's "
        "largest singular value."
    ),
    hypotheses=(
        "logits = U · mean of embeddings, or f = A s(Wx) with s(0) = 0 and s'(0) = 1 (else G is multiplied "
        "by s'(0)); no output bias, which would learn the labels' marginal at a speed free of σ",
        "mean cross-entropy, or (1/2n) Σ |f - y|²; full-batch gradient descent with step η, or gradient flow",
        "initial weights of scale σ much smaller than 1: the relative error is of order σ² for odd "
        "activations, of order σ if s''(0) is not 0",
    ),
    source=(
        "Yao, Zhang, Xu, ICML 2025 (2502.04375) and 2509.20124, for embeddings driven by label "
        "distributions; closed form derived"
    ),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Token embeddings and networks with many outputs: one matrix, rows freq_s (P^s - 1/V), drives both "
        "layers; embeddings first resemble each other as their tokens' label distributions do, then "
        "collapse to its top singular space"
    ),
    order=160,
)
