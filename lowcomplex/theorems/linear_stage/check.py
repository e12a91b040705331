"""Does a network at small initialization follow its linear stage, neuron by neuron?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.linear_stage.formula import LinearStage, driving_vector, linear_stage
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import log_slope, relative_error
from lowcomplex.theorems.observations.regression import half_mean_square, noisy_tanh
from lowcomplex.training import descend, one_draw, stack

Array = NDArray[np.float64]

_SAMPLES, _INPUTS, _NEURONS, _STEP, _TIME = 40, 5, 200, 0.05, 4.0


class Law(NamedTuple):
    """The formulas that the check holds against training."""

    driving_vector: Callable[[ArrayLike, ArrayLike], Array] = driving_vector
    stage: Callable[..., LinearStage] = linear_stage.evaluate


class Observation(NamedTuple):
    """One draw trained from several scales.

    Attributes:
        inputs: (n, d).
        targets: (n,).
        sigmas: The scales σ of the start, largest first.
        start: Standard normal w (m, d) and a (m,) behind every start.
        end: w (scales, m, d) and a (scales, m) after the last update.
        steps: Number of updates.
    """

    inputs: Array
    targets: Array
    sigmas: tuple[float, ...]
    start: tuple[Array, Array]
    end: tuple[Array, Array]
    steps: int


def observe(
    seed: int, *, sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7), activation: str = "tanh", adam: bool = False
) -> Observation:
    """Train by full-batch gradient descent until t = 4/λ."""
    rng = np.random.default_rng(seed)
    x, y = noisy_tanh(rng, _SAMPLES, _INPUTS)
    steps = round(_TIME / float(np.linalg.norm(driving_vector(x, y))) / _STEP)
    network = TwoLayer(_INPUTS, _NEURONS, activation=activation, bias=False)
    end = _train(x, y, one_draw(network, sigma=sigmas, seed=seed), steps, adam)
    drawn = drawn_weights(network, seed=seed)
    return Observation(x, y, sigmas, (drawn["input_weight"], drawn["output_weight"][0]), end, steps)


def judge(observed: Observation, law: Law) -> tuple[Comparison, ...]:
    """Compare all weights with the closed form, and how its error falls with σ."""
    v = law.driving_vector(observed.inputs, observed.targets)
    rate = float(np.linalg.norm(v))
    # The start that σ states, not the network's: a network elsewhere shows as an error.
    scale = np.array(observed.sigmas)[:, None]
    w0, a0 = scale[..., None] * observed.start[0], scale * observed.start[1]
    predicted = law.stage(w0, a0, v, step=_STEP, steps=observed.steps)
    w, a = observed.end
    error = relative_error((w, a[..., None]), (predicted.input_weight, predicted.output_weight[..., None]))
    largest = observed.sigmas[0]
    # Neurons grow to P v̂/2 with P² of mean 2σ² e^(2λt), so the output is S v̂·x with S = m σ² e^(2λt)/2. It
    # replaces v by v - S C v̂, and for inputs of variance 1 the growth falls short by ∫ S dt = S/(2λ).
    neglected = _NEURONS * largest**2 * np.exp(2 * rate * _STEP * observed.steps) / (4 * rate)
    return (
        Comparison(
            quantity=f"relative error of all weights at σ = {largest:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=2 * neglected,
            reason="twice the first neglected term, the output's feedback m σ² e^(2λt) / (4λ)",
        ),
        Comparison(
            quantity="exponent of that error in σ",
            predicted=2.0,
            measured=log_slope(observed.sigmas, error),
            tolerance=0.02,
            reason="the next term is of relative order σ², below 1e-5 here; rounding stays below 1e-7",
        ),
    )


def _train(x: Array, y: Array, networks: Sequence[nn.Module], steps: int, adam: bool) -> tuple[Array, Array]:
    """Train all σ as one batch, by gradient descent or by Adam with its usual constants."""
    start, output = stack(networks)
    loss = half_mean_square(output, x, y)
    run = descend(loss, start, rate=1e-3 if adam else _STEP, steps=steps, rule="adam" if adam else "gradient")
    return run.parameters["input_weight"].numpy(), run.parameters["output_weight"].squeeze(1).numpy()


def _too_fast(*start: ArrayLike, step: float, steps: ArrayLike) -> LinearStage:
    return linear_stage(*start, step=1.0001 * step, steps=steps)


def _flow(*start: ArrayLike, step: float, steps: ArrayLike) -> LinearStage:
    return linear_stage(*start, step=step / 1000, steps=1000 * np.asarray(steps))


def _without_the_shrinking_part(
    input_weight: Array, output_weight: Array, v: Array, *, step: float, steps: ArrayLike
) -> LinearStage:
    direction = v / np.linalg.norm(v)
    along = input_weight @ direction
    half = (output_weight + along) / 2
    start = input_weight + (half - along)[..., None] * direction
    return linear_stage(start, half, v, step=step, steps=steps)


CHECK = Check(
    prediction=linear_stage,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "v 10 % too long": Law(driving_vector=scaled(driving_vector, 1.1)),
        "v of the other sign": Law(driving_vector=scaled(driving_vector, -1.0)),
        "growth 0.01 % too fast": Law(stage=_too_fast),
        "gradient flow instead of steps": Law(stage=_flow),
        "without the part that shrinks": Law(stage=_without_the_shrinking_part),
    },
    controls={
        "large initialization: σ = 0.1, 0.03, 0.01": {"sigmas": (0.1, 0.03, 0.01)},
        "sigmoid, s(0) = 1/2": {"activation": "sigmoid"},
        "ReLU, no derivative at 0": {"activation": "relu"},
        "Adam instead of gradient descent": {"adam": True},
    },
)
