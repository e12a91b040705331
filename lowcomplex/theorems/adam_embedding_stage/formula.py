"""Adam's early stage for embeddings and output weights: a recursion of signs and moments, and its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.adam_directions.formula import adam_escape_steps
from lowcomplex.theorems.formulas.token_drive import checked_drive

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


class AdamEmbeddingStage(NamedTuple):
    """The predicted weights.

    Attributes:
        embedding: (..., s, h) E after the steps.
        output: (..., V, h) U after the steps.
    """

    embedding: Array
    output: Array


class SignAttractors(NamedTuple):
    """Pairs of sign vectors that reproduce each other, the most energetic first.

    Attributes:
        embedding: (k, s) x = sign(G y).
        output: (k, V) y = sign(Gᵀ x); of the pairs (x, y) and (-x, -y) the one with x_1 = 1.
        energy: (k,) xᵀ G y; the first is the norm |G|_(∞→1) unless all starts missed it.
        share: (k,) fraction of the random starts that end there.
    """

    embedding: Array
    output: Array
    energy: Array
    share: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    sign, scaled = sp.symbols("s x", real=True)
    step, width, drop, norm, amplitude = sp.symbols("eta h Delta N q", positive=True)
    return {
        "dx/dlog t": sign - scaled,
        "loss drop": width * (step * amplitude) ** 2 * norm,
        "amplitude at escape": sp.sqrt(drop / (width * norm)) / step,
    }


def _drive(drive: ArrayLike) -> Array:
    matrix = checked_drive(drive)
    if not (matrix.any(0).all() and matrix.any(1).all()):
        raise ValueError("drive: a row or a column is zero, and a zero gradient has no sign (leave it out)")
    return matrix


def _evaluate(
    embedding: ArrayLike,
    output: ArrayLike,
    drive: ArrayLike,
    *,
    step: ArrayLike,
    steps: int | ArrayLike,
    betas: tuple[float, float] = (0.9, 0.999),
    schedule: ArrayLike | None = None,
) -> AdamEmbeddingStage:
    """Weights after `steps` updates of Adam with ε → 0, for logits E[s]·U and cross-entropy.

    While logits are small, the gradients are those of -⟨G, E Uᵀ⟩ with a constant matrix G: -∂L/∂E = G U and
    -∂L/∂U = Gᵀ E. Adam's update is nonlinear in them but keeps hidden units apart: the columns E_j and U_j of
    unit j follow a recursion of their own. All lengths scale with η, so only σ/η matters.

    Args:
        embedding: (..., s, h) initial embeddings E; a row for each row of G.
        output: (..., V, h) initial output head U.
        drive: (s, V) matrix G. For logits U · mean_t E[s_t] it is `token_drive`: row s is freq_s (P^s - 1/V),
            with freq_s the mean fraction of positions that hold s and P^s the distribution of labels given s.
            A transformer with a residual stream and no LayerNorm, which answers at its last position, has
            that of the last token alone, and one more row P - 1/V for the last position's embedding.
        step: Learning rate η, a number or an array that broadcasts against (..., 1, 1).
        steps: Number of updates, or several in increasing order: they become the first axis.
        betas: Adam's β1 and β2.
        schedule: Factors on η, one for each update; all 1 if None.

    Returns:
        E and U.

    Raises:
        ValueError: Shapes do not agree, G has a row or column of zeros, the step is not positive, steps are
            negative or decrease, a β is outside [0, 1), or the schedule is shorter than the steps.
    """
    matrix = _drive(drive)
    e, u = np.asarray(embedding, dtype=float), np.asarray(output, dtype=float)
    if e.shape[-2:-1] != matrix.shape[:1] or u.shape != (*e.shape[:-2], matrix.shape[1], e.shape[-1]):
        raise ValueError(
            f"embedding, output: expected (..., {matrix.shape[0]}, h) and (..., {matrix.shape[1]}, h) for "
            f"this drive, got {e.shape} and {u.shape}"
        )
    rate = np.asarray(step, dtype=float)
    if not (rate > 0).all():
        raise ValueError("step: expected positive learning rates")
    first, second = betas
    if not (0 <= first < 1 and 0 < second < 1):
        raise ValueError(f"betas: expected 0 <= β1 < 1 and 0 < β2 < 1, got {betas}")
    asked = np.atleast_1d(np.asarray(steps, dtype=int))
    if asked.min() < 0 or (np.diff(asked) < 0).any():
        raise ValueError("steps: expected numbers of updates, zero or more, in increasing order")
    factors = np.ones(asked[-1]) if schedule is None else np.asarray(schedule, dtype=float)
    if len(factors) < asked[-1]:
        raise ValueError(f"schedule: expected at least {asked[-1]} factors, got {len(factors)}")
    # In units of η, so that squares of gradients neither vanish nor depend on the scale.
    path = _path(e / rate, u / rate, matrix / np.abs(matrix).max(), asked, first, second, factors)
    e_path, u_path = (rate * np.stack(weights) for weights in zip(*path, strict=True))
    return AdamEmbeddingStage(e_path, u_path) if np.ndim(steps) else AdamEmbeddingStage(e_path[0], u_path[0])


def _path(
    e: Array, u: Array, drive: Array, asked: NDArray[np.int_], first: float, second: float, factors: Array
) -> list[tuple[Array, Array]]:
    weights = [e, u]
    means, squares = [np.zeros_like(e), np.zeros_like(u)], [np.zeros_like(e), np.zeros_like(u)]
    kept = [(e, u)] * int((asked == 0).sum())
    for t in range(1, int(asked[-1]) + 1):
        gradients = (drive @ weights[1], drive.T @ weights[0])
        correction = factors[t - 1] * np.sqrt(1 - second**t) / (1 - first**t)
        for i, gradient in enumerate(gradients):
            means[i] = first * means[i] + (1 - first) * gradient
            squares[i] = second * squares[i] + (1 - second) * gradient**2
            weights[i] = weights[i] + correction * means[i] / np.sqrt(squares[i])
        kept += [(weights[0], weights[1])] * int((asked == t).sum())
    return kept


def sign_attractors(drive: ArrayLike, *, starts: int = 500, seed: int = 0) -> SignAttractors:
    """The sign patterns that hidden units can end at under Adam: x = sign(G y), y = sign(Gᵀ x).

    They are the maxima of xᵀ G y over sign vectors against a change of x alone or of y alone, and are found
    by changing x and y in turn. Every change raises xᵀ G y, and there are finitely many sign vectors, so
    every start ends.

    Args:
        drive: (s, V) matrix G.
        starts: Number of random starts y; the signs of G's top singular vector are one more.
        seed: Seed of the starts.

    Returns:
        The distinct patterns that were found.

    Raises:
        ValueError: G has a row or column of zeros, or there is no start.
    """
    matrix = _drive(drive)
    if starts < 1:
        raise ValueError(f"starts: expected a positive number, got {starts}")
    random = np.random.default_rng(seed).choice([-1.0, 1.0], (matrix.shape[1], starts))
    top = np.linalg.svd(matrix, full_matrices=False)[2][0]
    y = np.column_stack((random, np.where(top < 0, -1.0, 1.0)))
    x = np.where(matrix @ y < 0, -1.0, 1.0)
    while True:
        # At a tie a sign stays, so that energies rise strictly and the loop ends.
        wrong_y = (matrix.T @ x) * y < 0
        y = np.where(wrong_y, -y, y)
        wrong_x = (matrix @ y) * x < 0
        x = np.where(wrong_x, -x, x)
        if not (wrong_y.any() or wrong_x.any()):
            break
    both = np.concatenate((x, y)) * x[:1]
    patterns, counts = np.unique(both[:, :-1], axis=1, return_counts=True)
    if not (patterns == both[:, -1:]).all(0).any():
        patterns, counts = np.column_stack((patterns, both[:, -1])), np.append(counts, 0)
    found_x, found_y = patterns[: len(x)], patterns[len(x) :]
    energy = np.einsum("sk,sv,vk->k", found_x, matrix, found_y, optimize=True)
    order = np.argsort(-energy)
    return SignAttractors(found_x.T[order], found_y.T[order], energy[order], counts[order] / starts)


def adam_embedding_escape(
    drive: ArrayLike,
    width: int,
    *,
    drop: float,
    step: float,
    betas: tuple[float, float] = (0.9, 0.999),
    norm: float | None = None,
) -> float:
    """Steps until the loss has fallen by `drop`, once all units have the norm's pattern; free of σ.

    The loss falls by h (η q_t)² |G|_(∞→1), q the `adam_amplitude`. Units at other attractors, and entries on
    their way, make it a little later.

    Args:
        drive: (s, V) matrix G.
        width: Width h, the number of hidden units.
        drop: Fall of the loss, L(0) - L, such as δ log V with δ much smaller than 1.
        step: Learning rate η.
        betas: Adam's β1 and β2.
        norm: |G|_(∞→1) = max over sign vectors of xᵀ G y; of `sign_attractors` if None.

    Returns:
        The time t with h (η q_t)² |G|_(∞→1) = drop.

    Raises:
        ValueError: As `sign_attractors` and `adam_escape_steps`.
    """
    largest = float(sign_attractors(drive).energy[0]) if norm is None else norm
    return adam_escape_steps([largest], width, drop=drop, step=step, betas=betas)


def _regime(*, sigma: float, step: float, steps: int, width: int, epsilon: float = 0.0) -> Regime:
    """Inside while logits, of order h (σ + 2ηt)², are small and Adam's ε (over gradients) is too.

    Args:
        sigma: Scale σ of the initial weights.
        step: Learning rate η.
        steps: Number of updates.
        width: Width h.
        epsilon: Adam's ε, over the size of the gradients.
    """
    logits = width * (sigma + 2 * step * steps) ** 2
    if logits > 0.1:
        return Regime(False, f"h (σ + 2ηt)² = {logits:g} is not small: the logits feed back")
    if epsilon > 1e-3:
        return Regime(False, f"Adam's ε is {epsilon:g} of the gradients; the law needs it far below them")
    return Regime(True, f"h (σ + 2ηt)² = {logits:g} bounds the logits")


adam_embedding_stage = Prediction(
    name="adam_embedding_stage",
    statement=(
        "Under Adam, embeddings E and output weights U at small initialization follow Adam's own recursion "
        "for the gradients G U and Gᵀ E of a constant matrix G, up to σ² at fixed σ/η; so do those of the "
        "last token and position in a transformer. Hidden units do not see each other, and each tends to a "
        "pair of sign vectors x = sign(G y), y = sign(Gᵀ x). The loss leaves its plateau when "
        "h (η q_t)² |G|_(∞→1) = δ L(0): G's ∞→1 norm takes the place of the spectral norm in gradient flow."
    ),
    hypotheses=(
        "cross-entropy, full batch, logits E[s]·U by a mean over tokens or a residual stream, no LayerNorm",
        "Adam with ε far below all gradients that matter, all weights at one learning rate η",
        "logits small: h (σ + 2ηt)² far below 1",
        "for the limit and the escape: σ far below η·steps, and many more steps than 1/(1-β1)",
    ),
    source="derived; Adam is Kingma, Ba, ICLR 2015 (1412.6980), algorithm 1; setting: Yao et al. 2502.04375",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Under Adam embeddings follow a recursion with a constant drive G; hidden units end at pairs of "
        "sign vectors, and the plateau's length depends on G's ∞→1 norm, not on the start's scale"
    ),
    order=60,
)
