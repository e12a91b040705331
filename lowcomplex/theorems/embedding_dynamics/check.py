"""Do embeddings and networks with many outputs follow one matrix, and collapse to its top singular space?"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lowcomplex.measures import effective_rank
from lowcomplex.tasks import AnchorTask
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.embedding_dynamics.escape import Loss, escape
from lowcomplex.theorems.embedding_dynamics.formula import early_cosines, embedding_dynamics, row_cosines
from lowcomplex.theorems.formulas.token_drive import token_drive
from lowcomplex.theorems.observations.feedback import entropy_spread, neglected_feedback
from lowcomplex.theorems.observations.fits import fit_exponent

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
) -> tuple[Comparison, ...]:
    """Train token embeddings on anchor data, and small networks up to their escape."""
    comparisons: list[Comparison] = []
    if "tokens" in parts:
        comparisons += _tokens(seed, sigmas, adam)
    if "early" in parts:
        comparisons += _early(seed, start)
    if "escape" in parts:
        for loss, symmetric in escapes:
            comparisons += escape(seed, loss, symmetric, escape_sigmas, activation)
    return tuple(comparisons)


def _data(seed: int) -> tuple[Tensor, Tensor, Array]:
    """Shares of the tokens in each sequence (those that occur alone), labels, and the driving matrix."""
    batch = AnchorTask().sample(_SEQUENCES, torch.Generator().manual_seed(seed))
    drive = token_drive(batch.tokens.numpy(), batch.labels.numpy(), _VOCABULARY)
    occurs = torch.from_numpy(np.unique(batch.tokens.numpy()))
    shares = functional.one_hot(batch.tokens, _VOCABULARY).double().mean(1)[:, occurs]
    return shares, batch.labels, drive[occurs.numpy()]


def _tokens(seed: int, sigmas: tuple[float, ...], adam: bool) -> list[Comparison]:
    shares, labels, drive = _data(seed)
    rng = np.random.default_rng(seed)
    scale = np.array(sigmas)[:, None, None]
    left0 = scale * rng.standard_normal((len(drive), _WIDTH))
    right0 = scale * rng.standard_normal((_VOCABULARY, _WIDTH))
    step = _STEP / float(np.linalg.norm(drive, 2))
    steps = round(_TIME / _STEP)
    left, right = _train(shares, labels, left0, right0, step, steps, adam)
    predicted = embedding_dynamics(left0, right0, drive, time=step * steps, step=step)
    difference = np.square(left - predicted.left).sum((1, 2)) + np.square(right - predicted.right).sum((1, 2))
    size = np.square(predicted.left).sum((1, 2)) + np.square(predicted.right).sum((1, 2))
    error = np.sqrt(difference / size)
    cosine_error = np.abs(row_cosines(left) - predicted.left_cosines).max((1, 2))
    neglected = neglected_feedback(left0[0], right0[0], drive, shares.numpy(), time=step * steps, step=step)
    ranks = effective_rank(torch.from_numpy(np.stack((predicted.left[0], left[0]))))
    # Of E alone, in units of its nuclear norm, which is at least its Frobenius norm.
    share = neglected * math.sqrt(size[0]) / float(np.linalg.norm(predicted.left[0]))
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
    slope, interval = fit_exponent(sigmas, error)
    return Comparison(
        quantity=quantity,
        predicted=2.0,
        measured=slope,
        tolerance=0.02,
        reason="the next term is of relative order σ², below 1e-3 here; rounding stays below 1e-5",
        interval=interval,
    )


def _early(seed: int, start: float) -> list[Comparison]:
    """Cosines of embeddings that have just left zero, at several widths."""
    shares, labels, drive = _data(seed)
    rng = np.random.default_rng([seed, 1])
    step = _EARLY_TIME / 2 / float(np.linalg.norm(drive, 2))
    pairs = np.triu_indices(len(drive), 1)
    rho = early_cosines(drive)[pairs]
    widths, spread = [], []
    for width in _EARLY_WIDTHS:
        right0 = 1e-4 * rng.standard_normal((_EARLY_DRAWS, _VOCABULARY, width))
        left0 = 1e-4 * start * rng.standard_normal((_EARLY_DRAWS, len(drive), width))
        left, _ = _train(shares, labels, left0, right0, step, 2, adam=False)
        widths += [width] * _EARLY_DRAWS
        spread += list(np.abs(row_cosines(left)[:, *pairs] - rho).mean(-1))
    expected = np.sqrt(2 / (np.pi * np.array(widths))) * (1 - rho**2).mean()
    slope, interval = fit_exponent(widths, spread)
    return [
        Comparison(
            quantity="mean |cos(E_s, E_s') - cos(P^s - 1/V, P^s' - 1/V)|, over its value at the width",
            predicted=1.0,
            measured=float(np.mean(spread / expected)),
            tolerance=0.05,
            reason=f"its {len(spread)} draws scatter by 0.04, so their mean by 0.01; the next order is "
            f"1/h, at most 1/{_EARLY_WIDTHS[0]}, in one draw of four",
        ),
        Comparison(
            quantity="exponent of that mean in the width h",
            predicted=-0.5,
            measured=slope,
            tolerance=0.05,
            reason="draws scatter by 0.04 over a range of log 8 in the width: 0.012, four times",
            interval=interval,
        ),
    ]


def _train(
    shares: Tensor, labels: Tensor, left0: Array, right0: Array, step: float, steps: int, adam: bool
) -> tuple[Array, Array]:
    """Full-batch training of logits = U · mean of embeddings, all networks of the batch at once."""
    left, right = (torch.from_numpy(start.copy()).requires_grad_() for start in (left0, right0))
    repeated = labels.repeat(len(left0))
    optimizer: torch.optim.Optimizer = (
        torch.optim.Adam((left, right), lr=1e-3) if adam else torch.optim.SGD((left, right), lr=step)
    )
    for _ in range(steps):
        optimizer.zero_grad()
        logits = ((shares @ left) @ right.mT).flatten(0, 1)
        loss = functional.cross_entropy(logits, repeated, reduction="sum") / len(labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return left.detach().numpy(), right.detach().numpy()


CHECK: Check[Any, None] = Check(
    prediction=embedding_dynamics,
    observe=observe,
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
