"""Do embeddings under Adam follow the recursion with a constant drive, and leave the plateau on time?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.tasks.anchor import ANCHORS
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.adam_directions.formula import adam_amplitude
from lowcomplex.theorems.adam_embedding_stage.escape import Escaped, judge_escape, train_to_escape
from lowcomplex.theorems.adam_embedding_stage.formula import AdamEmbeddingStage, adam_embedding_stage
from lowcomplex.theorems.adam_embedding_stage.laws import LAW, MUTANTS, Law
from lowcomplex.theorems.adam_embedding_stage.sequences import (
    KEYS,
    VOCABULARY,
    Sequences,
    draw_sequences,
    train_on,
)
from lowcomplex.theorems.observations.embedding_models import MeanEmbedding, SmallTransformer
from lowcomplex.theorems.observations.fits import log_slope, relative_error
from lowcomplex.training import normals

_WIDTH, _RESIDUAL_WIDTH = 24, 16
_STEPS, _RESIDUAL_STEPS = 60, 30

Array = NDArray[np.float64]


class Early(NamedTuple):
    """Networks of several scales after some updates with η = σ.

    Attributes:
        draw: The numbers, [E; positions] (s, h) and U (V, h), whose multiples the networks started at.
        weights: The same after the updates, (S, s, h) and (S, V, h), in units of σ.
    """

    draw: AdamEmbeddingStage
    weights: AdamEmbeddingStage


class Trained(NamedTuple):
    """What was trained on one set of sequences.

    Attributes:
        sequences: The data.
        sigmas: (S,) scales σ = η.
        embedding_model: The embedding model after its early stage.
        transformer: A transformer's last rows and head after theirs; None if not trained.
        escape: Embedding models at their escape; None if not trained.
    """

    sequences: Sequences
    sigmas: tuple[float, ...]
    embedding_model: Early
    transformer: Early | None
    escape: Escaped | None


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7),
    starts: tuple[float, ...] = (0.1, 1.0, 10.0),
    adam: bool = True,
    epsilon: float = 0.0,
    layer_norm: bool = False,
    transformer: bool = True,
    escape: bool = True,
) -> Trained:
    """Train the embedding model and a transformer by Adam with η = σ; the former also to its escape.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales of all weights, and learning rates, decreasing.
        starts: Scales of the weights over the learning rate, of the networks that escape.
        adam: Whether Adam trains; else gradient descent.
        epsilon: Adam's ε over the learning rate.
        layer_norm: Whether a LayerNorm precedes the transformer's output.
        transformer: Whether the transformer is trained.
        escape: Whether networks are trained to their escape.
    """
    sequences = draw_sequences(seed)
    tokens, units = KEYS + len(ANCHORS), 1 / np.array(sigmas)[:, None, None]

    def train(network: MeanEmbedding | SmallTransformer, steps: int) -> Mapping[str, Tensor]:
        run = train_on(
            sequences,
            network,
            seed=seed,
            sigmas=sigmas,
            rates=sigmas,
            steps=steps,
            adam=adam,
            epsilon=epsilon,
        )
        return run.parameters

    model = MeanEmbedding(tokens, VOCABULARY, _WIDTH)
    draw = _both(normals(model, seed=seed))
    early = Early(draw, _both(train(model, _STEPS), units))
    last: Early | None = None
    if transformer:
        eps = 1e-30 if layer_norm else None
        sizes = (tokens, sequences.tokens.shape[1], VOCABULARY, _RESIDUAL_WIDTH, 2 * _RESIDUAL_WIDTH)
        block = SmallTransformer(*sizes, final_eps=eps)
        last = Early(_last_rows(normals(block, seed=seed)), _last_rows(train(block, _RESIDUAL_STEPS), units))
    escaped: Escaped | None = None
    if escape:
        escaped = train_to_escape(sequences, model, draw, starts, seed=seed, adam=adam, epsilon=epsilon)
    return Trained(sequences, sigmas, early, last, escaped)


def _both(parameters: Mapping[str, Tensor], units: Array | float = 1.0) -> AdamEmbeddingStage:
    """E and U of the embedding model."""
    return AdamEmbeddingStage(
        *(units * parameters[f"{name}.weight"].numpy() for name in ("embedding", "output"))
    )


def _last_rows(parameters: Mapping[str, Tensor], units: Array | float = 1.0) -> AdamEmbeddingStage:
    """What of a transformer learns: rows of the keys, which come last, and of the last position; the head."""
    embedding, positions, output = (
        units * parameters[f"{name}.weight"].numpy() for name in ("embedding", "positions", "output")
    )
    rows = np.concatenate((embedding[..., :KEYS, :], positions[..., -1:, :]), axis=-2)
    return AdamEmbeddingStage(rows, output)


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare the weights after the early stage, and the step and the rank at the escape."""
    comparisons = [*_embedding_model(observed, law)]
    if observed.transformer is not None:
        comparisons += _transformer(observed, observed.transformer, law)
    if observed.escape is not None:
        comparisons += judge_escape(observed.sequences, observed.escape, law)
    return tuple(comparisons)


