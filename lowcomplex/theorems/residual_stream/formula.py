"""A transformer at small initialization: the direct path from the last token to the logits learns first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, token_drive

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


class ResidualStream(NamedTuple):
    """The predicted weights; attention and feed-forward layers stay as they were.

    Attributes:
        embedding: (..., V, h) token embeddings.
        positions: (..., T, h) position embeddings.
        output: (..., C, h) output head.
    """

    embedding: Array
    positions: Array
    output: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    frequency, share, mean, size = sp.symbols("f p q V", positive=True)
    value, eps, variance = sp.symbols("S epsilon v", positive=True)
    return {
        "G of a token": frequency * (share - 1 / size),
        "G of the last position": mean - 1 / size,
        "rate with a final LayerNorm": value / sp.sqrt(eps),
        "its relative error": sp.series(sp.sqrt(eps / (eps + variance)) - 1, variance, 0, 2).removeO(),
    }


def residual_drive(
    tokens: ArrayLike, labels: ArrayLike, vocabulary: int, *, outputs: int | None = None
) -> Array:
    """G of the residual stream: rows of all tokens, then of all positions.

    Row s is freq(last = s) (P(y | last = s) - 1/C), the row of the last position is P̄ - 1/C with the labels'
    marginal P̄, and the rows of all other positions are 0: only the last token is read.

    Args:
        tokens: (n, T) token ids.
        labels: (n,) labels at the last position.
        vocabulary: Number V of tokens.
        outputs: Number C of outputs; the vocabulary by default.

    Returns:
        (V + T, C).

    Raises:
        ValueError: Shapes do not agree, or a token or label is no integer or out of range.
    """
    s = np.asarray(tokens)
    if s.ndim != 2 or s.shape[1] == 0:
        raise ValueError(f"tokens: expected (n, T), got {s.shape}")
    read = token_drive(s[:, -1:], labels, vocabulary, outputs=outputs)
    positions = np.zeros((s.shape[1], read.shape[1]))
    positions[-1] = centered_one_hot(labels, read.shape[1]).mean(0)
    return np.vstack((read, positions))


def _evaluate(
    embedding: ArrayLike,
    positions: ArrayLike,
    output: ArrayLike,
    drive: ArrayLike,
    *,
    time: ArrayLike,
    step: float = 0.0,
    final_norm_eps: float | None = None,
) -> ResidualStream:
    """Embeddings and output head at time t = ηN: `embedding_dynamics` of [E; Pos] and U, with one SVD.

    A final LayerNorm whose ε is far above the variance of the stream is linear, h → (h - mean h)/sqrt(ε).
    Then G is divided by sqrt(ε), and each row's mean over the width stays as it was.

    Args:
        embedding: (..., V, h) initial token embeddings.
        positions: (..., T, h) initial position embeddings.
        output: (..., C, h) initial output head.
        drive: (V + T, C) matrix G, the `residual_drive`.
        time: Time t, a number or an array of the leading dimensions' shape.
        step: Learning rate η; 0 for gradient flow.
        final_norm_eps: ε of a LayerNorm (without trained scale and shift) before the output head; None if
            there is none.

    Returns:
        The weights of all three.

    Raises:
        ValueError: Shapes do not agree, G is zero or not finite, a time is negative, ε is not positive, or
            the step is too long to be stable.
    """
    e, p, u = (np.asarray(part, dtype=float) for part in (embedding, positions, output))
    if min(e.ndim, p.ndim, u.ndim) < 2 or not e.shape[-1] == p.shape[-1] == u.shape[-1]:
        raise ValueError(
            "embedding, positions, output: expected (..., V, h), (..., T, h), (..., C, h), "
            f"got {e.shape}, {p.shape}, {u.shape}"
        )
    stacked, g = np.concatenate((e, p), axis=-2), np.asarray(drive, dtype=float)
    if final_norm_eps is None:
        left, right = embedding_dynamics(stacked, u, g, time=time, step=step)
    else:
        if not final_norm_eps > 0:
            raise ValueError(f"final_norm_eps: expected a positive number, got {final_norm_eps:g}")
        means = [part.mean(-1, keepdims=True) for part in (stacked, u)]
        moved = embedding_dynamics(
            stacked - means[0], u - means[1], g / np.sqrt(final_norm_eps), time=time, step=step
        )
        left, right = moved.left + means[0], moved.right + means[1]
    return ResidualStream(left[..., : e.shape[-2], :], left[..., e.shape[-2] :, :], right)


def _regime(*, sigma: float, output_projection: bool = True, final_norm_eps: float | None = None) -> Regime:
    """Inside if σ is small, also beside sqrt(ε) of a final LayerNorm, and every branch has two matrices.

    Args:
        sigma: Scale σ of the initial weights.
        output_projection: Whether attention has an output projection, so that every branch has two matrices.
        final_norm_eps: ε of a LayerNorm before the output head; None if there is none.
    """
    if not output_projection:
        return Regime(False, "attention without output projection is of relative order σ, not σ²")
    scale = 1.0 if final_norm_eps is None else min(1.0, float(np.sqrt(final_norm_eps)))
    if sigma > 1e-2 * scale:
        beside = "" if final_norm_eps is None else f" beside sqrt(ε) = {scale:g} of the final LayerNorm"
        return Regime(False, f"σ = {sigma:g} is not small{beside}")
    return Regime(True, f"σ = {sigma:g}: neglected terms are of relative order {(sigma / scale) ** 2:g}")


residual_stream = Prediction(
    name="residual_stream",
    statement=(
        "At small initialization a transformer trained on its last position first learns its direct path: "
        "token and position embeddings and the output head follow embedding_dynamics with G of the last "
        "token alone, and all else is frozen up to relative order σ². A final LayerNorm divides G by sqrt(ε) "
        "and keeps means, as long as σ² is far below ε; beyond that no linear stage exists."
    ),
    hypotheses=(
        "x = E[s] + Pos, plus causal attention (W_V and W_O), plus a feed-forward layer with s(0) = 0; "
        "logits U x_last without bias, mean cross-entropy at the last position",
        "all weights of scale σ much smaller than 1; full-batch gradient descent with step η, or flow",
        "no LayerNorm, or LayerNorms before the branches with σ² ≪ ε (else the relative error is of order "
        "σ), or a final one with σ² ≪ ε",
    ),
    source="derived",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "A transformer at a small start learns its direct path first: the matrix law with G of the last "
        "token alone, all else frozen to σ²; a final LayerNorm divides G by sqrt(ε) while σ² ≪ ε and ends "
        "the law beyond"
    ),
    order=240,
)
