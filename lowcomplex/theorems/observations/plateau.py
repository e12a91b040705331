"""Gradient flow of small starts until each has left its plateau, every network on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.training import Flow, LossShare, gradient_flow

Parameters = dict[str, Tensor]


def leave_plateau(
    loss: Callable[[Parameters], Tensor],
    start: Parameters,
    scales: NDArray[np.float64],
    *,
    degree: int,
    share: float,
) -> Flow:
    """Follow the flow of each network until its loss has fallen by a share.

    The clocks run by ds = |θ|^(q-1) dt. The plateau of a flow homogeneous of degree q lasts for a time
    proportional to σ^(1-q); on these clocks it takes a logarithm of σ.

    Args:
        loss: Parameters → (networks,) losses.
        start: Initial parameters, each (networks, ...).
        scales: (networks,) scales σ of the starts, which the solver's absolute tolerance follows.
        degree: The degree q.
        share: The share of the initial loss.

    Returns:
        The flow; its `end_times` are the times of escape.

    Raises:
        ArithmeticError: A network never loses that much.
    """
    sizes = torch.from_numpy(scales)

    def speed(parameters: Parameters) -> Tensor:
        total = sum(value.flatten(1).square().sum(1) for value in parameters.values())
        return torch.as_tensor(total) ** ((degree - 1) / 2)

    flow = gradient_flow(
        loss,
        start,
        [0.0, 1e9],
        until=LossShare(1 - share),
        speed=speed,
        atol={name: 1e-13 * sizes.reshape(-1, *(1,) * (value.ndim - 1)) for name, value in start.items()},
    )
    if not bool(flow.reached.all()):
        raise ArithmeticError(f"the loss never fell by {share:g} on a plateau of degree {degree}")
    return flow
