"""Do embeddings and networks with many outputs follow one matrix, and collapse to its top singular space?"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from lowcomplex.measures import effective_rank
from lowcomplex.tasks import AnchorTask
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics, row_cosines
from lowcomplex.theorems.embedding_dynamics.laws import LAW, MUTANTS, Law
from lowcomplex.theorems.embedding_dynamics.output_networks import (
    Escaped,
    Loss,
    judge_escape,
    train_to_escape,
)
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.embedding_models import MeanEmbedding, mean_cross_entropy
from lowcomplex.theorems.observations.feedback import entropy_spread, neglected_feedback
from lowcomplex.theorems.observations.fits import fit_exponent, joint_norm, relative_error
from lowcomplex.training import descend, one_draw, stack
from lowcomplex.training.until import Parameters

Array = NDArray[np.float64]
Part = Literal["tokens", "early", "escape"]

_SEQUENCES, _WIDTH, _TIME, _STEP = 250, 32, 3.0, 0.1
# The task's labels end here; its vocabulary is larger.
_VOCABULARY = 110
# Loss, and whether the classes are symmetric.
_ESCAPES: tuple[tuple[Loss, bool], ...] = (
    ("cross-entropy", False),
    ("square", False),
    ("cross-entropy", True),
)
_EARLY_TIME, _EARLY_WIDTHS, _EARLY_DRAWS = 0.1, (32, 64, 128, 256), 5


class Sequences(NamedTuple):
    """Sequences of the anchor task.

    Attributes:
        tokens: (n, T).
        labels: (n,).
        occurs: (s,) tokens that occur.
        shares: (n, s) share of each of them in each sequence.
    """

    tokens: NDArray[np.int_]
    labels: NDArray[np.int_]
    occurs: NDArray[np.int_]
    shares: Array


class Embeddings(NamedTuple):
    """Embedding models of several scales after a time.

    Attributes:
        sigmas: (S,) scales, decreasing.
        left_normals: (s, h) the numbers whose multiples all E started at.
        right_normals: (V, h) those of U.
        time: t.
        step: Learning rate.
        left: (S, s, h) E.
        right: (S, V, h) U.
    """

    sigmas: tuple[float, ...]
    left_normals: Array
    right_normals: Array
    time: float
    step: float
    left: Array
    right: Array


class Trained(NamedTuple):
    """What was trained.

    Attributes:
        sequences: The data of the embedding models.
        tokens: Embedding models of several scales; None if not trained.
        early: For each width, the cosines (draws, s, s) between embeddings that have just left zero.
        escapes: Networks with many outputs at their escape.
    """

    sequences: Sequences
    tokens: Embeddings | None
    early: dict[int, Array]
    escapes: list[Escaped]


def observe(
    seed: int,
    *,
    parts: tuple[Part, ...] = ("tokens", "early", "escape"),
    sigmas: tuple[float, ...] = (1e-3, 1e-4, 1e-5),
    escapes: tuple[tuple[Loss, bool], ...] = _ESCAPES,
    escape_sigmas: tuple[float, ...] = (1e-4, 1e-5, 1e-6, 1e-7),
    start: float = 0.0,
    activation: str = "tanh",
    adam: bool = False,
) -> Trained:
    """Train token embeddings on anchor data, and small networks up to their escape.

    Args:
        seed: Seed of data and weights.
        parts: What is trained.
        sigmas: Scales of the embedding models, decreasing.
        escapes: Losses of the networks, and whether their classes are symmetric.
        escape_sigmas: Scales of the networks, decreasing.
        start: Scale of the embeddings that have just left zero, over that of the outputs.
        activation: The networks' activation.
        adam: Whether Adam trains the embedding models; else gradient descent.
    """
    sequences = _sequences(seed)
    return Trained(
        sequences,
        _train_embeddings(seed, sequences, sigmas, adam) if "tokens" in parts else None,
        _train_early(seed, sequences, start) if "early" in parts else {},
        [train_to_escape(seed, *which, escape_sigmas, activation) for which in escapes]
        if "escape" in parts
        else [],
    )


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare embeddings after a time and just after zero, and networks at their escape."""
    comparisons: list[Comparison] = []
    if observed.tokens is not None:
        comparisons += _judge_embeddings(observed.sequences, observed.tokens, law)
    if observed.early:
        comparisons += _judge_early(observed.sequences, observed.early, law)
    for escaped in observed.escapes:
        comparisons += judge_escape(escaped, law)
    return tuple(comparisons)


def _sequences(seed: int) -> Sequences:
    batch = AnchorTask().sample(_SEQUENCES, torch.Generator().manual_seed(seed))
    occurs = np.unique(batch.tokens.numpy())
    shares = functional.one_hot(batch.tokens, _VOCABULARY).double().mean(1)[:, torch.from_numpy(occurs)]
    return Sequences(batch.tokens.numpy(), batch.labels.numpy(), occurs, shares.numpy())


def _drive(sequences: Sequences, law: Law = LAW) -> Array:
    """G, its rows those of tokens that occur."""
    rows: Array = law.drive(sequences.tokens, sequences.labels, _VOCABULARY)[sequences.occurs]
    return rows


def _train(
    sequences: Sequences,
    start: Parameters,
    step: float,
    steps: int,
    adam: bool = False,
) -> tuple[Array, Array]:
    """E and U of all networks after full-batch training of logits = U · mean of embeddings."""
    inputs, labels = torch.from_numpy(sequences.shares), torch.from_numpy(sequences.labels)
    run = descend(
        mean_cross_entropy(MeanEmbedding.logits, inputs, labels),
        start,
        rate=1e-3 if adam else step,
        steps=steps,
        rule="adam" if adam else "gradient",
    )
    return run.parameters["embedding.weight"].numpy(), run.parameters["output.weight"].numpy()


