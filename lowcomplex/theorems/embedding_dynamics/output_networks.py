"""Networks with many outputs: training until they leave their plateau, and what is compared there."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.measures import effective_rank
from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics, top_space
from lowcomplex.theorems.embedding_dynamics.laws import LAW, Law
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.embedding_models import mean_cross_entropy
from lowcomplex.theorems.observations.feedback import entropy_spread, neglected_feedback
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.training import LossShare, descend, one_draw, stack

Array = NDArray[np.float64]
Loss = Literal["cross-entropy", "square"]

_SAMPLES, _INPUTS, _CLASSES, _NEURONS, _STEP = 60, 8, 5, 60, 0.1
# A network has escaped when its loss fell by this share; the outputs' feedback is then of the same order.
# Where the law holds, growth by 1.1^250 has long ended the plateau; where not, the end shows it.
_ESCAPE, _MOST_STEPS = 1e-3, 250
# S_2/S_1: below, s_2 of W comes down to what tanh's cubic term leaves; above, s_2 hardly falls.
_RATIOS = (0.4, 0.8)


class Escaped(NamedTuple):
    """Networks f = A s(Wx) of several scales, each at its escape or after the last step.

    Attributes:
        loss: The loss they were trained on.
        symmetric: Whether the classes are symmetric.
        inputs: (n, d).
        labels: (n,).
        draws: Number of data sets drawn until one satisfied the hypotheses.
        sigmas: (S,) scales, decreasing.
        output_normals: (C, m) the numbers whose multiples all A started at.
        input_normals: (m, d) those of W.
        step: Learning rate.
        times: (S,) times of the escapes.
        weights: (S, m, d) W there.
    """

    loss: Loss
    symmetric: bool
    inputs: Array
    labels: NDArray[np.int_]
    draws: int
    sigmas: tuple[float, ...]
    output_normals: Array
    input_normals: Array
    step: float
    times: Array
    weights: Array


def train_to_escape(
    seed: int, loss: Loss, symmetric: bool, sigmas: tuple[float, ...], activation: str
) -> Escaped:
    """Train networks of every σ until they escape."""
    x, labels, draws = _symmetric_data() if symmetric else _draw_data(np.random.default_rng([seed, 3]))
    targets = centered_one_hot(labels, _CLASSES)
    step = _STEP / float(np.linalg.norm(driving_matrix(x, targets), 2))
    network = TwoLayer(x.shape[1], _NEURONS, _CLASSES, activation=activation, bias=False)
    start, output = stack(one_draw(network, sigma=sigmas, seed=seed))
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(targets)

    def square(parameters: dict[str, Tensor]) -> Tensor:
        return (output(parameters, inputs) - wanted).square().sum(-1).mean(-1) / 2

    run = descend(
        square if loss == "square" else mean_cross_entropy(output, inputs, torch.from_numpy(labels)),
        start,
        rate=step,
        steps=_MOST_STEPS,
        until=LossShare(1 - _ESCAPE),
    )
    drawn = drawn_weights(network, seed=seed)
    return Escaped(
        loss,
        symmetric,
        x,
        labels,
        draws,
        sigmas,
        drawn["output_weight"],
        drawn["input_weight"],
        step,
        step * run.end_steps.numpy(),
        run.end["input_weight"].numpy(),
    )


def judge_escape(escaped: Escaped, law: Law) -> list[Comparison]:
    """Compare the singular values of W at the escape, and how they got there."""
    x, sigmas, step, times, w = (
        escaped.inputs,
        escaped.sigmas,
        escaped.step,
        escaped.times,
        escaped.weights,
    )
    drive = driving_matrix(x, centered_one_hot(escaped.labels, _CLASSES))
    values = np.linalg.svd(drive, compute_uv=False)
    scale = np.array(sigmas)[:, None, None]
    a0, w0 = scale * escaped.output_normals, scale * escaped.input_normals
    predicted = law.stage(a0, np.swapaxes(w0, 1, 2), drive, time=times, step=step)
    # Tolerances are those of the true law, whichever law is judged.
    true = embedding_dynamics(a0, np.swapaxes(w0, 1, 2), drive, time=times, step=step)

    classes = "symmetric" if escaped.symmetric else "random"
    name, least = f"{escaped.loss}, {classes} classes", sigmas[-1]
    neglected = neglected_feedback(w0[-1].T, a0[-1], drive.T, x, time=times[-1], step=step, loss=escaped.loss)
    size = float(np.linalg.norm(true.right[-1]))
    neglected *= math.hypot(size, float(np.linalg.norm(true.left[-1]))) / size
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
            draws=escaped.draws,
        )
    ]
    if escaped.symmetric:
        top = law.top(a0[-1], w0[-1].T, drive)
        grown = top_space(a0[-1], w0[-1].T, drive).right * np.exp(
            np.log1p(step * values[0]) * times[-1] / step
        )
        rest = float(np.linalg.norm(true.right[-1] - grown) / size)
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
        expected = np.square(np.linalg.svd(true.right, compute_uv=False))
        others = (expected[:, 1:_CLASSES] @ values[1:]) / (expected[:, 0] * values[0])
        limit = LAW.exponent(drive, step=step)
        path = fit_exponent(
            np.sqrt(expected[:, 0]) / np.array(sigmas), np.sqrt(expected[:, 1] / expected[:, 0])
        )
        leaves = abs(path.slope + limit) + path.interval
        exponent = law.exponent(drive, step=step)
        comparisons += _collapse(name, sigmas, w, exponent, others, leaves, escaped.draws)
    return comparisons


def _collapse(
    name: str,
    sigmas: tuple[float, ...],
    w: Array,
    exponent: float,
    others: Array,
    leaves: float,
    draws: int,
) -> list[Comparison]:
    """Growth of W until its escape, and its collapse to the top singular direction meanwhile."""
    values = np.linalg.svd(w, compute_uv=False)
    growth = values[:, 0] / np.array(sigmas)
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
        fit_exponent(growth, values[:, 1] / values[:, 0]).beside(
            f"exponent of s_2/s_1 of W at the escape in that growth ({name})",
            -exponent,
            tolerance=leaves + 2 * _ESCAPE / math.log(max(sigmas) / min(sigmas)),
            reason="how far the closed form is from a power of the growth, in slope and scatter; and the "
            "outputs' feedback at the escape",
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
