"""Do embeddings under Adam follow the recursion with a constant drive, and leave the plateau when it says?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.measures import effective_rank
from lowcomplex.tasks.anchor import ANCHORS
from lowcomplex.tasks.anchor_functions import OFFSETS
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.adam_directions.formula import adam_amplitude
from lowcomplex.theorems.adam_embedding_stage.formula import (
    AdamEmbeddingStage,
    adam_embedding_stage,
    sign_attractors,
)
from lowcomplex.theorems.adam_embedding_stage.laws import LAW, MUTANTS, Law
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix
from lowcomplex.theorems.observations.embedding_models import (
    MeanEmbedding,
    SmallTransformer,
    mean_cross_entropy,
)
from lowcomplex.theorems.observations.fits import log_slope
from lowcomplex.training import Descent, LossShare, descend, normals, one_draw, stack

_KEYS, _SAMPLES, _WIDTH, _RESIDUAL_WIDTH = 16, 150, 24, 16
_STEPS, _RESIDUAL_STEPS, _ESCAPE_STEPS = 60, 30, 150
# The loss has escaped once it fell by this share; η is such that this takes about _ESCAPE_STEPS steps.
_DROP = 1e-3
_FIRST_LABEL = max(abs(2 * offset) for offset in OFFSETS.values())
_VOCABULARY = _KEYS + 2 * _FIRST_LABEL

Array = NDArray[np.float64]


class Early(NamedTuple):
    """Networks of several scales after some updates with η = σ.

    Attributes:
        draw: The numbers, [E; positions] (s, h) and U (V, h), whose multiples the networks started at.
        weights: The same after the updates, (S, s, h) and (S, V, h), in units of σ.
    """

    draw: AdamEmbeddingStage
    weights: AdamEmbeddingStage


class Escaped(NamedTuple):
    """Embedding models from several starts until the last of them has lost a share of its loss.

    Attributes:
        starts: (S,) scales σ/η of their starts.
        step: η.
        draw: The numbers whose multiples they started at.
        losses: (T, S) losses after each update.
        embedding: (S, s, h) E after the last update.
    """

    starts: tuple[float, ...]
    step: float
    draw: AdamEmbeddingStage
    losses: Array
    embedding: Array


class Trained(NamedTuple):
    """What was trained on one set of sequences.

    Attributes:
        tokens: (n, 3) two anchors and a key.
        labels: (n,).
        sigmas: (S,) scales σ = η.
        embedding_model: The embedding model after its early stage.
        transformer: A transformer's last rows and head after theirs; None if not trained.
        escape: Embedding models at their escape; None if not trained.
    """

    tokens: NDArray[np.int_]
    labels: NDArray[np.int_]
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
        layer_norm: Whether a LayerNorm stands before the transformer's output.
        transformer: Whether the transformer is trained.
        escape: Whether networks are trained to their escape.
    """
    tokens, labels = _sequences(np.random.default_rng(seed))
    share = _token_share(tokens)

    def train(
        network: MeanEmbedding | SmallTransformer,
        inputs: NDArray[np.generic],
        scales: Sequence[float],
        rates: Sequence[float],
        steps: int,
        drop: float | None = None,
    ) -> Descent:
        start, _ = stack(one_draw(network, sigma=scales, seed=seed))
        loss = mean_cross_entropy(network.logits, torch.from_numpy(inputs), torch.from_numpy(labels))
        until = None if drop is None else LossShare(1 - drop / loss(start))
        if not adam:
            return descend(loss, start, rate=1.0, steps=steps, until=until)
        rate = torch.tensor(rates, dtype=torch.float64)
        return descend(loss, start, rate=rate, steps=steps, until=until, rule="adam", eps=epsilon * rate)

    model = MeanEmbedding(share.shape[1], _VOCABULARY, _WIDTH)
    run = train(model, share, sigmas, sigmas, _STEPS)
    names, drawn = ("embedding.weight", "output.weight"), normals(model, seed=seed)
    draw = AdamEmbeddingStage(*(drawn[name].numpy() for name in names))
    units = 1 / np.array(sigmas)[:, None, None]
    early = Early(draw, AdamEmbeddingStage(*(units * run.parameters[name].numpy() for name in names)))

    last: Early | None = None
    if transformer:
        eps = 1e-30 if layer_norm else None
        sizes = (share.shape[1], tokens.shape[1], _VOCABULARY, _RESIDUAL_WIDTH, 2 * _RESIDUAL_WIDTH)
        block = SmallTransformer(*sizes, final_eps=eps)
        run = train(block, tokens, sigmas, sigmas, _RESIDUAL_STEPS)
        last = Early(_last_rows(normals(block, seed=seed)), _last_rows(run.parameters, units))

    escaped: Escaped | None = None
    if escape:
        drop, norm = (
            _DROP * float(np.log(_VOCABULARY)),
            float(sign_attractors(_drive(share, labels)).energy[0]),
        )
        # Such that the escape takes about _ESCAPE_STEPS steps; not what is compared.
        step = float(np.sqrt(drop / (_WIDTH * norm)) / adam_amplitude(_ESCAPE_STEPS)[-1])
        rates, most = [step] * len(starts), 5 * _ESCAPE_STEPS // 4
        run = train(model, share, [ratio * step for ratio in starts], rates, most, drop)
        end = run.parameters["embedding.weight"].numpy()
        escaped = Escaped(starts, step, draw, run.losses.numpy(), end)
    return Trained(tokens, labels, sigmas, early, last, escaped)


