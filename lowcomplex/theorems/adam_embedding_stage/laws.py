"""The law of Adam's early stage for embeddings, and wrong ones that trained networks refute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._mutants import changed, scaled
from lowcomplex.theorems.adam_embedding_stage.formula import (
    AdamEmbeddingStage,
    SignAttractors,
    adam_embedding_escape,
    adam_embedding_stage,
    sign_attractors,
)

Array = NDArray[np.float64]


class Law(NamedTuple):
    """Adam's early stage for embeddings and output weights.

    Attributes:
        stage: The weights after a number of updates.
        attractors: The sign patterns that hidden units end at.
        escape: Steps until the loss has fallen by a drop.
    """

    stage: Callable[..., AdamEmbeddingStage]
    attractors: Callable[[Array], SignAttractors]
    escape: Callable[..., float]


def _longer_memory(*start: Array, **options: Any) -> AdamEmbeddingStage:
    return adam_embedding_stage(*start, **options, betas=(0.9, 0.998))


def _uncorrected(*start: Array, steps: Any, **options: Any) -> AdamEmbeddingStage:
    """Without the corrections of Adam's moments for their start at zero."""
    t = np.arange(1, int(np.max(steps)) + 1)
    factors = (1 - 0.9**t) / np.sqrt(1 - 0.999**t)
    return adam_embedding_stage(*start, steps=steps, **options, schedule=factors)


def _uphill(embedding: Array, output: Array, drive: Array, **options: Any) -> AdamEmbeddingStage:
    return adam_embedding_stage(embedding, output, -drive, **options)


def _without_frequencies(embedding: Array, output: Array, drive: Array, **options: Any) -> AdamEmbeddingStage:
    """Rows of one length, as if all tokens were equally frequent."""
    rows = drive / np.linalg.norm(drive, axis=1, keepdims=True)
    return adam_embedding_stage(embedding, output, rows, **options)


def _spectral(drive: Array) -> SignAttractors:
    """The spectral norm in the place of the sign norm, as in gradient flow."""
    found = sign_attractors(drive)
    return found._replace(energy=found.energy * np.linalg.norm(drive, 2) / found.energy[0])


LAW = Law(adam_embedding_stage.evaluate, sign_attractors, adam_embedding_escape)

MUTANTS = {
    "β2 = 0.998": LAW._replace(stage=_longer_memory),
    "no bias correction": LAW._replace(stage=_uncorrected),
    "drive of the other sign": LAW._replace(stage=_uphill),
    "drive without the tokens' frequencies": LAW._replace(stage=_without_frequencies),
    "∞→1 norm 10 % too large": LAW._replace(
        attractors=changed(sign_attractors, "energy", lambda energy: 1.1 * energy)
    ),
    "∞→1 norm 30 % too large": LAW._replace(
        attractors=changed(sign_attractors, "energy", lambda energy: 1.3 * energy)
    ),
    "spectral norm in the place of the ∞→1 norm": LAW._replace(attractors=_spectral),
    "escape 10 % too late": LAW._replace(escape=scaled(adam_embedding_escape, 1.1)),
}
