"""Sequences of two anchors and a key, the matrix that drives their embeddings, and training on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.tasks.anchor import ANCHORS
from lowcomplex.tasks.anchor_functions import OFFSETS
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix
from lowcomplex.theorems.observations.embedding_models import (
    MeanEmbedding,
    SmallTransformer,
    mean_cross_entropy,
)
from lowcomplex.training import Descent, LossShare, descend, one_draw, stack

KEYS, _SAMPLES = 16, 150
_FIRST_LABEL = max(abs(2 * offset) for offset in OFFSETS.values())
VOCABULARY = KEYS + 2 * _FIRST_LABEL

Array = NDArray[np.float64]


class Sequences(NamedTuple):
    """The data of every network.

    Attributes:
        tokens: (n, 3) two anchors and a key.
        labels: (n,) the key plus both anchors' offsets.
    """

    tokens: NDArray[np.int_]
    labels: NDArray[np.int_]

    @property
    def shares(self) -> Array:
        """(n, tokens) share of each token in each sequence."""
        share = np.zeros((len(self.tokens), KEYS + len(ANCHORS)))
        np.add.at(share, (np.arange(len(self.tokens))[:, None], self.tokens), 1 / self.tokens.shape[1])
        return share

    @property
    def last_rows(self) -> Array:
        """(n, keys + 1) indicator of each key in the last place, and of the last position."""
        return np.column_stack((np.eye(KEYS)[self.tokens[:, -1]], np.ones(len(self.tokens))))

    def drive(self, rows: Array) -> Array:
        """G (rows, V) from the weight of each row, of a token or a position, in each sequence."""
        return driving_matrix(rows, centered_one_hot(self.labels, VOCABULARY)).T

    def drive_left(self, rows: Array, embedding: Array, output: Array) -> Array:
        """What is left of G at the logits of these weights, which are no longer zero."""
        logits = rows @ embedding @ output.T
        odds = np.exp(logits - logits.max(1, keepdims=True))
        taken = rows.T @ (odds / odds.sum(1, keepdims=True) - 1 / VOCABULARY) / len(rows)
        left: Array = self.drive(rows) - taken
        return left


def draw_sequences(seed: int) -> Sequences:
    """Sequences in which every key occurs, so that no row of G vanishes."""
    rng = np.random.default_rng(seed)
    pair = rng.integers(len(ANCHORS), size=(_SAMPLES, 2))
    key = rng.permutation(np.arange(_SAMPLES) % KEYS)
    offset = np.array([OFFSETS[anchor] for anchor in ANCHORS])[pair].sum(1)
    return Sequences(np.column_stack((KEYS + pair, key)), key + offset + _FIRST_LABEL)


def train_on(
    sequences: Sequences,
    network: MeanEmbedding | SmallTransformer,
    *,
    seed: int,
    sigmas: Sequence[float],
    rates: Sequence[float],
    steps: int,
    drop: float | None = None,
    adam: bool = True,
    epsilon: float = 0.0,
) -> Descent:
    """Train a network from one draw at several scales, all of them at once.

    Args:
        sequences: The data: shares of tokens for the embedding model, tokens for the transformer.
        network: Its architecture.
        seed: Seed of the draw.
        sigmas: Scales of all weights.
        rates: Learning rates of Adam, one per scale.
        steps: Number of updates.
        drop: Fall of the loss at which a network stops; None for all updates.
        adam: Whether Adam trains; else gradient descent at the rate 1.
        epsilon: Adam's ε over the learning rate.
    """
    inputs = sequences.shares if isinstance(network, MeanEmbedding) else sequences.tokens
    start, _ = stack(one_draw(network, sigma=sigmas, seed=seed))
    loss = mean_cross_entropy(network.logits, torch.from_numpy(inputs), torch.from_numpy(sequences.labels))
    until = None if drop is None else LossShare(1 - drop / loss(start))
    if not adam:
        return descend(loss, start, rate=1.0, steps=steps, until=until)
    rate = torch.tensor(rates, dtype=torch.float64)
    return descend(loss, start, rate=rate, steps=steps, until=until, rule="adam", eps=epsilon * rate)
