"""Embedding models under Adam until their loss has fallen: when that is, and of which rank they are then."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.measures import effective_rank
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.adam_directions.formula import adam_amplitude
from lowcomplex.theorems.adam_embedding_stage.formula import AdamEmbeddingStage, sign_attractors
from lowcomplex.theorems.adam_embedding_stage.laws import Law
from lowcomplex.theorems.adam_embedding_stage.sequences import VOCABULARY, Sequences, train_on
from lowcomplex.theorems.observations.embedding_models import MeanEmbedding
from lowcomplex.theorems.observations.fits import crossing

# The loss has escaped once it fell by this share; η is such that this takes about _STEPS steps.
_SHARE, _STEPS = 1e-3, 150
_DROP, _MOST_STEPS = _SHARE * float(np.log(VOCABULARY)), 5 * _STEPS // 4

Array = NDArray[np.float64]


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


def train_to_escape(
    sequences: Sequences,
    model: MeanEmbedding,
    draw: AdamEmbeddingStage,
    starts: tuple[float, ...],
    *,
    seed: int,
    adam: bool,
    epsilon: float,
) -> Escaped:
    """Train embedding models from starts of several scales σ/η until each has escaped.

    `draw` are the numbers behind the weights of `seed`; `adam` and `epsilon` are those of `train_on`.
    """
    norm = float(sign_attractors(sequences.drive(sequences.shares)).energy[0])
    # Such that the escape takes about _STEPS steps; not what is compared.
    step = float(np.sqrt(_DROP / (len(draw.output.T) * norm)) / adam_amplitude(_STEPS)[-1])
    run = train_on(
        sequences,
        model,
        seed=seed,
        sigmas=[ratio * step for ratio in starts],
        rates=[step] * len(starts),
        steps=_MOST_STEPS,
        drop=_DROP,
        adam=adam,
        epsilon=epsilon,
    )
    return Escaped(starts, step, draw, run.losses.numpy(), run.parameters["embedding.weight"].numpy())


def judge_escape(sequences: Sequences, escaped: Escaped, law: Law) -> tuple[Comparison, ...]:
    """Escape step and effective rank there, from starts σ/η of several scales."""
    shares, step, starts = sequences.shares, escaped.step, escaped.starts
    drive = sequences.drive(shares)
    attractors = law.attractors(drive)
    norm, width = float(attractors.energy[0]), escaped.embedding.shape[-1]
    scale = step * np.array(starts)[:, None, None]
    e0, u0 = scale * escaped.draw.embedding, scale * escaped.draw.output
    path = law.stage(e0, u0, drive, step=step * np.ones_like(scale), steps=range(_MOST_STEPS + 1))
    fallen = (path.embedding * (drive @ path.output)).sum((-1, -2))
    measured = np.array([crossing(loss[0] - loss - _DROP) for loss in escaped.losses.T])
    predicted = np.array([crossing(fall - fall[0] - _DROP) for fall in fallen.T])
    by_norm = law.escape(drive, width, drop=_DROP, step=step, norm=norm)
    lower = 1 - float(attractors.share @ attractors.energy) / norm
    # Adam's mean update at the escape, in units of η.
    updates = float(np.diff(adam_amplitude(_STEPS))[-1])
    worst, latest = int(np.abs(measured - predicted).argmax()), int(np.abs(measured - by_norm).argmax())

    stopped = len(escaped.losses) - 1
    final = AdamEmbeddingStage(path.embedding[stopped], path.output[stopped])
    left = np.stack([sequences.drive_left(shares, e, u) for e, u in zip(*final, strict=True)])
    taken = float((np.linalg.norm(left - drive, axis=(1, 2)) / np.linalg.norm(drive)).max())
    # Which attractors the recursion's units end at, from the smallest start: their energy over the largest.
    tokens, labels = np.sign(final.embedding[0]), np.sign(final.output[0])
    share = float((tokens * (drive @ labels)).sum(0).mean() / sign_attractors(drive).energy[0])
    ranks, predicted_ranks = (
        effective_rank(torch.from_numpy(matrix)).numpy() for matrix in (escaped.embedding, final.embedding)
    )
    apart = int(np.abs(ranks / predicted_ranks - 1).argmax())
    where = f"σ/η = {', '.join(f'{ratio:g}' for ratio in starts)}"
    return (
        Comparison(
            quantity=f"steps until the loss fell by a share of {_SHARE:g}, worst of {where}",
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
            quantity=f"the same steps from the smallest start, σ/η = {starts[0]:g}, by the units' energy",
            predicted=law.escape(drive, width, drop=_DROP, step=step, norm=norm * share),
            measured=float(measured[0]),
            tolerance=3.0,
            reason="units gain nothing in the first steps, about 3 at most, in which they turn from the "
            "signs of their start",
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
