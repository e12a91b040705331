"""Do embeddings under Adam follow the recursion with a constant drive, and leave the plateau when it says?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.measures import effective_rank
from lowcomplex.tasks.anchor import ANCHORS
from lowcomplex.tasks.anchor_functions import OFFSETS
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.adam_directions.formula import adam_amplitude
from lowcomplex.theorems.adam_embedding_stage.formula import (
    AdamEmbeddingStage,
    adam_embedding_escape,
    adam_embedding_stage,
    sign_attractors,
)
from lowcomplex.theorems.adam_embedding_stage.models import EmbeddingModel, ResidualModel, train
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix
from lowcomplex.theorems.observations.fits import log_slope

_KEYS, _SAMPLES, _WIDTH, _RESIDUAL_WIDTH = 16, 150, 24, 16
_STEPS, _RESIDUAL_STEPS, _ESCAPE_STEPS = 60, 30, 150
# The loss has escaped once it fell by this share; η is such that this takes about _ESCAPE_STEPS steps.
_DROP = 1e-3
_FIRST_LABEL = max(abs(2 * offset) for offset in OFFSETS.values())
_VOCABULARY = _KEYS + 2 * _FIRST_LABEL

Array = NDArray[np.float64]


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
) -> tuple[Comparison, ...]:
    """Train the embedding model and a transformer by Adam with η = σ; the former also to its escape."""
    rng = np.random.default_rng(seed)
    tokens, labels = _sequences(rng)
    comparisons = [*_embedding_model(rng, tokens, labels, sigmas, adam, epsilon)]
    if transformer:
        comparisons += _transformer(rng, tokens, labels, sigmas, adam, epsilon, layer_norm)
    if escape:
        comparisons += _escape(rng, tokens, labels, starts, adam, epsilon)
    return tuple(comparisons)


def _sequences(rng: np.random.Generator) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Two anchors and a key, and the key plus both anchors' offsets as the label."""
    pair = rng.integers(len(ANCHORS), size=(_SAMPLES, 2))
    # Every key occurs, so that no row of G vanishes.
    key = rng.permutation(np.arange(_SAMPLES) % _KEYS)
    offset = np.array([OFFSETS[anchor] for anchor in ANCHORS])[pair].sum(1)
    return np.column_stack((_KEYS + pair, key)), key + offset + _FIRST_LABEL


def _drive(share: Array, labels: NDArray[np.int_]) -> Array:
    """G from the share of each token, or position, in each sequence."""
    return driving_matrix(share, centered_one_hot(labels, _VOCABULARY)).T


def _token_share(tokens: NDArray[np.int_]) -> Array:
    share = np.zeros((len(tokens), _KEYS + len(ANCHORS)))
    np.add.at(share, (np.arange(len(tokens))[:, None], tokens), 1 / tokens.shape[1])
    return share


def _embedding_model(
    rng: np.random.Generator,
    tokens: NDArray[np.int_],
    labels: NDArray[np.int_],
    sigmas: tuple[float, ...],
    adam: bool,
    epsilon: float,
) -> tuple[Comparison, Comparison]:
    share = _token_share(tokens)
    drive = _drive(share, labels)
    start = {
        "embedding": rng.standard_normal((len(drive), _WIDTH)),
        "output": rng.standard_normal((_VOCABULARY, _WIDTH)),
    }
    model = EmbeddingModel(share)
    end, _ = train(model, start, labels, sigmas, _STEPS, adam, epsilon)
    predicted = adam_embedding_stage(start["embedding"], start["output"], drive, step=1.0, steps=_STEPS)
    error = _relative_error((end["embedding"], end["output"]), predicted)
    left = _left(share, drive, sigmas[0] * predicted.embedding, sigmas[0] * predicted.output)
    weaker = adam_embedding_stage(start["embedding"], start["output"], left, step=1.0, steps=_STEPS)
    return (
        Comparison(
            quantity=f"relative error of all weights of the embedding model at σ = η = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=float(_relative_error(weaker, predicted)),
            reason="what the formula changes by if the logits that it predicts at the end had weakened G "
            "from the first step",
        ),
        Comparison(
            quantity="exponent of that error in σ at fixed η/σ",
            predicted=2.0,
            measured=log_slope(sigmas, error),
            tolerance=0.02,
            reason="the next term is of the logits' order, below 1e-3 here; rounding stays below 1e-8",
        ),
    )


