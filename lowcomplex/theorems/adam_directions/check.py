"""Do neurons follow sign(v) under Adam, and does the loss leave its plateau at a time free of σ?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.adam_directions.formula import (
    AdamDirections,
    adam_amplitude,
    adam_directions,
    adam_escape_steps,
)
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import crossing, log_slope, relative_error
from lowcomplex.theorems.observations.regression import half_mean_square, noisy_tanh
from lowcomplex.training import Descent, descend, one_draw, stack

_SAMPLES, _INPUTS, _NEURONS, _STEPS = 40, 5, 100, 80
# The loss has escaped once it fell by this share; η is such that this takes about _STEPS steps.
_DROP = 1e-3
# Starts σ/η of the networks that are trained until the escape.
_STARTS = (0.1, 1.0, 10.0)
# Every entry of v is at least this share of the largest one.
_LEAST_ENTRY = 0.1

Array = NDArray[np.float64]


class Trained(NamedTuple):
    """Networks of several scales under Adam, with η = σ, and until the loss has escaped, with one η.

    Attributes:
        inputs: (n, d).
        targets: (n,).
        draws: Number of data sets drawn until one satisfied the hypotheses.
        input_normals: (m, d) the numbers whose multiples all w start at.
        output_normals: (m,) those of a.
        sigmas: (S,) scales.
        input_weight: (S, m, d) w after the steps.
        output_weight: (S, m) a after the steps.
        step: η of the networks that escape.
        losses: (T, 3) their losses after each step.
    """

    inputs: Array
    targets: Array
    draws: int
    input_normals: Array
    output_normals: Array
    sigmas: tuple[float, ...]
    input_weight: Array
    output_weight: Array
    step: float
    losses: Array


class Law(NamedTuple):
    """Adam's early stage.

    Attributes:
        weights: After a number of steps.
        escape: Steps until the loss has fallen by a drop.
    """

    weights: Callable[..., AdamDirections]
    escape: Callable[..., float]


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7),
    activation: str = "tanh",
    adam: bool = True,
    epsilon: float = 0.0,
) -> Trained:
    """Train by Adam with η = σ; then with a larger η until the loss has fallen.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales of all weights, and learning rates, decreasing.
        activation: The neurons' activation.
        adam: Whether Adam trains; else gradient descent.
        epsilon: Adam's ε over the learning rate.
    """
    x, y, v, draws = _draw_data(np.random.default_rng(seed))
    network = TwoLayer(_INPUTS, _NEURONS, activation=activation, bias=False)
    drop = _DROP * float(np.square(y).mean() / 2)
    # Such that the escape takes about _STEPS steps; not what is compared.
    step = float(np.sqrt(drop / (_NEURONS * np.abs(v).sum())) / adam_amplitude(_STEPS)[-1])

    def run(scales: tuple[float, ...], rates: tuple[float, ...], steps: int) -> Descent:
        start, output = stack(one_draw(network, sigma=scales, seed=seed))
        loss = half_mean_square(output, x, y)
        rate = torch.tensor(rates, dtype=torch.float64)
        if adam:
            return descend(loss, start, rate=rate, steps=steps, rule="adam", eps=epsilon * rate)
        return descend(loss, start, rate=0.05, steps=steps)

    early = run(sigmas, sigmas, _STEPS).parameters
    late = run(tuple(ratio * step for ratio in _STARTS), (step,) * len(_STARTS), 3 * _STEPS // 2)
    drawn = drawn_weights(network, seed=seed)
    return Trained(
        x,
        y,
        draws,
        drawn["input_weight"],
        drawn["output_weight"][0],
        sigmas,
        early["input_weight"].numpy(),
        early["output_weight"].squeeze(1).numpy(),
        step,
        late.losses.numpy(),
    )


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare all weights after the steps, and the step of the escape."""
    x, v, sigmas = observed.inputs, driving_vector(observed.inputs, observed.targets), observed.sigmas
    scale = np.array(sigmas)[:, None]
    predicted = law.weights(
        scale[..., None] * observed.input_normals,
        scale * observed.output_normals,
        v,
        step=scale,
        steps=_STEPS,
    )
    error = relative_error(
        (observed.input_weight, observed.output_weight[..., None]),
        (predicted.input_weight, predicted.output_weight[..., None]),
    )
    # The output grows to S sign(v)·x and takes S C sign(v) from v, with C = (1/n) Σ x_i x_iᵀ.
    pulled = float(np.abs(x.T @ (x @ np.sign(v)) / _SAMPLES / v).max())
    amplitude = float(adam_amplitude(_STEPS)[-1])
    neglected = _NEURONS * (sigmas[0] * amplitude) ** 2 * pulled
    return (
        Comparison(
            quantity=f"relative error of all weights at σ = η = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=neglected,
            reason="m (η q)² max_j |(C sign v)_j / v_j|, the largest relative change of a gradient by the "
            "output's feedback; an update, which divides by past gradients, changes by less",
            draws=observed.draws,
        ),
        Comparison(
            quantity="exponent of that error in σ at fixed η/σ",
            predicted=2.0,
            measured=log_slope(sigmas, error),
            tolerance=0.02,
            reason="the next term is of relative order m (η q)², below 1e-4 here; rounding stays below 1e-7",
        ),
        *_escape(observed, v, law),
    )


