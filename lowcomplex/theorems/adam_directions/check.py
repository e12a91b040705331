"""Do neurons follow sign(v) under Adam, and does the loss leave its plateau at a time without σ?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.networks import activation as activation_named
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.adam_directions.formula import adam_amplitude, adam_directions, adam_escape_steps
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.observations.fits import log_slope

_SAMPLES, _INPUTS, _NEURONS, _STEPS = 40, 5, 100, 80
# The loss has escaped once it fell by this share; η is such that this takes about _STEPS steps.
_DROP = 1e-3
# Every entry of v is at least this share of the largest one.
_LEAST_ENTRY = 0.1

Array = NDArray[np.float64]


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7),
    activation: str = "tanh",
    adam: bool = True,
    epsilon: float = 0.0,
) -> tuple[Comparison, ...]:
    """Train by Adam with η = σ and compare all weights; then with a larger η until the loss has fallen."""
    rng = np.random.default_rng(seed)
    x, y, v, draws = _draw_data(rng)
    w0, a0 = rng.standard_normal((_NEURONS, _INPUTS)), rng.standard_normal(_NEURONS)
    scale = np.array(sigmas)[:, None]
    w, a, _ = _train(x, y, scale[..., None] * w0, scale * a0, sigmas, _STEPS, activation, adam, epsilon)
    predicted = adam_directions(scale[..., None] * w0, scale * a0, v, step=scale, steps=_STEPS)
    difference = np.square(w - predicted.input_weight).sum((1, 2)) + np.square(
        a - predicted.output_weight
    ).sum(1)
    size = np.square(predicted.input_weight).sum((1, 2)) + np.square(predicted.output_weight).sum(1)
    error = np.sqrt(difference / size)
    # The output grows to S sign(v)·x and takes S C sign(v) from v, C the inputs' covariance.
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
            "output's feedback; an update that divides by past gradients changes by less",
            draws=draws,
        ),
        Comparison(
            quantity="exponent of that error in σ at fixed η/σ",
            predicted=2.0,
            measured=log_slope(sigmas, error),
            tolerance=0.02,
            reason="the next term is of relative order m (η q)², below 1e-4 here; rounding stays below 1e-7",
        ),
        _escape(x, y, v, w0, a0, activation, adam, epsilon),
    )


def _escape(
    x: Array, y: Array, v: Array, w0: Array, a0: Array, activation: str, adam: bool, epsilon: float
) -> Comparison:
    """The escape step from starts of three scales, of which the worst is reported."""
    drop = _DROP * float(np.square(y).mean() / 2)
    norm = float(np.abs(v).sum())
    step = float(np.sqrt(drop / (_NEURONS * norm)) / adam_amplitude(_STEPS)[-1])
    ratios = np.array([0.1, 1.0, 10.0])[:, None] * step
    _, _, losses = _train(
        x, y, ratios[..., None] * w0, ratios * a0, (step,) * 3, 3 * _STEPS // 2, activation, adam, epsilon
    )
    predicted = adam_escape_steps(v, _NEURONS, drop=drop, step=step)
    measured = np.array([_crossing(path - path[0] + drop) for path in losses.T])
    worst = float(measured[np.abs(measured - predicted).argmax()]) if np.isfinite(measured).all() else np.nan
    sign = np.sign(v)
    feedback = drop * float(np.square(x @ sign).mean()) / (2 * norm**2)
    updates = float(np.diff(adam_amplitude(_STEPS))[-1])
    tolerance = predicted * feedback + ratios.max() / step / updates
    return Comparison(
        quantity=f"steps until the loss fell by {_DROP:g}, worst of σ/η = 0.1, 1, 10",
        predicted=predicted,
        measured=worst,
        tolerance=tolerance,
        reason="the steps of Adam that cover the largest start σ (nothing else in T knows σ), and the loss's "
        "quadratic term at the escape",
    )


def _crossing(excess: Array) -> float:
    """First time at which a path falls through zero, interpolated; NaN if it never does."""
    below = np.flatnonzero(excess <= 0)
    if len(below) == 0 or below[0] == 0:
        return float("nan")
    k = below[0]
    return float(k - 1 + excess[k - 1] / (excess[k - 1] - excess[k]))


def _draw_data(rng: np.random.Generator) -> tuple[Array, Array, Array, int]:
    """Data whose v has no entry near zero, and the draws it took."""
    for draw in range(1, 200):
        x = rng.standard_normal((_SAMPLES, _INPUTS))
        y = np.tanh(x @ rng.standard_normal(_INPUTS)) + 0.3 * rng.standard_normal(_SAMPLES)
        v = driving_vector(x, y)
        if np.abs(v).min() >= _LEAST_ENTRY * np.abs(v).max():
            return x, y, v, draw
    raise ArithmeticError("no data with all entries of v away from zero in 200 draws")


def _train(
    x: Array,
    y: Array,
    w0: Array,
    a0: Array,
    rates: tuple[float, ...],
    steps: int,
    activation: str,
    adam: bool,
    epsilon: float,
) -> tuple[Array, Array, Array]:
    """One network for each rate: weights after the steps, and (steps + 1, networks) losses."""
    s = activation_named(activation)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    # In units of its own learning rate a network trains at rate 1, and all of them train as one.
    scale = torch.tensor(rates, dtype=torch.float64)
    units = [torch.from_numpy(w0) / scale[:, None, None], torch.from_numpy(a0) / scale[:, None]]
    parameters = [unit.clone().requires_grad_() for unit in units]
    optimizer: torch.optim.Optimizer = (
        torch.optim.Adam(parameters, lr=1.0, eps=epsilon) if adam else torch.optim.SGD(parameters, lr=0.05)
    )
    losses = []
    for step in range(steps + 1):
        w, a = parameters[0] * scale[:, None, None], parameters[1] * scale[:, None]
        output = (s(inputs @ w.mT) @ a[..., None]).squeeze(-1)
        loss = (output - targets).square().mean(-1) / 2
        losses.append(loss.detach().numpy())
        if step < steps:
            optimizer.zero_grad()
            # Divided by the rate's square, this is the gradient in units of the rate.
            (loss / scale**2).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    end_w, end_a = (parameter.detach().numpy() for parameter in parameters)
    rate = np.array(rates)[:, None]
    return end_w * rate[..., None], end_a * rate, np.array(losses)


CHECK: Check[Any, None] = Check(
    prediction=adam_directions,
    observe=observe,
    controls={
        "large initialization, σ not below m^(-1/2): σ = 0.1, 0.03, 0.01": {"sigmas": (0.1, 0.03, 0.01)},
        "gradient descent instead of Adam": {"adam": False},
        "Adam's ε as large as the gradients": {"epsilon": 1.0},
        "sigmoid, s(0) = 1/2": {"activation": "sigmoid"},
    },
)
