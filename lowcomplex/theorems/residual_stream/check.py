"""Does a transformer at small initialization learn its direct path first, and leave all else as it was?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.tasks import AnchorTask
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics
from lowcomplex.theorems.formulas.token_drive import token_drive
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.embedding_models import SmallTransformer, mean_cross_entropy
from lowcomplex.theorems.observations.feedback import neglected_feedback
from lowcomplex.theorems.observations.fits import fit_exponent, joint_norm, relative_error
from lowcomplex.theorems.residual_stream.formula import residual_drive, residual_stream
from lowcomplex.theorems.residual_stream.laws import LAW, MUTANTS, Law
from lowcomplex.training import descend, one_draw, stack

Array = NDArray[np.float64]

_SEQUENCES, _WIDTH, _HIDDEN, _TIME, _STEP = 100, 16, 32, 3.0, 0.1
# The task's labels end here; its vocabulary is larger.
_VOCABULARY = 110
# PyTorch's default, against which σ is small or large; and one against which every σ is large.
_EPS, _NO_EPS = 1e-5, 1e-30
_READ = ("embedding", "positions", "output")


class Transformers(NamedTuple):
    """One draw of a transformer at several scales, after t = 3/S_1.

    Attributes:
        sigmas: (S,) scales, decreasing.
        final_eps: ε of a LayerNorm before the output head; None for none.
        inner_eps: ε of LayerNorms before the branches; None for none.
        step: Learning rate.
        weights: Every matrix, (S, ...).
        bound: Bound on the relative error at the largest σ; NaN with LayerNorms before the branches, for
            which none is derived.
    """

    sigmas: tuple[float, ...]
    final_eps: float | None
    inner_eps: float | None
    step: float
    weights: dict[str, Array]
    bound: float


class Trained(NamedTuple):
    """What was trained on one set of sequences.

    Attributes:
        tokens: (n, T).
        labels: (n,).
        draw: The numbers whose multiples all transformers started at.
        plain: Transformers without LayerNorms; None if not trained.
        final: With a final LayerNorm; None if not trained.
        inner: With LayerNorms before the branches: σ far below ε, and far above; empty if not trained.
    """

    tokens: NDArray[np.int_]
    labels: NDArray[np.int_]
    draw: dict[str, Array]
    plain: Transformers | None
    final: Transformers | None
    inner: tuple[Transformers, ...]


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] | None = (1e-3, 1e-4, 1e-5),
    final_norm_sigmas: tuple[float, ...] | None = (1e-5, 1e-6, 1e-7),
    inner_norms: bool = True,
    output_projection: bool = True,
    adam: bool = False,
) -> Trained:
    """Train transformers of every σ until t = 3/S_1, with and without LayerNorms.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales without LayerNorms, decreasing; None to train none.
        final_norm_sigmas: Scales with a final LayerNorm; None to train none.
        inner_norms: Whether transformers with LayerNorms before the branches are trained.
        output_projection: Whether attention has W_O beside W_V.
        adam: Whether Adam trains; else gradient descent.
    """
    batch = AnchorTask().sample(_SEQUENCES, torch.Generator().manual_seed(seed))
    tokens, labels = batch.tokens.numpy(), batch.labels.numpy()
    largest = float(np.linalg.norm(residual_drive(tokens, labels, _VOCABULARY), 2))
    sizes = (_VOCABULARY, tokens.shape[1], _VOCABULARY, _WIDTH, _HIDDEN)
    draw = drawn_weights(SmallTransformer(*sizes, output_projection=output_projection), seed=seed)

    def train(
        scales: tuple[float, ...], final_eps: float | None = None, inner_eps: float | None = None
    ) -> Transformers:
        network = SmallTransformer(
            *sizes, output_projection=output_projection, inner_eps=inner_eps, final_eps=final_eps
        )
        start, _ = stack(one_draw(network, sigma=scales, seed=seed))
        step = _STEP / largest * (1.0 if final_eps is None else math.sqrt(final_eps))
        run = descend(
            mean_cross_entropy(network.logits, batch.tokens, batch.labels),
            start,
            rate=1e-3 if adam else step,
            steps=round(_TIME / _STEP),
            rule="adam" if adam else "gradient",
        )
        weights = {name.removesuffix(".weight"): value.numpy() for name, value in run.parameters.items()}
        bound = math.nan if inner_eps else _neglected(tokens, labels, draw, scales[0], final_eps)
        return Transformers(scales, final_eps, inner_eps, step, weights, bound)

    return Trained(
        tokens,
        labels,
        draw,
        None if sigmas is None else train(sigmas),
        None if final_norm_sigmas is None else train(final_norm_sigmas, final_eps=_EPS),
        (train((1e-5, 1e-6, 1e-7), inner_eps=_EPS), train((1e-4, 1e-5, 1e-6), inner_eps=_NO_EPS))
        if inner_norms
        else (),
    )


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare what is predicted to move, and what is predicted to stay."""
    drive = law.drive(observed.tokens, observed.labels, _VOCABULARY)
    comparisons: list[Comparison] = []
    if (plain := observed.plain) is not None:
        error, frozen = _errors(observed.draw, plain, drive, law)
        comparisons += [
            Comparison(
                quantity=f"relative error of embeddings, positions and output at σ = {plain.sigmas[0]:g}",
                predicted=0.0,
                measured=float(error[0]),
                tolerance=plain.bound,
                reason="bound of the first neglected terms (Duhamel's integral): the softmax's feedback, "
                "attention and the feed-forward layer",
            ),
            _exponent(plain.sigmas, error, "exponent of that error in σ"),
            _exponent(
                plain.sigmas, frozen, "exponent in σ of the relative change of all that is not read last"
            ),
        ]
    if (final := observed.final) is not None:
        error, _ = _errors(observed.draw, final, drive, law)
        comparisons += [
            Comparison(
                quantity=f"relative error under a final LayerNorm, ε = {_EPS:g}, at σ = {final.sigmas[0]:g}",
                predicted=0.0,
                measured=float(error[0]),
                tolerance=final.bound,
                reason="the same bound, and the LayerNorm's first term, 3/2 of the stream's variance over ε",
            ),
            _exponent(final.sigmas, error, "exponent of that error in σ"),
        ]
    # Of order σ² far below ε, of order σ above.
    for inner, size, order in zip(observed.inner, (f"= {_EPS:g}", "→ 0"), (2.0, 1.0), strict=False):
        error, _ = _errors(observed.draw, inner, drive, law)
        name = f"exponent of the error in σ with LayerNorms before the branches, ε {size}"
        comparisons.append(_exponent(inner.sigmas, error, name, order))
    return tuple(comparisons)