def _embedding_model(observed: Trained, law: Law) -> tuple[Comparison, Comparison]:
    shares, sigmas, draw = observed.sequences.shares, observed.sigmas, observed.embedding_model.draw
    drive = observed.sequences.drive(shares)
    predicted = law.stage(*draw, drive, step=1.0, steps=_STEPS)
    error = relative_error(observed.embedding_model.weights, predicted)
    # The tolerance is that of the true law, whichever law is judged.
    true = adam_embedding_stage(*draw, drive, step=1.0, steps=_STEPS)
    left = observed.sequences.drive_left(shares, *(sigmas[0] * weights for weights in true))
    weaker = adam_embedding_stage(*draw, left, step=1.0, steps=_STEPS)
    return (
        Comparison(
            quantity=f"relative error of all weights of the embedding model at σ = η = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=float(relative_error(weaker, true)),
            reason="the change of the formula if the logits that it predicts at the end weakened G from the "
            "first step",
        ),
        Comparison(
            quantity="exponent of that error in σ at fixed η/σ",
            predicted=2.0,
            measured=log_slope(sigmas, error),
            tolerance=0.02,
            reason="the next term is of the logits' order, below 1e-3 here; rounding stays below 1e-8",
        ),
    )


def _transformer(observed: Trained, trained: Early, law: Law) -> tuple[Comparison, Comparison]:
    sequences, sigmas = observed.sequences, observed.sigmas
    drive = sequences.drive(sequences.last_rows)
    error = relative_error(trained.weights, law.stage(*trained.draw, drive, step=1.0, steps=_RESIDUAL_STEPS))
    weight = sigmas[0] * float(adam_amplitude(_RESIDUAL_STEPS)[-1])
    return (
        Comparison(
            quantity=f"relative error of a transformer's last rows and head at σ = η = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=3 * (_RESIDUAL_WIDTH * weight) ** 2,
            reason="attention adds at most (h η q)² and the feed-forward layer 2 (h η q)² of the stream, "
            "when all their weights agree in sign",
        ),
        Comparison(
            quantity="exponent of that error in σ at fixed η/σ",
            predicted=2.0,
            measured=log_slope(sigmas, error),
            tolerance=0.02,
            reason="the next term is of relative order (h η q)², below 1e-4 here; rounding stays below 1e-8",
        ),
    )


CHECK = Check(
    prediction=adam_embedding_stage,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants=MUTANTS,
    controls={
        "large initialization and steps: σ = η = 0.01, 0.003, 0.001": {
            "sigmas": (0.01, 0.003, 0.001),
            "transformer": False,
            "escape": False,
        },
        "gradient descent instead of Adam": {"adam": False, "transformer": False, "escape": False},
        "Adam's ε as large as the gradients": {"epsilon": 0.1, "transformer": False, "escape": False},
        "a LayerNorm before the transformer's output": {"layer_norm": True, "escape": False},
        "σ not below η·steps: σ = 3000 η": {"starts": (3000.0,), "transformer": False},
    },
)
