"""Networks with many outputs at the moment when they leave their plateau."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lowcomplex.measures import effective_rank
from lowcomplex.networks import activation as activation_named
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.embedding_dynamics.formula import collapse_exponent, embedding_dynamics, top_space
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix
from lowcomplex.theorems.observations.feedback import entropy_spread, neglected_feedback
from lowcomplex.theorems.observations.fits import fit_exponent

Array = NDArray[np.float64]
Loss = Literal["cross-entropy", "square"]

_SAMPLES, _INPUTS, _CLASSES, _NEURONS, _STEP = 60, 8, 5, 60, 0.1
# A network has escaped when its loss fell by this share; the outputs' feedback is then of the same order.
_ESCAPE, _MOST_STEPS = 1e-3, 250
# S_2/S_1: below, s_2 of W comes down to what tanh's cubic term leaves; above, s_2 hardly falls.
_RATIOS = (0.4, 0.8)


def escape(
    seed: int, loss: Loss, symmetric: bool, sigmas: tuple[float, ...], activation: str
) -> list[Comparison]:
    """Train networks of every σ until they escape, and look at the singular values of W there."""
    x, labels, draws = _symmetric_data() if symmetric else _draw_data(np.random.default_rng([seed, 3]))
    targets = centered_one_hot(labels, _CLASSES)
    drive = driving_matrix(x, targets)
    values = np.linalg.svd(drive, compute_uv=False)
    step = _STEP / values[0]
    rng = np.random.default_rng([seed, 2])
    scale = np.array(sigmas)[:, None, None]
    a0 = scale * rng.standard_normal((_CLASSES, _NEURONS))
    w0 = scale * rng.standard_normal((_NEURONS, x.shape[1]))
    w, times = _until_escape(x, labels, targets, a0, w0, step, loss, activation)
    predicted = embedding_dynamics(a0, np.swapaxes(w0, 1, 2), drive, time=times, step=step)

    name, least = f"{loss}, {'symmetric' if symmetric else 'random'} classes", sigmas[-1]
    neglected = neglected_feedback(w0[-1].T, a0[-1], drive.T, x, time=times[-1], step=step, loss=loss)
    size = float(np.linalg.norm(predicted.right[-1]))
    neglected *= math.hypot(size, float(np.linalg.norm(predicted.left[-1]))) / size
    measured_rank = float(effective_rank(torch.from_numpy(w[-1])))
    expected_rank = float(effective_rank(torch.from_numpy(predicted.right[-1])))
    comparisons = [
        Comparison(
            quantity=f"effective rank of W at the escape, σ = {least:g} ({name})",
            predicted=expected_rank,
            measured=measured_rank,
            tolerance=expected_rank * entropy_spread(neglected, min(w.shape[1:])),
            reason="bound of the outputs' feedback (Duhamel), through the entropy (Fannes); tanh's own cubic "
            f"term is a {_NEURONS}th of it",
            draws=draws,
        )
    ]
    top = top_space(a0[-1], w0[-1].T, drive)
    if symmetric:
        grown = top.right * np.exp(np.log1p(step * values[0]) * times[-1] / step)
        rest = float(np.linalg.norm(predicted.right[-1] - grown) / size)
        limit = float(effective_rank(torch.from_numpy(top.right)))
        comparisons.append(
            Comparison(
                quantity=f"its limit, the rank in the {top.dimension} dimensions of G's top value ({name})",
                predicted=limit,
                measured=measured_rank,
                tolerance=limit * entropy_spread(neglected + rest, min(w.shape[1:])),
                reason="the same bound, and what the rest of the weights still weighs",
            )
        )
    else:
        expected = np.square(np.linalg.svd(predicted.right, compute_uv=False))
        others = (expected[:, 1:_CLASSES] @ values[1:]) / (expected[:, 0] * values[0])
        residue = float((1 + step * values[1]) ** (-2 * times[0] / step))
        early = float(expected[0, 1] / expected[0, 0]) + residue
        comparisons += _collapse(name, sigmas, w, drive, step, others, early, draws)
    return comparisons


def _collapse(
    name: str,
    sigmas: tuple[float, ...],
    w: Array,
    drive: Array,
    step: float,
    others: Array,
    early: float,
    draws: int,
) -> list[Comparison]:
    """How much W grew until its escape, and how far it collapsed to the top singular direction meanwhile."""
    values = np.linalg.svd(w, compute_uv=False)
    growth = values[:, 0] / np.array(sigmas)
    slope, interval = fit_exponent(growth, values[:, 1] / values[:, 0])
    offset = np.log(sigmas) - np.log(sigmas).mean()
    # log s_1 at the crossing is late by at most one step, and early by what other modes take from the loss.
    late, early_by = math.log1p(_STEP), np.log1p(others) / 2
    above, below = np.maximum(offset, 0), np.maximum(-offset, 0)
    worst = max(late * above.sum() + below @ early_by, late * below.sum() + above @ early_by)
    return [
        Comparison(
            quantity=f"exponent of the growth s_1/σ until the escape in σ ({name})",
            predicted=-1.0,
            measured=fit_exponent(sigmas, growth).slope,
            tolerance=float(worst / np.square(offset).sum()),
            reason="the escape is known to one step's growth and to the other modes' share of the loss; no "
            "regression's interval, as neither is noise",
            draws=draws,
        ),
        Comparison(
            quantity=f"exponent of s_2/s_1 of W at the escape in that growth ({name})",
            predicted=-collapse_exponent(drive, step=step),
            measured=slope,
            tolerance=(early + 2 * _ESCAPE) / math.log(max(sigmas) / min(sigmas)),
            reason="at the largest σ modes mix by (s_2/s_1)² and e^(-2 S_2 T) of the second is the start",
            interval=interval,
            draws=draws,
        ),
    ]


def _symmetric_data() -> tuple[Array, NDArray[np.int_], int]:
    """One-hot inputs that are their own labels: all of G's singular values but one are equal."""
    labels = np.arange(_SAMPLES) % _CLASSES
    return np.eye(_CLASSES)[labels], labels, 1


