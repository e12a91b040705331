"""Deep networks at small initialization: when they escape, and how close to rank one they are then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.blow_up import time_of_blow_up

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


class RankCollapse(NamedTuple):
    """The leading flow from matrices of scale one.

    Attributes:
        blow_up: T_1, its blow-up time.
        frozen: (r - 1,) limits of the second and smaller singular values of the second matrix W_2.
        depth: Number L of matrices.
    """

    blow_up: float
    frozen: Array
    depth: int


class DeepEscape(NamedTuple):
    """A network at its escape.

    Attributes:
        time: (...) T.
        singular_values: (..., r) of W_2.
    """

    time: Array
    singular_values: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    depth, drop, rate, bend = sp.symbols("L D lambda c", positive=True)
    start, sigma, frozen = sp.symbols("T_1 sigma s_k", positive=True)
    leading = (drop / rate) ** (-(depth - 2) / depth) / ((depth - 2) * rate)
    feedback = 1 - bend * drop / rate**2 * (depth - 2) * (depth + 1) / (2 * depth)
    largest = (drop / rate) ** (1 / depth) * (1 + bend * drop / (2 * depth * rate**2))
    return {
        "T": start * sigma ** (2 - depth),
        "tail": leading * feedback,
        "s_1": largest,
        "s_k/s_1": sigma * frozen / largest,
    }


def _evaluate(v: ArrayLike, matrices: Sequence[ArrayLike]) -> RankCollapse:
    """Blow-up of the leading flow of f = W_L ⋯ W_1 x, homogeneous of degree L - 1.

    Each Ẇ_l is the outer product of (W_L ⋯ W_(l+1))ᵀ and W_(l-1) ⋯ W_1 v. From σ times the matrices it
    takes σ^(-(L-2)) times as long, and all singular values of W_2 but the first stay of the order of σ.

    Args:
        v: (d,) driving vector v, the `driving_vector`.
        matrices: W_1 (m_1, d), …, W_L (1, m_(L-1)), of scale one; L >= 3.

    Returns:
        T_1, and the limits of the smaller singular values of W_2.

    Raises:
        ValueError: Fewer than three matrices, shapes that do not compose, values that are not finite, or v
            is zero.
        ArithmeticError: The flow does not blow up.
    """
    drive = np.asarray(v, dtype=float)
    weights = [np.asarray(matrix, dtype=float) for matrix in matrices]
    if len(weights) < 3:
        raise ValueError(f"matrices: expected at least 3, got {len(weights)}; see escape_time for 2")
    shapes = [matrix.shape for matrix in weights]
    inner = [drive.shape[-1:], *((shape[0],) for shape in shapes[:-1])]
    if any(len(s) != 2 or s[1:] != i for s, i in zip(shapes, inner, strict=True)) or shapes[-1][0] != 1:
        raise ValueError(f"matrices: shapes {shapes} do not compose from {drive.shape} to one output")
    if not all(np.isfinite(part).all() for part in (drive, *weights)):
        raise ValueError("v, matrices: hold NaN or infinite entries")
    if not np.linalg.norm(drive) > 0:
        raise ValueError("v: is zero, so nothing drives the matrices")

    def field(theta: Array) -> Array:
        parts = _split(theta, shapes)
        below = [drive]
        for matrix in parts[:-1]:
            below.append(matrix @ below[-1])
        above = np.ones(1)
        rates = []
        for matrix, signal in zip(parts[::-1], below[::-1], strict=True):
            rates.append(np.outer(above, signal))
            above = matrix.T @ above
        return np.concatenate([rate.ravel() for rate in rates[::-1]])

    start = np.concatenate([matrix.ravel() for matrix in weights])
    # W_2's largest singular value grows by about this factor: the others can still be read beside it.
    end = time_of_blow_up(field, start, len(weights) - 1, grown=1e4)
    values = np.linalg.svd(_split(end.state, shapes)[1], compute_uv=False)
    return RankCollapse(end.time, np.asarray(values[1:], dtype=float), len(weights))


def _split(theta: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([shape[0] * shape[1] for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(theta, ends[:-1]), shapes, strict=True)]


def deep_escape(
    collapse: RankCollapse,
    inputs: ArrayLike,
    v: ArrayLike,
    loss: ArrayLike,
    *,
    sigma: ArrayLike,
    share: float,
) -> DeepEscape:
    """The network when it has lost the share δ of its loss: T, and the singular values of W_2.

    With D = δL_0, λ = |v|, c = (1/n) Σ (v̂·x_i)² and κ = cD/λ²:
    T = T_1 σ^(-(L-2)) - (D/λ)^(-(L-2)/L) / ((L-2)λ) · (1 - (L-2)(L+1)/(2L) κ),
    s_1 = (D/λ)^(1/L) (1 + κ/(2L)), s_k = σ · (its limit in the leading flow) for k >= 2.

    Args:
        collapse: From `rank_collapse`.
        inputs: (n, d) inputs.
        v: (d,) driving vector v, the `driving_vector`.
        loss: Initial loss L_0; broadcasts against `sigma`.
        sigma: Scale σ of the initial weights.
        share: Share δ by which the loss has fallen.

    Returns:
        The escape, for each σ.
    """
    x, drive = np.asarray(inputs, dtype=float), np.asarray(v, dtype=float)
    rate = float(np.linalg.norm(drive))
    depth = collapse.depth
    scale, total = np.broadcast_arrays(np.asarray(sigma, dtype=float), np.asarray(loss, dtype=float))
    drop = share * total
    bend = np.square(x @ drive / rate).mean()
    tail, largest = (formula(depth, drop, rate, bend) for formula in (_tail, _largest))
    rest = scale[..., None] * collapse.frozen
    return DeepEscape(
        np.asarray(collapse.blow_up * scale ** (2.0 - depth) - tail),
        np.concatenate((largest[..., None], rest), axis=-1),
    )


_SYMBOLS = ("L", "D", "lambda", "c")
_tail = closed_form(_expressions, "tail", *_SYMBOLS)
_largest = closed_form(_expressions, "s_1", *_SYMBOLS)


def _regime(*, sigma: float, depth: int, multiplicity: int = 1) -> Regime:
    """Inside for at least three matrices, an activation like tanh, and small initialization.

    Args:
        sigma: Scale σ of the initial weights.
        depth: Number L of weight matrices.
        multiplicity: Multiplicity of the activation.
    """
    if depth < 3:
        return Regime(False, f"{depth} matrices leave the plateau after a logarithm of 1/σ, see escape_time")
    if multiplicity != 1:
        return Regime(False, f"the activation has multiplicity {multiplicity}; the law needs 1")
    if sigma > 1e-2:
        return Regime(False, f"σ = {sigma:g} is not small: singular values do not separate")
    return Regime(True, f"{depth} matrices, σ = {sigma:g}")


rank_collapse = Prediction(
    name="rank_collapse",
    statement=(
        "A network of L >= 3 matrices and initial scale σ escapes its first plateau at T = T_1 σ^(-(L-2)), "
        "with T_1 the blow-up time of the leading flow from σ = 1. Then the middle matrix W_2 has one "
        "singular value that does not depend on σ, and all others are σ times finite limits at that blow-up: "
        "s_2/s_1 is proportional to σ, and the effective rank tends to one."
    ),
    hypotheses=(
        "linear activation, or s(z) = z + O(z³) like tanh, no biases, L >= 3 matrices",
        "loss (1/2n) Σ (f - y)², gradient flow, small initialization",
        "stopped at a small share δ of the loss; for L = 4 and tanh the correction to T grows as log(1/σ)",
    ),
    source=(
        "derived; deep linear flows as in Saxe, McClelland, Ganguli 2013 (1312.6120) and Li, Luo, Lyu, ICLR "
        "2021 (2012.09839)"
    ),
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Networks of L >= 3 matrices escape at T_1 σ^-(L-2), with one large singular value in the middle "
        "matrix and all others σ times finite limits: s_2/s_1 is proportional to σ"
    ),
    order=50,
)
