"""The law of the direct path's linear stage, and wrong ones that trained transformers refute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems.formulas.token_drive import token_drive
from lowcomplex.theorems.residual_stream.formula import ResidualStream, residual_drive, residual_stream

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The direct path's linear stage.

    Attributes:
        drive: G of tokens and positions.
        stage: Embeddings, positions and output head after a time.
    """

    drive: Callable[..., Array]
    stage: Callable[..., ResidualStream]


def _every_position(tokens: Array, labels: Array, vocabulary: int) -> Array:
    """Tokens at all positions are read."""
    drive = residual_drive(tokens, labels, vocabulary)
    return np.vstack((token_drive(tokens, labels, vocabulary), drive[vocabulary:]))


def _without_positions(tokens: Array, labels: Array, vocabulary: int) -> Array:
    drive = residual_drive(tokens, labels, vocabulary)
    drive[vocabulary:] = 0.0
    return drive


def _uncentered(tokens: NDArray[np.int_], labels: Array, vocabulary: int) -> Array:
    """Labels alone pull: the softmax's share 1/V at equal logits does not push back."""
    drive = residual_drive(tokens, labels, vocabulary)
    frequency = np.bincount(tokens[:, -1], minlength=vocabulary) / len(tokens)
    drive[:vocabulary] += frequency[:, None] / vocabulary
    drive[-1] += 1 / vocabulary
    return drive


def _stage(rate: float = 1.0, eps: Callable[[float], float] = float) -> Callable[..., ResidualStream]:
    """The stage with all singular values of G times a rate, or another ε of the final LayerNorm."""

    def wrong(
        embedding: Array,
        positions: Array,
        output: Array,
        drive: Array,
        *,
        time: ArrayLike,
        step: float,
        final_norm_eps: float | None,
    ) -> ResidualStream:
        other = None if final_norm_eps is None else eps(final_norm_eps)
        return residual_stream(
            embedding, positions, output, rate * drive, time=time, step=step, final_norm_eps=other
        )

    return wrong


def _flow(*parts: Array, time: float, step: float, final_norm_eps: float | None) -> ResidualStream:
    """Gradient flow instead of steps."""
    return residual_stream(*parts, time=time, final_norm_eps=final_norm_eps)


def _means_move(*parts: Array, time: float, step: float, final_norm_eps: float | None) -> ResidualStream:
    """A final LayerNorm that divides by sqrt(ε) without subtracting means."""
    root = 1.0 if final_norm_eps is None else math.sqrt(final_norm_eps)
    return residual_stream(*parts, time=time / root, step=step / root)


LAW = Law(residual_drive, residual_stream.evaluate)

MUTANTS = {
    "tokens of every position are read": LAW._replace(drive=_every_position),
    "positions' drive dropped": LAW._replace(drive=_without_positions),
    "drive without -1/V": LAW._replace(drive=_uncentered),
    "drive of the other sign": LAW._replace(drive=scaled(residual_drive, -1.0)),
    "drive 10 % too large": LAW._replace(stage=_stage(rate=1.1)),
    "drive 0.01 % too large": LAW._replace(stage=_stage(rate=1.0001)),
    "gradient flow instead of steps": LAW._replace(stage=_flow),
    "LayerNorm's ε 10 % too large": LAW._replace(stage=_stage(eps=lambda eps: 1.1 * eps)),
    "LayerNorm's ε^(1/2 + 0.1)": LAW._replace(stage=_stage(eps=lambda eps: eps**1.2)),
    "a final LayerNorm that keeps no means": LAW._replace(stage=_means_move),
}
