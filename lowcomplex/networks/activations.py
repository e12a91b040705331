"""Activations by name, with their multiplicity: the order of their zero at the origin."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lowcomplex._names import require_known

Activation = Callable[[Tensor], Tensor]


def _xtanh(x: Tensor) -> Tensor:
    return x * torch.tanh(x)


def _x2tanh(x: Tensor) -> Tensor:
    return x * x * torch.tanh(x)


def _linear(x: Tensor) -> Tensor:
    return x


# Name, function, multiplicity (None where the origin is no zero of finite order).
_KNOWN: dict[str, tuple[Activation, int | None]] = {
    "tanh": (torch.tanh, 1),
    "xtanh": (_xtanh, 2),
    "x2tanh": (_x2tanh, 3),
    "linear": (_linear, 1),
    "relu": (torch.relu, None),
    "sigmoid": (torch.sigmoid, None),
}


def activation(name: str) -> Activation:
    """The activation of that name: tanh, xtanh (x tanh x), x2tanh (x² tanh x), linear, relu, sigmoid.

    Raises:
        ValueError: An unknown name.
    """
    return _look_up(name)[0]


def multiplicity(name: str) -> int | None:
    """Order of the activation's zero at the origin; None for relu (a kink) and sigmoid (no zero).

    Raises:
        ValueError: An unknown name.

    Example:
        >>> multiplicity("xtanh")
        2
    """
    return _look_up(name)[1]


def _look_up(name: str) -> tuple[Activation, int | None]:
    require_known("activation", name, _KNOWN)
    return _KNOWN[name]
