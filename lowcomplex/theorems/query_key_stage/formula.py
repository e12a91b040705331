"""The second stage of an attention layer: query and key grow on the plateau that the value path leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix, token_data

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# A norm of W_V W1 w2 at which the tanh of typical outputs has long saturated: the path has no plateau.
_FAR = 50.0


class QueryKeyStage(NamedTuple):
    """The pair on the plateau.

    Attributes:
        query: (..., d, k) W_Q after the time.
        key: (..., d, k) W_K after the time.
        loss_drop: (...) plateau's loss minus the loss, to leading order ⟨F, W_Q W_Kᵀ⟩.
    """

    query: Array
    key: Array
    loss_drop: Array


class ValuePlateau(NamedTuple):
    """Where the value path of uniform attention comes to rest.

    Attributes:
        direction: (d,) β* = W_V W1 w2, a minimum of the loss of the mean tokens.
        loss: The loss there.
        rates: (d,) rates at which a condensed value path approaches it, increasing.
        modes: (d, d) coordinates in which it approaches: row i times β - β* falls as e^(-rates_i t).
        matrix: (d, d) F there: dW_Q/dt = F W_K, dW_K/dt = Fᵀ W_Q.
    """

    direction: Array
    loss: float
    rates: Array
    modes: Array
    matrix: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    q0, k0, s, t, top, second, drop, size, sigma, slowest = sp.symbols(
        "q_0 k_0 s t s_1 s_2 Delta p sigma mu", positive=True
    )
    escape = sp.log(4 * drop / (top * size**2)) / (2 * top)
    return {
        "q(t)": q0 * sp.cosh(s * t) + k0 * sp.sinh(s * t),
        "k(t)": q0 * sp.sinh(s * t) + k0 * sp.cosh(s * t),
        "escape": escape,
        "ratio at escape": sp.exp(-(top - second) * escape.subs(size, sigma)),
        "collapse exponent": 1 - second / top,
        "depth exponent": 2 * slowest / (slowest + 2 * top),
    }


def value_plateau(inputs: ArrayLike, targets: ArrayLike) -> ValuePlateau:
    """The plateau between the two stages, from the data alone.

    With uniform attention the network is tanh(β · x̄), x̄ the mean token, and a condensed balanced value path
    moves by the `value_velocity`, from 0 along v. β* is where it ends; the network's own weights W_V, W1, w2
    enter F through β* only.

    Args:
        inputs: (n, s, d) inputs, sequences of tokens.
        targets: (n,) targets y of 1 and -1.

    Returns:
        β*, its loss, the rates of approach and F.

    Raises:
        ValueError: As `condensation_vector`; v is zero; or the path does not come to rest (mean tokens that a
            direction separates drive β to infinity: there is no plateau).
    """
    from scipy.integrate import solve_ivp

    x, y = token_data(inputs, targets)
    pooled, v = x.mean(1), condensation_vector(x, y)
    rate = float(np.linalg.norm(v))
    if not rate > 0:
        raise ValueError("inputs, targets: v is zero, so the value path has no direction to condense to")

    def slope(_: float, beta: Array) -> Array:
        return _velocity(pooled, y, beta)

    def far(_: float, beta: Array) -> float:
        return float(np.linalg.norm(beta)) - _FAR

    far.terminal = True  # type: ignore[attr-defined]
    solver: Any = solve_ivp
    solution = solver(
        slope, (0.0, 1e4 / rate), 1e-3 * v / rate, method="LSODA", events=far, rtol=1e-8, atol=1e-10
    )
    beta = solution.y[:, -1]
    hessian = _derivatives(pooled, y, beta)[1]
    settled = solution.status == 0 and np.linalg.eigvalsh(hessian)[0] > 0
    for _ in range(20 if settled else 0):
        gradient, hessian = _derivatives(pooled, y, beta)
        beta = beta - np.linalg.solve(hessian, gradient)
    if not (settled and np.linalg.norm(beta - solution.y[:, -1]) < 1e-3 * np.linalg.norm(beta)):
        raise ValueError(
            "inputs, targets: the value path does not come to rest, so there is no plateau "
            f"(|W_V W1 w2| = {np.linalg.norm(solution.y[:, -1]):.3g} at the end)"
        )
    size = float(np.linalg.norm(beta))
    root = np.linalg.cholesky(size ** (4 / 3) * (np.eye(len(beta)) + 2 * np.outer(beta, beta) / size**2))
    rates, frame = np.linalg.eigh(root.T @ hessian @ root)
    output = np.tanh(pooled @ beta)
    return ValuePlateau(
        beta,
        float(np.exp(-y * output).mean()),
        rates,
        np.linalg.solve(root.T, frame).T,
        query_key_matrix(x, y * np.exp(-y * output) * (1 - output**2), beta),
    )


def value_velocity(direction: ArrayLike, inputs: ArrayLike, targets: ArrayLike) -> Array:
    """dβ/dt = -|β|^(4/3) (1 + 2 β βᵀ/|β|²) ∇ℓ(β) of a condensed balanced value path under uniform attention.

    ℓ(β) = (1/n) Σ exp(-y tanh(β · x̄)), x̄ the mean token.

    Args:
        direction: (..., d) β, not zero.
        inputs: (n, s, d) inputs, sequences of tokens.
        targets: (n,) targets y of 1 and -1.

    Returns:
        (..., d).

    Raises:
        ValueError: As `token_data`, or a β has another dimension or is zero.
    """
    x, y = token_data(inputs, targets)
    beta = np.asarray(direction, dtype=float)
    if beta.shape[-1:] != x.shape[2:] or not (np.square(beta).sum(-1) > 0).all():
        raise ValueError(f"direction: expected (..., {x.shape[2]}) without zero vectors, got {beta.shape}")
    return _velocity(x.mean(1), y, beta)


def _velocity(pooled: Array, y: Array, beta: Array) -> Array:
    size = np.linalg.norm(beta, axis=-1, keepdims=True)
    descent = -_derivatives(pooled, y, beta)[0]
    along = (beta * descent).sum(-1, keepdims=True) * beta / size**2
    velocity: Array = size ** (4 / 3) * (descent + 2 * along)
    return velocity


def _derivatives(pooled: Array, y: Array, beta: Array) -> tuple[Array, Array]:
    """Gradients and Hessians of (1/n) Σ exp(-y tanh(β · x̄)) at (..., d) β."""
    output = np.tanh(beta @ pooled.T)
    inner = 1 - output**2
    pull = y * np.exp(-y * output) * inner
    curvature = np.exp(-y * output) * inner * (inner + 2 * y * output)
    return -pull @ pooled / len(y), (pooled.T * curvature[..., None, :]) @ pooled / len(y)


def _modes(query: ArrayLike, key: ArrayLike, matrix: ArrayLike) -> tuple[Array, ...]:
    """W_Q, W_K and the singular vectors and values of F, as arrays of agreeing shapes."""
    q, k, f = (np.asarray(value, dtype=float) for value in (query, key, matrix))
    if f.ndim != 2 or f.shape[0] != f.shape[1] or q.shape != k.shape or q.ndim != 2 or len(q) != len(f):
        raise ValueError(
            f"query, key, matrix: expected (d, k) twice and (d, d), got {q.shape}, {k.shape} and {f.shape}"
        )
    if not (np.isfinite(f).all() and np.isfinite(q).all() and np.isfinite(k).all()):
        raise ValueError("query, key, matrix: hold NaN or infinite entries")
    left, singular, right = np.linalg.svd(f)
    return q, k, left, singular, right.T


def escape_from_plateau(query: ArrayLike, key: ArrayLike, matrix: ArrayLike, *, drop: float) -> float:
    """Time until the pair has lowered the plateau's loss by `drop`: log(4Δ / (s1 |p|²)) / (2 s1).

    p = a1ᵀ W_Q + b1ᵀ W_K with (a1, s1, b1) the first singular triple of F. Parts that do not grow, and the
    second singular value, are neglected: their share is that of `query_key_stage`'s singular values.

    Args:
        query: (d, k) query matrix W_Q at a time on the plateau.
        key: (d, k) key matrix W_K at that time.
        matrix: (d, d) matrix F.
        drop: Fall of the loss, Δ.

    Returns:
        The time.

    Raises:
        ValueError: Shapes do not agree, values are not finite, `drop` is not positive, or F is zero.
    """
    q, k, left, singular, right = _modes(query, key, matrix)
    if not drop > 0:
        raise ValueError(f"drop: expected a positive number, got {drop}")
    if not singular[0] > 0:
        raise ValueError("matrix: is zero, so query and key never leave")
    return float(_escape(drop, singular[0], np.linalg.norm(left[:, 0] @ q + right[:, 0] @ k)))


_escape = closed_form(_expressions, "escape", "Delta", "s_1", "p")


def query_rank_exponent(matrix: ArrayLike) -> float:
    """1 - s2/s1 of F: the second over first singular value of W_Q (W_K) at the escape is of order σ to this.

    Args:
        matrix: (d, d) matrix F, of at least two dimensions.

    Returns:
        The exponent, between 0 and 1.

    Raises:
        ValueError: F has a tie of its first two singular values, where W_Q and W_K keep a rank of two.
    """
    singular = np.linalg.svd(np.asarray(matrix, dtype=float), compute_uv=False)
    if len(singular) < 2 or not singular[0] > singular[1] * (1 + 1e-12):
        raise ValueError("matrix: has no largest singular value apart from the second, so no rank-one limit")
    return float(_collapse_exponent(*singular[:2]))


_collapse_exponent = closed_form(_expressions, "collapse exponent", "s_1", "s_2")


def _evaluate(query: ArrayLike, key: ArrayLike, matrix: ArrayLike, time: ArrayLike) -> QueryKeyStage:
    """W_Q and W_K a time after they were at `query` and `key`, on the plateau.

    With F = Σ_j s_j a_j b_jᵀ, q_j = a_jᵀ W_Q and k_j = b_jᵀ W_K:
    q_j(t) = q_j cosh(s_j t) + k_j sinh(s_j t), k_j(t) = q_j sinh(s_j t) + k_j cosh(s_j t).

    Args:
        query: (d, k) query matrix W_Q at time 0.
        key: (d, k) key matrix W_K at time 0.
        matrix: (d, d) matrix F of the `value_plateau`.
        time: (...) times t.

    Returns:
        The pair and the leading drop of the loss.

    Raises:
        ValueError: Shapes do not agree or values are not finite.
    """
    q, k, left, singular, right = _modes(query, key, matrix)
    q, k = left.T @ q, right.T @ k
    phase = np.asarray(time, dtype=float)[..., None] * singular
    # Growing and shrinking parts apart: cosh and sinh would cancel for what shrinks.
    grown, shrunk = np.exp(phase)[..., None] * (q + k) / 2, np.exp(-phase)[..., None] * (q - k) / 2
    drop = (singular[:, None] * (grown**2 - shrunk**2)).sum((-2, -1))
    return QueryKeyStage(left @ (grown + shrunk), right @ (grown - shrunk), drop)


def _regime(*, query_key: float, ratio: float, gap: float, distance: float = 1e-3) -> Regime:
    """Inside if the pair is small enough for the value path to settle first, and F has a gap.

    Args:
        query_key: Scale of the initial W_Q and W_K.
        ratio: s1/μ, growth of the pair over the slowest approach of the value path to its plateau.
        gap: 1 - s2/s1 of F.
        distance: Relative distance of the value path from its plateau that is small enough.
    """
    if not gap > 0:
        return Regime(False, "F has no gap between its first two singular values: no rank-one limit")
    grown = query_key * distance**-ratio
    if not grown < 0.1:
        return Regime(
            False,
            f"there is no plateau: until the value path is within {distance:g} of it, the pair has grown "
            f"from {query_key:g} to the order of {grown:.2g}",
        )
    return Regime(
        True,
        f"the pair is of order {grown:.1e} when the value path has settled; its ratio of singular values at "
        f"the escape is of order {query_key**gap:.1e}",
    )


query_key_stage = Prediction(
    name="query_key_stage",
    statement=(
        "After the value path has condensed it rests on a plateau β* that data alone fix. There query and "
        "key obey dW_Q/dt = F W_K, dW_K/dt = Fᵀ W_Q: cosh and sinh along the singular vectors of F, and "
        "their rank falls to one at the rate s1 - s2. The loss falls again log(1/σ)/s1 later; s2/s1 of W_Q "
        "is then of order σ^(1 - s2/s1)."
    ),
    hypotheses=(
        "f = tanh(softmax(x_lastᵀ W_Q W_Kᵀ Xᵀ / sqrt d) X W_V W1 w2), mean of exp(-y f), gradient flow",
        "no direction separates the mean tokens, so that the value path comes to rest (at β*)",
        "query and key start so small that they still are when it has: σ ε^(-s1/μ) ≪ 1 at distance ε from β*",
        "F's first singular value is apart from its second",
        "until the second escape: later, further singular values grow and the rank rises again",
    ),
    source=(
        "Chen, Luo, NeurIPS 2025 (2510.06954), the second stage: linear dynamics and rank collapse of query "
        "and key at an assumed critical point; the plateau, the condition on σ, escape and its rank derived"
    ),
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Then the value path rests on a plateau that data alone fix; query and key grow by cosh and sinh "
        "along the singular vectors of one matrix, and their rank falls to one until the loss falls again, "
        "log(1/σ)/s₁ later; after that it rises"
    ),
    order=220,
)