def _errors(draw: dict[str, Array], trained: Transformers, drive: Array, law: Law) -> tuple[Array, Array]:
    """Relative error of what is predicted to move, and relative change of what is predicted not to."""
    scale, end = np.array(trained.sigmas)[:, None, None], trained.weights
    start = {name: scale * normal for name, normal in draw.items()}
    predicted = law.stage(
        *(start[name] for name in _READ),
        drive,
        time=trained.step * round(_TIME / _STEP),
        step=trained.step,
        final_norm_eps=trained.final_eps,
    )
    error = relative_error([end[name] for name in _READ], predicted)
    rows = np.split(~(np.abs(drive).sum(1) > 0), [_VOCABULARY])
    still = [(name, np.ones(len(normal), dtype=bool)) for name, normal in draw.items()]
    still = [pair for pair in still if pair[0] not in _READ]
    still += list(zip(("embedding", "positions"), rows, strict=True))
    change = joint_norm([(end[name] - start[name])[:, chosen] for name, chosen in still])
    return error, change / joint_norm([start[name][:, chosen] for name, chosen in still])


def _neglected(
    tokens: NDArray[np.int_],
    labels: NDArray[np.int_],
    draw: dict[str, Array],
    sigma: float,
    eps: float | None,
) -> float:
    """Bound on the relative error, of second order in σ, from the true law and the start alone."""
    drive = residual_drive(tokens, labels, _VOCABULARY)
    largest = float(np.linalg.norm(drive, 2))
    spectral = {name: sigma * float(np.linalg.norm(normal, 2)) for name, normal in draw.items()}
    # At a small start attention is uniform, so it reads the mean over positions.
    everywhere = token_drive(tokens, labels, _VOCABULARY)
    marginal = drive[-1] / tokens.shape[1]
    attended = np.vstack((everywhere, np.broadcast_to(marginal, (tokens.shape[1], _VOCABULARY))))
    # Where W_O is missing, the bound is that of a W_O as large as W_V.
    branches = (
        spectral["value"] * spectral.get("projection", spectral["value"]) * float(np.linalg.norm(attended, 2))
    )
    branches += spectral["up"] * spectral["down"] * largest
    inputs = np.zeros((len(tokens), len(drive)))
    inputs[np.arange(len(tokens)), tokens[:, -1]] = 1
    inputs[:, -1] = 1
    stacked = sigma * np.vstack((draw["embedding"], draw["positions"]))
    output, root = sigma * draw["output"], 1.0
    time, step = _TIME / largest, _STEP / largest
    if eps is not None:
        root = math.sqrt(eps)
        end = embedding_dynamics(stacked, output, drive, time=time, step=step)
        branches += 1.5 * float((inputs @ end.left).var(1).max()) / eps * largest
    return neglected_feedback(
        stacked,
        output,
        drive / root,
        inputs / root,
        time=time * root,
        step=step * root,
        constant=branches / root,
    )


def _exponent(sigmas: tuple[float, ...], error: Array, quantity: str, predicted: float = 2.0) -> Comparison:
    return fit_exponent(sigmas, error).beside(
        quantity,
        predicted,
        tolerance=0.02,
        reason="the next term is as small beside the error as the error beside 1: below 0.01, over two "
        "decades",
    )


_NO_NORMS = {"final_norm_sigmas": None, "inner_norms": False}

CHECK = Check(
    prediction=residual_stream,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants=MUTANTS,
    controls={
        "large initialization: σ = 0.3, 0.2, 0.1": {"sigmas": (0.3, 0.2, 0.1), **_NO_NORMS},
        "attention with W_V alone: an error of order σ": {"output_projection": False, **_NO_NORMS},
        "a final LayerNorm with σ² above its ε: σ = 0.1, 0.03, 0.01": {
            "sigmas": None,
            "final_norm_sigmas": (0.1, 0.03, 0.01),
            "inner_norms": False,
        },
        "Adam instead of gradient descent": {"adam": True, **_NO_NORMS},
    },
)