def _train_embeddings(seed: int, sequences: Sequences, sigmas: tuple[float, ...], adam: bool) -> Embeddings:
    network = MeanEmbedding(len(sequences.occurs), _VOCABULARY, _WIDTH)
    drawn = drawn_weights(network, seed=seed)
    step, steps = _STEP / float(np.linalg.norm(_drive(sequences), 2)), round(_TIME / _STEP)
    left, right = _train(sequences, stack(one_draw(network, sigma=sigmas, seed=seed))[0], step, steps, adam)
    normal = drawn["embedding"], drawn["output"]
    return Embeddings(sigmas, *normal, step * steps, step, left, right)


def _train_early(seed: int, sequences: Sequences, scale: float) -> dict[int, Array]:
    """Cosines of embeddings that have just left zero, at several widths."""
    step = _EARLY_TIME / 2 / float(np.linalg.norm(_drive(sequences), 2))
    cosines = {}
    for width in _EARLY_WIDTHS:
        network = MeanEmbedding(len(sequences.occurs), _VOCABULARY, width)
        seeds = np.random.SeedSequence([seed, width]).generate_state(_EARLY_DRAWS)
        start, _ = stack([one_draw(network, sigma=(1e-4,), seed=int(own))[0] for own in seeds])
        start["embedding.weight"] = scale * start["embedding.weight"]
        cosines[width] = row_cosines(_train(sequences, start, step, 2)[0])
    return cosines


def _judge_embeddings(sequences: Sequences, observed: Embeddings, law: Law) -> list[Comparison]:
    sigmas, shares = observed.sigmas, sequences.shares
    drive, true_drive = _drive(sequences, law), _drive(sequences)
    scale = np.array(sigmas)[:, None, None]
    left0, right0 = scale * observed.left_normals, scale * observed.right_normals
    predicted = law.stage(left0, right0, drive, time=observed.time, step=observed.step)
    error = relative_error((observed.left, observed.right), predicted)
    cosine_error = np.abs(row_cosines(observed.left) - predicted.left_cosines).max((1, 2))
    neglected = neglected_feedback(
        left0[0], right0[0], true_drive, shares, time=observed.time, step=observed.step
    )
    ranks = effective_rank(torch.from_numpy(np.stack((predicted.left[0], observed.left[0]))))
    # Of E alone, in units of its nuclear norm, which is at least its Frobenius norm.
    share = neglected * float(joint_norm(predicted)[0] / np.linalg.norm(predicted.left[0]))
    return [
        Comparison(
            quantity=f"relative error of all embeddings and outputs at σ = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=neglected,
            reason="bound of the first neglected term, the softmax's feedback (Duhamel's integral)",
        ),
        _exponent(sigmas, error, "exponent of that error in σ"),
        _exponent(sigmas, cosine_error, "exponent in σ of the largest error in the cosine matrix"),
        Comparison(
            quantity=f"effective rank of E at σ = {sigmas[0]:g}",
            predicted=float(ranks[0]),
            measured=float(ranks[1]),
            tolerance=float(ranks[0]) * entropy_spread(share, _WIDTH),
            reason="the same bound, passed through the entropy by Fannes's inequality",
        ),
    ]


def _exponent(sigmas: tuple[float, ...], error: Array, quantity: str) -> Comparison:
    return fit_exponent(sigmas, error).beside(
        quantity,
        2.0,
        tolerance=0.02,
        reason="the next term is of relative order σ², below 1e-3 here; rounding stays below 1e-5",
    )


def _judge_early(sequences: Sequences, early: dict[int, Array], law: Law) -> list[Comparison]:
    # A random projection to h dimensions scatters each cosine around ρ by about (1 - ρ²)/sqrt(h).
    drive = _drive(sequences)
    pairs = np.triu_indices(len(drive), 1)
    rho = law.cosines(drive)[pairs]
    widths = np.repeat(list(early), _EARLY_DRAWS)
    spread = np.concatenate([np.abs(cosines[:, *pairs] - rho).mean(-1) for cosines in early.values()])
    expected = law.spread(rho, widths[:, None]).mean(-1)
    return [
        Comparison(
            quantity="mean |cos(E_s, E_s') - cos(P^s - 1/V, P^s' - 1/V)|, over its value at the width",
            predicted=1.0,
            measured=float(np.mean(spread / expected)),
            tolerance=0.05,
            reason=f"its {len(spread)} draws scatter by 0.04, so their mean by 0.01; the next order is "
            f"1/h, at most 1/{_EARLY_WIDTHS[0]}, in one draw of four",
        ),
        fit_exponent(widths, spread).beside(
            "exponent of that mean in the width h",
            fit_exponent(widths, expected).slope,
            tolerance=0.05,
            reason="draws scatter by 0.04 over a range of log 8 in the width: 0.012, four times",
        ),
    ]


CHECK = Check(
    prediction=embedding_dynamics,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants=MUTANTS,
    controls={
        "large initialization of the embeddings: σ = 1, 0.3, 0.1": {
            "parts": ("tokens",),
            "sigmas": (1.0, 0.3, 0.1),
        },
        "Adam instead of gradient descent": {"parts": ("tokens",), "adam": True},
        "early cosines of embeddings that start as large as the outputs": {"parts": ("early",), "start": 1.0},
        "large initialization of the networks: σ = 1, 0.3, 0.1": {
            "parts": ("escape",),
            "escapes": _ESCAPES[:1],
            "escape_sigmas": (1.0, 0.3, 0.1),
        },
        "sigmoid, s(0) = 1/2": {
            "parts": ("escape",),
            "escapes": _ESCAPES[:1],
            "activation": "sigmoid",
        },
    },
)