def _draw_data(rng: np.random.Generator) -> tuple[Array, NDArray[np.int_], int]:
    """Noisy linear classes whose G has a gap that is neither closed nor wide, and the draws it took."""
    for draw in range(1, 200):
        x = rng.standard_normal((_SAMPLES, _INPUTS))
        scores = x @ rng.standard_normal((_INPUTS, _CLASSES)) + 0.5 * rng.standard_normal(
            (_SAMPLES, _CLASSES)
        )
        labels = scores.argmax(1)
        values = np.linalg.svd(driving_matrix(x, centered_one_hot(labels, _CLASSES)), compute_uv=False)
        if _RATIOS[0] <= values[1] / values[0] <= _RATIOS[1]:
            return x, labels, draw
    raise ArithmeticError("no data with a gap in G in 200 draws")


def _until_escape(
    x: Array,
    labels: NDArray[np.int_],
    targets: Array,
    a0: Array,
    w0: Array,
    step: float,
    loss: Loss,
    activation: str,
) -> tuple[Array, Array]:
    """W of every network at its own escape, or where it stands after the last step, and the times."""
    s = activation_named(activation)
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(targets)
    repeated = torch.from_numpy(labels).repeat(len(a0))
    a, w = (torch.from_numpy(start.copy()).requires_grad_() for start in (a0, w0))

    def losses() -> Tensor:
        outputs = s(inputs @ w.mT) @ a.mT
        if loss == "square":
            return (outputs - wanted).square().sum(-1).mean(-1) / 2
        each = functional.cross_entropy(outputs.flatten(0, 1), repeated, reduction="none")
        return each.view(len(a), len(inputs)).mean(-1)

    end, times = w0.copy(), np.full(len(a0), np.nan)
    first: Array | None = None
    for index in range(_MOST_STEPS):
        value = losses()
        now = value.detach().numpy()
        first = now if first is None else first
        for k in np.flatnonzero((now <= (1 - _ESCAPE) * first) & np.isnan(times)):
            end[k], times[k] = w.detach()[k].numpy(), index * step
        if not np.isnan(times).any():
            return end, times
        gradients = torch.autograd.grad(value.sum(), (a, w))
        with torch.no_grad():
            for parameter, gradient in zip((a, w), gradients, strict=True):
                parameter -= step * gradient
    # Where the law holds, growth by 1.1^250 has long ended the plateau; where not, the end shows it.
    late = np.isnan(times)
    end[late], times[late] = w.detach().numpy()[late], _MOST_STEPS * step
    return end, times
