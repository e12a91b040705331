"""Does gradient flow on a diagonal linear network end where its implicit penalty says?"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lowcomplex.checks._check import Check
from lowcomplex.checks._fits import log_slope
from lowcomplex.checks._verdict import Comparison
from lowcomplex.predictions import diagonal_linear, minimum_norm
from lowcomplex.training import gradient_flow

_SAMPLES, _INPUTS = 6, 15
_STOP = 1e-18


def observe(
    seed: int, *, alphas: tuple[float, ...] = (0.03, 0.3, 1.0), unbalanced: float = 0.0
) -> tuple[Comparison, ...]:
    """Integrate the flow of u and v to interpolation and compare β = u² - v² with the prediction."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS)) / np.sqrt(_SAMPLES)
    sparse = np.zeros(_INPUTS)
    sparse[:3] = rng.standard_normal(3)
    y = x @ sparse
    start = 1 + unbalanced * rng.uniform(-1, 1, _INPUTS)
    errors = []
    for alpha in alphas:
        predicted = diagonal_linear(x, y, alpha=alpha)
        errors.append(
            float(np.linalg.norm(_flow(x, y, alpha, start) - predicted) / np.linalg.norm(predicted))
        )
    large = (3.0, 6.0)
    nearest = minimum_norm(x, y)
    distances = [np.linalg.norm(_flow(x, y, alpha, start) - nearest) for alpha in large]
    conditioning = float(np.linalg.cond(x))
    return (
        Comparison(
            quantity=f"largest relative error of β over α = {', '.join(f'{alpha:g}' for alpha in alphas)}",
            predicted=0.0,
            measured=max(errors),
            tolerance=1e3 * conditioning * np.sqrt(_STOP),
            reason="residual 1e-9 at the stop, times the conditioning of X and of the penalty's Hessian",
        ),
        Comparison(
            quantity="exponent in α of the distance to the least-norm solution",
            predicted=-4.0,
            measured=log_slope(large, distances),
            tolerance=0.1,
            reason="the next term is of relative order α^-4, 1.2 % at α = 3, times |β|²",
        ),
    )


def _flow(x: np.ndarray, y: np.ndarray, alpha: float, start: np.ndarray) -> np.ndarray:
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        beta = parameters["u"].square() - parameters["v"].square()
        return (inputs @ beta - targets).square().sum() / 2

    initial = torch.full((_INPUTS,), alpha, dtype=torch.float64)
    flow = gradient_flow(
        loss,
        {"u": initial * torch.from_numpy(start), "v": initial},
        [0.0, 1e6],
        stop_loss_ratio=_STOP,
        rtol=1e-11,
        atol=1e-14,
        method="LSODA",
    )
    beta = flow.parameters["u"][-1].square() - flow.parameters["v"][-1].square()
    return beta.numpy()


CHECK = Check(
    prediction=diagonal_linear,
    observe=observe,
    controls={"unbalanced start: u = α (1 ± 0.5), v = α": {"unbalanced": 0.5}},
)