def _transformer(
    rng: np.random.Generator,
    tokens: NDArray[np.int_],
    labels: NDArray[np.int_],
    sigmas: tuple[float, ...],
    adam: bool,
    epsilon: float,
    layer_norm: bool,
) -> tuple[Comparison, Comparison]:
    h = _RESIDUAL_WIDTH
    shapes = {
        "embedding": (_KEYS + len(ANCHORS), h),
        "positions": (tokens.shape[1], h),
        "output": (_VOCABULARY, h),
        **dict.fromkeys(("query", "key", "value", "attention_output"), (h, h)),
        "feedforward_in": (2 * h, h),
        "feedforward_out": (h, 2 * h),
    }
    start = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    end, _ = train(ResidualModel(tokens, layer_norm), start, labels, sigmas, _RESIDUAL_STEPS, adam, epsilon)
    # The last token is a key, so the rows of G are those of the keys and of the last position.
    share = np.column_stack((np.eye(_KEYS)[tokens[:, -1]], np.ones(len(tokens))))
    stacked = np.concatenate((start["embedding"][:_KEYS], start["positions"][-1:]))
    predicted = adam_embedding_stage(
        stacked, start["output"], _drive(share, labels), step=1.0, steps=_RESIDUAL_STEPS
    )
    trained = np.concatenate((end["embedding"][:, :_KEYS], end["positions"][:, -1:]), axis=1)
    error = _relative_error((trained, end["output"]), predicted)
    weight = sigmas[0] * float(adam_amplitude(_RESIDUAL_STEPS)[-1])
    return (
        Comparison(
            quantity=f"relative error of a transformer's last rows and head at σ = η = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=3 * (h * weight) ** 2,
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


def _escape(
    rng: np.random.Generator,
    tokens: NDArray[np.int_],
    labels: NDArray[np.int_],
    starts: tuple[float, ...],
    adam: bool,
    epsilon: float,
) -> tuple[Comparison, ...]:
    """Escape step and effective rank there, from starts σ/η of several scales, trained at once."""
    share = _token_share(tokens)
    drive = _drive(share, labels)
    attractors = sign_attractors(drive)
    norm, drop = float(attractors.energy[0]), _DROP * float(np.log(_VOCABULARY))
    step = float(np.sqrt(drop / (_WIDTH * norm)) / adam_amplitude(_ESCAPE_STEPS)[-1])
    scale = np.array(starts)[:, None, None]
    start = {
        "embedding": scale * rng.standard_normal((len(drive), _WIDTH)),
        "output": scale * rng.standard_normal((_VOCABULARY, _WIDTH)),
    }
    most = 5 * _ESCAPE_STEPS // 4
    end, losses = train(
        EmbeddingModel(share), start, labels, (step,) * len(starts), most, adam, epsilon, drop=drop
    )
    stopped = len(losses) - 1
    rate = step * np.ones_like(scale)
    e0, u0 = step * start["embedding"], step * start["output"]
    path = adam_embedding_stage(e0, u0, drive, step=rate, steps=range(most + 1))
    fallen = (path.embedding * (drive @ path.output)).sum((-1, -2))
    measured = np.array([_crossing(loss[0] - loss - drop) for loss in losses.T])
    predicted = np.array([_crossing(fall - fall[0] - drop) for fall in fallen.T])
    law = adam_embedding_escape(drive, _WIDTH, drop=drop, step=step, norm=norm)
    lower = 1 - float(attractors.share @ attractors.energy) / norm
    updates = float(np.diff(adam_amplitude(_ESCAPE_STEPS))[-1])
    worst, latest = int(np.abs(measured - predicted).argmax()), int(np.abs(measured - law).argmax())

    final = AdamEmbeddingStage(path.embedding[stopped], path.output[stopped])
    left = np.stack([_left(share, drive, e, u) for e, u in zip(*final, strict=True)])
    taken = float((np.linalg.norm(left - drive, axis=(1, 2)) / np.linalg.norm(drive)).max())
    ranks, predicted_ranks = (
        effective_rank(torch.from_numpy(matrix)).numpy() for matrix in (end["embedding"], final.embedding)
    )
    apart = int(np.abs(ranks / predicted_ranks - 1).argmax())
    where = f"σ/η = {', '.join(f'{ratio:g}' for ratio in starts)}"
    return (
        Comparison(
            quantity=f"steps until the loss fell by {_DROP:g}, worst of {where}",
            predicted=float(predicted[worst]),
            measured=float(measured[worst]),
            tolerance=law * taken,
            reason="T times the share of G that the logits at the escape have taken",
        ),
        Comparison(
            quantity=f"the same steps by G's ∞→1 norm alone, worst of {where}",
            predicted=law,
            measured=float(measured[latest]),
            tolerance=law * lower / 2 + 10 + 10 / updates,
            reason="T/2 times the share by which random starts miss the norm, 1/(1-β1) = 10 steps of Adam's "
            "mean, and the steps that cover a start of 10 η",
        ),
        Comparison(
            quantity=f"effective rank of E at the escape, worst of {where}",
            predicted=float(predicted_ranks[apart]),
            measured=float(ranks[apart]),
            tolerance=float(predicted_ranks[apart]) * taken * np.log(min(e0.shape[1:])),
            reason="a relative change c of singular values moves the entropy by about c log r; c is the "
            "share of G that the logits at the escape have taken",
        ),
    )


def _crossing(excess: Array) -> float:
    """First time at which a path rises through zero, interpolated; NaN if it never does."""
    above = np.flatnonzero(excess >= 0)
    if len(above) == 0 or above[0] == 0:
        return float("nan")
    k = above[0]
    return float(k - 1 + excess[k - 1] / (excess[k - 1] - excess[k]))


def _relative_error(trained: Sequence[Array], predicted: AdamEmbeddingStage) -> Array:
    """Relative error of both matrices together, for each network."""
    pairs = tuple(zip(trained, predicted, strict=True))
    difference = np.sum([np.square(one - other).sum((-1, -2)) for one, other in pairs], axis=0)
    size = np.sum([np.square(weights).sum((-1, -2)) for weights in predicted], axis=0)
    error: Array = np.sqrt(difference / size)
    return error


def _left(share: Array, drive: Array, embedding: Array, output: Array) -> Array:
    """What is left of G once logits are no longer zero."""
    logits = share @ embedding @ output.T
    odds = np.exp(logits - logits.max(1, keepdims=True))
    left: Array = drive - share.T @ (odds / odds.sum(1, keepdims=True) - 1 / _VOCABULARY) / len(share)
    return left


CHECK: Check[Any, None] = Check(
    prediction=adam_embedding_stage,
    observe=observe,
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