def _last_rows(parameters: Mapping[str, Tensor], units: Array | float = 1.0) -> AdamEmbeddingStage:
    """What of a transformer learns: rows of the keys, which come last, and of the last position; the head."""
    embedding, positions, output = (
        units * parameters[f"{name}.weight"].numpy() for name in ("embedding", "positions", "output")
    )
    rows = np.concatenate((embedding[..., :_KEYS, :], positions[..., -1:, :]), axis=-2)
    return AdamEmbeddingStage(rows, output)


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare the weights after the early stage, and the step and the rank at the escape."""
    comparisons = [*_embedding_model(observed, law)]
    if observed.transformer is not None:
        comparisons += _transformer(observed, observed.transformer, law)
    if observed.escape is not None:
        comparisons += _escape(observed, observed.escape, law)
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
    """(n, tokens) share of each token in each sequence."""
    share = np.zeros((len(tokens), _KEYS + len(ANCHORS)))
    np.add.at(share, (np.arange(len(tokens))[:, None], tokens), 1 / tokens.shape[1])
    return share


def _embedding_model(observed: Trained, law: Law) -> tuple[Comparison, Comparison]:
    share, sigmas = _token_share(observed.tokens), observed.sigmas
    drive, draw = _drive(share, observed.labels), observed.embedding_model.draw
    predicted = law.stage(*draw, drive, step=1.0, steps=_STEPS)
    error = _relative_error(observed.embedding_model.weights, predicted)
    # By the true law, whatever law is judged: a tolerance.
    true = adam_embedding_stage(*draw, drive, step=1.0, steps=_STEPS)
    left = _left(share, drive, sigmas[0] * true.embedding, sigmas[0] * true.output)
    weaker = adam_embedding_stage(*draw, left, step=1.0, steps=_STEPS)
    return (
        Comparison(
            quantity=f"relative error of all weights of the embedding model at σ = η = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=float(_relative_error(weaker, true)),
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


def _transformer(observed: Trained, trained: Early, law: Law) -> tuple[Comparison, Comparison]:
    tokens, sigmas = observed.tokens, observed.sigmas
    share = np.column_stack((np.eye(_KEYS)[tokens[:, -1]], np.ones(len(tokens))))
    drive = _drive(share, observed.labels)
    error = _relative_error(trained.weights, law.stage(*trained.draw, drive, step=1.0, steps=_RESIDUAL_STEPS))
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


def _escape(observed: Trained, escaped: Escaped, law: Law) -> tuple[Comparison, ...]:
    """Escape step and effective rank there, from starts σ/η of several scales."""
    share = _token_share(observed.tokens)
    drive, step, starts = _drive(share, observed.labels), escaped.step, escaped.starts
    attractors = law.attractors(drive)
    norm, drop = float(attractors.energy[0]), _DROP * float(np.log(_VOCABULARY))
    scale = step * np.array(starts)[:, None, None]
    most, stopped = 5 * _ESCAPE_STEPS // 4, len(escaped.losses) - 1
    e0, u0 = scale * escaped.draw.embedding, scale * escaped.draw.output
    path = law.stage(e0, u0, drive, step=step * np.ones_like(scale), steps=range(most + 1))
    fallen = (path.embedding * (drive @ path.output)).sum((-1, -2))
    measured = np.array([_crossing(loss[0] - loss - drop) for loss in escaped.losses.T])
    predicted = np.array([_crossing(fall - fall[0] - drop) for fall in fallen.T])
    by_norm = law.escape(drive, _WIDTH, drop=drop, step=step, norm=norm)
    lower = 1 - float(attractors.share @ attractors.energy) / norm
    updates = float(np.diff(adam_amplitude(_ESCAPE_STEPS))[-1])
    worst, latest = int(np.abs(measured - predicted).argmax()), int(np.abs(measured - by_norm).argmax())

    final = AdamEmbeddingStage(path.embedding[stopped], path.output[stopped])
    left = np.stack([_left(share, drive, e, u) for e, u in zip(*final, strict=True)])
    taken = float((np.linalg.norm(left - drive, axis=(1, 2)) / np.linalg.norm(drive)).max())
    ranks, predicted_ranks = (
        effective_rank(torch.from_numpy(matrix)).numpy() for matrix in (escaped.embedding, final.embedding)
    )
    apart = int(np.abs(ranks / predicted_ranks - 1).argmax())
    where = f"σ/η = {', '.join(f'{ratio:g}' for ratio in starts)}"
    return (
        Comparison(
            quantity=f"steps until the loss fell by {_DROP:g}, worst of {where}",
            predicted=float(predicted[worst]),
            measured=float(measured[worst]),
            tolerance=by_norm * taken,
            reason="T times the share of G that the logits at the escape have taken",
        ),
        Comparison(
            quantity=f"the same steps by G's ∞→1 norm alone, worst of {where}",
            predicted=by_norm,
            measured=float(measured[latest]),
            tolerance=by_norm * lower / 2 + 10 + 10 / updates,
            reason="T/2 times the share by which random starts miss the norm, 1/(1-β1) = 10 steps of Adam's "
            "mean, and the steps that cover a start of 10 η",
        ),
        Comparison(
            quantity=f"the same steps from the smallest start, σ/η = {starts[0]:g}, by the mean energy",
            predicted=law.escape(drive, _WIDTH, drop=drop, step=step, norm=norm * (1 - lower / 2)),
            measured=float(measured[0]),
            tolerance=6.0,
            reason="units end between the norm and what random starts reach, half-way: at most 150/4 of "
            "that share, 4 steps; and the steps in which they turn, about 3",
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
