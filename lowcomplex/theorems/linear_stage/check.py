"""Does a network at small initialization follow its linear stage, neuron by neuron?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.linear_stage.formula import driving_vector, linear_stage
from lowcomplex.theorems.observations.fits import log_slope
from lowcomplex.training import descend, normals, one_draw, stack

_SAMPLES, _INPUTS, _NEURONS, _STEP, _TIME = 40, 5, 200, 0.05, 4.0


def observe(
    seed: int, *, sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7), activation: str = "tanh", adam: bool = False
) -> tuple[Comparison, ...]:
    """Train by full-batch gradient descent until t = 4/λ and compare all weights with the closed form."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS))
    # A target with a linear part, so that v is not small beside the noise of 40 samples.
    y = np.tanh(x @ rng.standard_normal(_INPUTS)) + 0.3 * rng.standard_normal(_SAMPLES)
    v = driving_vector(x, y)
    rate = float(np.linalg.norm(v))
    steps = round(_TIME / rate / _STEP)
    network = TwoLayer(_INPUTS, _NEURONS, activation=activation, bias=False)
    w, a = _train(x, y, one_draw(network, sigma=sigmas, seed=seed), steps, adam)
    # The prediction's own start, so that it is the network that has to be where σ says.
    drawn = {name: value.numpy() for name, value in normals(network, seed=seed).items()}
    scale = np.array(sigmas)[:, None]
    w0, a0 = scale[..., None] * drawn["input_weight"], scale * drawn["output_weight"][0]
    predicted = linear_stage(w0, a0, v, step=_STEP, steps=steps)
    difference = np.square(w - predicted.input_weight).sum((1, 2)) + np.square(
        a - predicted.output_weight
    ).sum(1)
    size = np.square(predicted.input_weight).sum((1, 2)) + np.square(predicted.output_weight).sum(1)
    error = np.sqrt(difference / size)
    neglected = _NEURONS * sigmas[0] ** 2 * np.exp(2 * rate * _STEP * steps) / (4 * rate)
    return (
        Comparison(
            quantity=f"relative error of all weights at σ = {sigmas[0]:g}",
            predicted=0.0,
            measured=float(error[0]),
            tolerance=2 * neglected,
            reason="twice the first neglected term, the output's feedback m σ² e^(2λt) / (4λ)",
        ),
        Comparison(
            quantity="exponent of that error in σ",
            predicted=2.0,
            measured=log_slope(sigmas, error),
            tolerance=0.02,
            reason="the next term is of relative order σ², below 1e-5 here; rounding stays below 1e-7",
        ),
    )


def _train(
    x: np.ndarray, y: np.ndarray, networks: Sequence[nn.Module], steps: int, adam: bool
) -> tuple[np.ndarray, np.ndarray]:
    """All σ as one batch; Adam with its usual constants where asked for."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    start, output = stack(networks)

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return (output(parameters, inputs).squeeze(-1) - targets).square().mean(-1) / 2

    run = descend(loss, start, rate=1e-3 if adam else _STEP, steps=steps, rule="adam" if adam else "gradient")
    return run.parameters["input_weight"].numpy(), run.parameters["output_weight"].squeeze(1).numpy()


CHECK: Check[Any, None] = Check(
    prediction=linear_stage,
    observe=observe,
    controls={
        "large initialization: σ = 0.1, 0.03, 0.01": {"sigmas": (0.1, 0.03, 0.01)},
        "sigmoid, s(0) = 1/2": {"activation": "sigmoid"},
        "ReLU, no derivative at 0": {"activation": "relu"},
        "Adam instead of gradient descent": {"adam": True},
    },
)
