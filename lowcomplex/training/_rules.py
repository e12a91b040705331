"""Update rules of full-batch training, for parameters of many runs at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor

Tensors = list[Tensor]
RuleName = Literal["gradient", "sign", "adam", "runge-kutta"]
RULES: tuple[RuleName, ...] = ("adam", "gradient", "runge-kutta", "sign")


class Rule(Protocol):
    """Moves parameters once; it may keep what it needs between updates."""

    def __call__(
        self, parameters: Tensors, gradients: Tensors, rates: Tensors, slope: Callable[[Tensors], Tensors]
    ) -> Tensors:
        """One update.

        Args:
            parameters: Where the runs are.
            gradients: The gradients there.
            rates: The learning rate of each parameter, broadcast over it.
            slope: Returns the gradients elsewhere.

        Returns:
            The moved parameters, new tensors.
        """


def rule_named(name: RuleName, betas: tuple[float, float], eps: Tensor) -> Rule:
    """The rule of that name before its first update; `eps` is (*runs) numbers."""
    if name == "adam":
        return _Adam(betas, eps)
    return {"gradient": _gradient, "sign": _sign, "runge-kutta": _runge_kutta}[name]


def _gradient(
    parameters: Tensors, gradients: Tensors, rates: Tensors, slope: Callable[[Tensors], Tensors]
) -> Tensors:
    return [p - rate * g for p, g, rate in zip(parameters, gradients, rates, strict=True)]


def _sign(
    parameters: Tensors, gradients: Tensors, rates: Tensors, slope: Callable[[Tensors], Tensors]
) -> Tensors:
    return [p - rate * g.sign() for p, g, rate in zip(parameters, gradients, rates, strict=True)]


def _runge_kutta(
    parameters: Tensors, gradients: Tensors, rates: Tensors, slope: Callable[[Tensors], Tensors]
) -> Tensors:
    """The classical scheme of order four for the flow, with the rate as its time step."""

    def moved(share: float, along: Tensors) -> Tensors:
        return [p - share * rate * g for p, g, rate in zip(parameters, along, rates, strict=True)]

    second = slope(moved(0.5, gradients))
    third = slope(moved(0.5, second))
    fourth = slope(moved(1.0, third))
    return [
        p - rate / 6 * (a + 2 * (b + c) + d)
        for p, rate, a, b, c, d in zip(parameters, rates, gradients, second, third, fourth, strict=True)
    ]


class _Adam:
    """Adam with bias correction (Kingma & Ba, ICLR 2015, Algorithm 1), as `torch.optim.Adam`."""

    def __init__(self, betas: tuple[float, float], eps: Tensor) -> None:
        self.betas, self.eps = betas, eps
        self.updates = 0
        self.first: Tensors = []
        self.second: Tensors = []

    def __call__(
        self, parameters: Tensors, gradients: Tensors, rates: Tensors, slope: Callable[[Tensors], Tensors]
    ) -> Tensors:
        b1, b2 = self.betas
        first = self.first or [torch.zeros_like(p) for p in parameters]
        second = self.second or [torch.zeros_like(p) for p in parameters]
        self.updates += 1
        self.first = [b1 * m + (1 - b1) * g for m, g in zip(first, gradients, strict=True)]
        self.second = [b2 * v + (1 - b2) * g.square() for v, g in zip(second, gradients, strict=True)]
        along, size = 1 - b1**self.updates, (1 - b2**self.updates) ** 0.5
        return [
            p - rate / along * m / (v.sqrt() / size + over(self.eps, p))
            for p, rate, m, v in zip(parameters, rates, self.first, self.second, strict=True)
        ]


def over(runs: Tensor, like: Tensor) -> Tensor:
    """(*runs) numbers, to be broadcast over a parameter (*runs, ...)."""
    return runs.reshape(runs.shape + (1,) * (like.ndim - runs.ndim))
