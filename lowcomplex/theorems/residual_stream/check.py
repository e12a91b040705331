"""Does a transformer at small initialization learn its direct path first, and leave all else as it was?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lowcomplex.tasks import AnchorTask
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics
from lowcomplex.theorems.formulas.token_drive import token_drive
from lowcomplex.theorems.observations.feedback import neglected_feedback
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.residual_stream.formula import residual_drive, residual_stream

Array = NDArray[np.float64]

_SEQUENCES, _WIDTH, _HIDDEN, _TIME, _STEP = 100, 16, 32, 3.0, 0.1
# The task's labels end here; its vocabulary is larger.
_VOCABULARY = 110
# PyTorch's default, against which σ is small or large; and one against which every σ is large.
_EPS, _NO_EPS = 1e-5, 1e-30


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-3, 1e-4, 1e-5),
    final_norm_sigmas: tuple[float, ...] | None = (1e-5, 1e-6, 1e-7),
    inner_norms: bool = True,
    output_projection: bool = True,
    adam: bool = False,
) -> tuple[Comparison, ...]:
    """Train transformers of every σ until t = 3/S_1, with and without LayerNorms."""
    batch = AnchorTask().sample(_SEQUENCES, torch.Generator().manual_seed(seed))
    draw = _draw(np.random.default_rng(seed), batch.tokens.shape[1])
    run = _Run(batch.tokens, batch.labels, draw, output_projection, adam)
    comparisons = run.without_norm(sigmas)
    if final_norm_sigmas is not None:
        comparisons += run.with_final_norm(final_norm_sigmas)
    if inner_norms:
        comparisons += run.with_inner_norms()
    return tuple(comparisons)


def _draw(rng: np.random.Generator, length: int) -> dict[str, Array]:
    shapes = {
        "embedding": (_VOCABULARY, _WIDTH),
        "positions": (length, _WIDTH),
        "output": (_VOCABULARY, _WIDTH),
        "query": (_WIDTH, _WIDTH),
        "key": (_WIDTH, _WIDTH),
        "value": (_WIDTH, _WIDTH),
        "projection": (_WIDTH, _WIDTH),
        "up": (_HIDDEN, _WIDTH),
        "down": (_WIDTH, _HIDDEN),
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


class _Run:
    """One data set and one draw of weights, at any scale."""

    def __init__(
        self, tokens: Tensor, labels: Tensor, draw: Mapping[str, Array], output_projection: bool, adam: bool
    ) -> None:
        self.tokens, self.labels, self.draw = tokens, labels, draw
        self.output_projection, self.adam = output_projection, adam
        self.drive = residual_drive(tokens.numpy(), labels.numpy(), _VOCABULARY)
        self.largest = float(np.linalg.norm(self.drive, 2))

    def without_norm(self, sigmas: tuple[float, ...]) -> list[Comparison]:
        error, frozen = self._errors(sigmas, None)
        return [
            Comparison(
                quantity=f"relative error of embeddings, positions and output at σ = {sigmas[0]:g}",
                predicted=0.0,
                measured=float(error[0]),
                tolerance=self._neglected(sigmas[0]),
                reason="bound of the first neglected terms (Duhamel's integral): the softmax's feedback, "
                "attention and the feed-forward layer",
            ),
            _exponent(sigmas, error, "exponent of that error in σ"),
            _exponent(sigmas, frozen, "exponent in σ of the relative change of all that is not read last"),
        ]

    def with_final_norm(self, sigmas: tuple[float, ...]) -> list[Comparison]:
        error, _ = self._errors(sigmas, _EPS)
        return [
            Comparison(
                quantity=f"relative error under a final LayerNorm, ε = {_EPS:g}, at σ = {sigmas[0]:g}",
                predicted=0.0,
                measured=float(error[0]),
                tolerance=self._neglected(sigmas[0], _EPS),
                reason="the same bound, and the LayerNorm's first term, 3/2 of the stream's variance over ε",
            ),
            _exponent(sigmas, error, "exponent of that error in σ"),
        ]

    def with_inner_norms(self) -> list[Comparison]:
        """LayerNorms before attention and feed-forward layer: of order σ² far below ε, of order σ above."""
        below, _ = self._errors((1e-5, 1e-6, 1e-7), None, _EPS)
        above, _ = self._errors((1e-4, 1e-5, 1e-6), None, _NO_EPS)
        name = "exponent of the error in σ with LayerNorms before the branches"
        return [
            _exponent((1e-5, 1e-6, 1e-7), below, f"{name}, ε = {_EPS:g}"),
            _exponent((1e-4, 1e-5, 1e-6), above, f"{name}, ε → 0", 1.0),
        ]

    def _errors(
        self, sigmas: tuple[float, ...], eps: float | None, inner_eps: float | None = None
    ) -> tuple[Array, Array]:
        """Relative error of what is predicted to move, and relative change of what is predicted not to."""
        scale = np.array(sigmas)[:, None, None]
        start = {name: scale * normal for name, normal in self.draw.items()}
        step = _STEP / self.largest * (1.0 if eps is None else math.sqrt(eps))
        steps = round(_TIME / _STEP)
        end = self._train(start, step, steps, eps, inner_eps)
        predicted = residual_stream(
            start["embedding"],
            start["positions"],
            start["output"],
            self.drive,
            time=step * steps,
            step=step,
            final_norm_eps=eps,
        )
        moving = [end[name] for name in ("embedding", "positions", "output")]
        error = _norm([a - b for a, b in zip(moving, predicted, strict=True)]) / _norm(list(predicted))
        read_last = np.abs(self.drive).sum(1) > 0
        rows = np.split(~read_last, [_VOCABULARY])
        still = [(name, ~np.zeros(len(normal), dtype=bool)) for name, normal in self.draw.items()]
        still = [pair for pair in still if pair[0] not in ("embedding", "positions", "output")]
        still += list(zip(("embedding", "positions"), rows, strict=True))
        change = _norm([(end[name] - start[name])[:, chosen] for name, chosen in still])
        return error, change / _norm([start[name][:, chosen] for name, chosen in still])

    def _neglected(self, sigma: float, eps: float | None = None) -> float:
        """Bound on the relative error, of second order in σ, from the start alone."""
        tokens = self.tokens.numpy()
        spectral = {name: sigma * float(np.linalg.norm(normal, 2)) for name, normal in self.draw.items()}
        # At a small start attention is uniform, so it reads the mean over positions.
        everywhere = token_drive(tokens, self.labels.numpy(), _VOCABULARY)
        marginal = self.drive[-1] / tokens.shape[1]
        attended = np.vstack((everywhere, np.broadcast_to(marginal, (tokens.shape[1], _VOCABULARY))))
        branches = spectral["value"] * spectral["projection"] * float(np.linalg.norm(attended, 2))
        branches += spectral["up"] * spectral["down"] * self.largest
        inputs = np.zeros((len(tokens), len(self.drive)))
        inputs[np.arange(len(tokens)), tokens[:, -1]] = 1
        inputs[:, -1] = 1
        stacked = sigma * np.vstack((self.draw["embedding"], self.draw["positions"]))
        output, root = sigma * self.draw["output"], 1.0
        time, step = _TIME / self.largest, _STEP / self.largest
        if eps is not None:
            root = math.sqrt(eps)
            end = embedding_dynamics(stacked, output, self.drive, time=time, step=step)
            branches += 1.5 * float((inputs @ end.left).var(1).max()) / eps * self.largest
        return neglected_feedback(
            stacked,
            output,
            self.drive / root,
            inputs / root,
            time=time * root,
            step=step * root,
            constant=branches / root,
        )

    def _train(
        self,
        start: Mapping[str, Array],
        step: float,
        steps: int,
        eps: float | None,
        inner_eps: float | None,
    ) -> dict[str, Array]:
        """Full-batch training of one transformer for each σ, all at once."""
        weights = {name: torch.from_numpy(value.copy()).requires_grad_() for name, value in start.items()}
        labels = self.labels.repeat(len(start["output"]))
        optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(weights.values(), lr=1e-3)
            if self.adam
            else torch.optim.SGD(weights.values(), lr=step)
        )
        for _ in range(steps):
            optimizer.zero_grad()
            logits = self._logits(weights, eps, inner_eps).flatten(0, 1)
            loss = functional.cross_entropy(logits, labels, reduction="sum") / len(self.labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return {name: weight.detach().numpy() for name, weight in weights.items()}

    def _logits(self, weights: Mapping[str, Tensor], eps: float | None, inner_eps: float | None) -> Tensor:
        """Logits at the last position, (σ, n, V), which sees all positions."""
        x = weights["embedding"][:, self.tokens] + weights["positions"][:, None]
        seen = _layer_norm(x, inner_eps)
        query = seen[:, :, -1] @ weights["query"].mT
        scores = (seen @ weights["key"].mT[:, None] @ query[..., None]).squeeze(-1) / math.sqrt(_WIDTH)
        attended = (scores.softmax(-1)[..., None] * seen).sum(2) @ weights["value"].mT
        if self.output_projection:
            attended = attended @ weights["projection"].mT
        stream = x[:, :, -1] + attended
        stream = stream + torch.tanh(_layer_norm(stream, inner_eps) @ weights["up"].mT) @ weights["down"].mT
        return _layer_norm(stream, eps) @ weights["output"].mT


def _layer_norm(x: Tensor, eps: float | None) -> Tensor:
    return x if eps is None else functional.layer_norm(x, (_WIDTH,), eps=eps)


def _norm(parts: list[Array]) -> Array:
    """Norm of several arrays together, for each σ; infinite where a control diverged."""
    with np.errstate(over="ignore"):
        size: Array = np.sqrt(sum(np.square(part).sum((1, 2)) for part in parts))
    return size


def _exponent(sigmas: tuple[float, ...], error: Array, quantity: str, predicted: float = 2.0) -> Comparison:
    slope, interval = fit_exponent(sigmas, error)
    return Comparison(
        quantity=quantity,
        predicted=predicted,
        measured=slope,
        tolerance=0.02,
        reason="the next term is as small beside the error as the error beside 1: below 0.01, seen over two "
        "decades",
        interval=interval,
    )


_NO_NORMS = {"final_norm_sigmas": None, "inner_norms": False}

CHECK: Check[Any, None] = Check(
    prediction=residual_stream,
    observe=observe,
    controls={
        "large initialization: σ = 0.3, 0.2, 0.1": {"sigmas": (0.3, 0.2, 0.1), **_NO_NORMS},
        "attention with W_V alone: an error of order σ": {"output_projection": False, **_NO_NORMS},
        "a final LayerNorm with σ² above its ε: σ = 0.1, 0.03, 0.01": {
            "final_norm_sigmas": (0.1, 0.03, 0.01),
            "inner_norms": False,
        },
        "Adam instead of gradient descent": {"adam": True, **_NO_NORMS},
    },
)
