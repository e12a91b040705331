"""Regression of one output: data whose linear part is not small, and the loss of a batch of networks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.training.starts import Outputs
from lowcomplex.training.until import Parameters, PerRun

Array = NDArray[np.float64]


def noisy_tanh(rng: np.random.Generator, samples: int, inputs: int) -> tuple[Array, Array]:
    """Gaussian inputs (n, d), and targets (n,): a tanh of one direction, with noise of 0.3.

    Its linear part keeps v = (1/n) Σ y_i x_i from being small beside the noise of so few samples.
    """
    x = rng.standard_normal((samples, inputs))
    return x, np.tanh(x @ rng.standard_normal(inputs)) + 0.3 * rng.standard_normal(samples)


def half_mean_square(output: Outputs, inputs: Array, targets: Array) -> PerRun:
    """The loss (1/2n) Σ (f - y)² of each network of a batch; outputs are (runs, n, 1)."""
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)

    def loss(parameters: Parameters) -> Tensor:
        return (output(parameters, x).squeeze(-1) - y).square().mean(-1) / 2

    return loss
