"""The law of one driving matrix, and wrong ones that trained networks refute."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._mutants import scaled, shifted
from lowcomplex.theorems.embedding_dynamics.formula import (
    EmbeddingDynamics,
    TopSpace,
    collapse_exponent,
    cosine_spread,
    early_cosines,
    embedding_dynamics,
    row_cosines,
    top_space,
)
from lowcomplex.theorems.formulas.token_drive import token_drive

Array = NDArray[np.float64]


class Law(NamedTuple):
    """What the matrix G does to both layers.

    Attributes:
        drive: G of token embeddings.
        stage: Both layers after a time.
        cosines: Between embeddings that have just left zero.
        spread: Mean distance from these cosines at a width.
        exponent: How fast weights collapse to the top space.
        top: What they collapse to.
    """

    drive: Callable[..., Array]
    stage: Callable[..., EmbeddingDynamics]
    cosines: Callable[[Array], Array]
    spread: Callable[[Array, Array], Array]
    exponent: Callable[..., float]
    top: Callable[[Array, Array, Array], TopSpace]


def _without_frequencies(tokens: Array, labels: Array, vocabulary: int) -> Array:
    drive = token_drive(tokens, labels, vocabulary)
    size = np.linalg.norm(drive, axis=1, keepdims=True)
    rows: Array = np.divide(drive, size, out=np.zeros_like(drive), where=size > 0)
    rows *= np.linalg.norm(drive, 2) / np.linalg.norm(rows, 2)
    return rows


def _of_another_vocabulary(tokens: Array, labels: Array, vocabulary: int) -> Array:
    """Columns, not rows, with the sum 0."""
    drive = token_drive(tokens, labels, vocabulary)
    centered: Array = drive - drive.mean(0)
    return centered


def _stage(rate: float = 1.0, shrinks: bool = True) -> Callable[..., EmbeddingDynamics]:
    """The closed form with all singular values of G times a rate, or without what shrinks."""

    def wrong(left: Array, right: Array, drive: Array, *, time: ArrayLike, step: float) -> EmbeddingDynamics:
        true = embedding_dynamics(left, right, rate * drive, time=time, step=step)
        if shrinks:
            return true
        u, values, vt = np.linalg.svd(drive, full_matrices=False)
        less = (1 - step * values)[:, None] ** (np.asarray(time)[..., None, None] / step)
        shrunk = (u.T @ left - vt @ right) / 2 * less
        return EmbeddingDynamics(true.left - u @ shrunk, true.right + vt.T @ shrunk)

    return wrong


def _uncentered_cosines(drive: Array) -> Array:
    """Of the label distributions P^s, without the 1/V that the softmax takes at equal logits."""
    return row_cosines(drive - np.minimum(drive, 0).min(1, keepdims=True))


def _wider(cosine: Array, width: Array) -> Array:
    spread: Array = cosine_spread(cosine, width) * np.asarray(width) ** -0.1
    return spread


def _one_direction_less(left: Array, right: Array, drive: Array) -> TopSpace:
    u, _, vt = np.linalg.svd(drive, full_matrices=False)
    k = top_space(left, right, drive).dimension - 1
    grown = (u[:, :k].T @ left + vt[:k] @ right) / 2
    return TopSpace(k, u[:, :k] @ grown, vt[:k].T @ grown) if k else top_space(left, right, drive)


LAW = Law(
    token_drive, embedding_dynamics.evaluate, early_cosines, cosine_spread, collapse_exponent, top_space
)

MUTANTS = {
    "drive of another vocabulary": LAW._replace(drive=_of_another_vocabulary),
    "drive without the tokens' frequencies": LAW._replace(drive=_without_frequencies),
    "drive of the other sign": LAW._replace(drive=scaled(token_drive, -1.0)),
    "drive 10 % too large": LAW._replace(stage=_stage(1.1)),
    "drive 0.1 % too large": LAW._replace(stage=_stage(1.001)),
    "shrinking part dropped": LAW._replace(stage=_stage(shrinks=False)),
    "early cosines of P^s without 1/V": LAW._replace(cosines=_uncentered_cosines),
    "spread of early cosines 10 % too large": LAW._replace(spread=scaled(cosine_spread, 1.1)),
    "spread of early cosines as h^(-1/2 - 0.1)": LAW._replace(spread=_wider),
    "collapse exponent + 0.1": LAW._replace(exponent=shifted(collapse_exponent, 0.1)),
    "collapse exponent 10 % too large": LAW._replace(exponent=scaled(collapse_exponent, 1.1)),
    "collapse of the other sign": LAW._replace(exponent=scaled(collapse_exponent, -1.0)),
    "top space of one dimension less": LAW._replace(top=_one_direction_less),
}