def _escape(observed: Trained, v: Array, law: Law) -> tuple[Comparison, Comparison]:
    """The step of the escape from starts of three scales: the worst, and that of the smallest start."""
    drop = _DROP * float(np.square(observed.targets).mean() / 2)
    norm, step = float(np.abs(v).sum()), observed.step
    predicted = law.escape(v, _NEURONS, drop=drop, step=step)
    measured = np.array([crossing(path[0] - drop - path) for path in observed.losses.T])
    worst = float(measured[np.abs(measured - predicted).argmax()]) if np.isfinite(measured).all() else np.nan
    # The loss's quadratic term at the escape is a share of the drop, and q² grows as t² at most.
    feedback = drop * float(np.square(observed.inputs @ np.sign(v)).mean()) / (2 * norm**2)
    # An update of Adam in units of η, by which starts of σ/η are covered.
    updates = float(np.diff(adam_amplitude(_STEPS))[-1])
    return (
        Comparison(
            quantity=f"steps until the loss fell by a share of {_DROP:g}, worst of σ/η = 0.1, 1, 10",
            predicted=predicted,
            measured=worst,
            tolerance=predicted * feedback + max(_STARTS) / updates,
            reason="the steps of Adam that cover the largest start σ, the only part of T that depends on σ; "
            "and the loss's quadratic term at the escape",
        ),
        Comparison(
            quantity=f"the same steps from the smallest start, σ/η = {_STARTS[0]:g}",
            predicted=predicted,
            measured=float(measured[0]),
            tolerance=predicted * feedback + 3.0,
            reason="half of the neurons start with a and w·v of opposite signs and lose four steps to turn: "
            "two steps in the mean, up to three by chance; and the loss's quadratic term at the escape",
        ),
    )


def _draw_data(rng: np.random.Generator) -> tuple[Array, Array, Array, int]:
    """Data whose v has no entry near zero, and the draws it took."""
    for draw in range(1, 200):
        x, y = noisy_tanh(rng, _SAMPLES, _INPUTS)
        v = driving_vector(x, y)
        if np.abs(v).min() >= _LEAST_ENTRY * np.abs(v).max():
            return x, y, v, draw
    raise ArithmeticError("no data with all entries of v away from zero in 200 draws")


def _other_beta(*start: Array, step: Array, steps: int) -> AdamDirections:
    return adam_directions(*start, step=step, steps=steps, betas=(0.89, 0.999))


def _opposite(w: Array, a: Array, v: Array, *, step: Array, steps: int) -> AdamDirections:
    """Along -sign(v)."""
    return adam_directions(w, a, -v, step=step, steps=steps)


def _uncorrected(w: Array, a: Array, v: Array, *, step: Array, steps: int) -> AdamDirections:
    """Without the bias correction of Adam's mean, which multiplies its update t by 1 - β1^t at first."""
    early = adam_directions(w, a, v, step=step, steps=1)
    true = adam_directions(w, a, v, step=step, steps=steps)
    lost = (early.input_weight - w, early.output_weight - a)
    return true._replace(
        input_weight=true.input_weight - 0.9 * lost[0], output_weight=true.output_weight - 0.9 * lost[1]
    )


def _one_per_step(v: Array, neurons: int, *, drop: float, step: float) -> float:
    return float(np.sqrt(drop / (neurons * np.abs(v).sum())) / step)


def _escape_with_norm(factor: float) -> Callable[..., float]:
    """The escape with a factor on |v|_1."""

    def wrong(v: Array, neurons: int, *, drop: float, step: float) -> float:
        return adam_escape_steps(factor * v, neurons, drop=drop, step=step)

    return wrong


def _escape_with_power(v: Array, neurons: int, *, drop: float, step: float) -> float:
    """(Δ / (m |v|_1))^0.6 in the place of the root."""
    share = drop / (neurons * float(np.abs(v).sum()))
    return adam_escape_steps(v, neurons, drop=drop * share**0.2, step=step)


_LAW = Law(adam_directions.evaluate, adam_escape_steps)

CHECK = Check(
    prediction=adam_directions,
    observe=observe,
    judge=judge,
    law=_LAW,
    mutants={
        "β1 = 0.89": _LAW._replace(weights=_other_beta),
        "along -sign(v)": _LAW._replace(weights=_opposite),
        "first update without bias correction": _LAW._replace(weights=_uncorrected),
        "amplitude of one per step": _LAW._replace(escape=_one_per_step),
        "|v|_1 10 % too large": _LAW._replace(escape=_escape_with_norm(1.1)),
        "|v|_1 30 % too large": _LAW._replace(escape=_escape_with_norm(1.3)),
        "amplitude at the escape to the power 0.6": _LAW._replace(escape=_escape_with_power),
        "escape 10 % too late": _LAW._replace(escape=scaled(adam_escape_steps, 1.1)),
    },
    controls={
        "large initialization, σ not below m^(-1/2): σ = 0.1, 0.03, 0.01": {"sigmas": (0.1, 0.03, 0.01)},
        "gradient descent instead of Adam": {"adam": False},
        "Adam's ε as large as the gradients": {"epsilon": 1.0},
        "sigmoid, s(0) = 1/2": {"activation": "sigmoid"},
    },
)
