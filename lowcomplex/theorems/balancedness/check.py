"""Does p a² - |w|² drift by what the steps break, and by nothing else?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.balancedness.formula import balancedness
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.training import descend

Array = NDArray[np.float64]

_SAMPLES, _INPUTS, _NEURONS, _TIME = 20, 4, 30, 2.0
_PAIRS = (("relu", 1), ("square", 2))
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "square": torch.square,
    "tanh": torch.tanh,
}


def observe(
    seed: int,
    *,
    steps: tuple[float, ...] = (4e-3, 2.5e-3, 2e-3, 1.25e-3, 1e-3),
    pairs: tuple[tuple[str, int], ...] = _PAIRS,
) -> tuple[Comparison, ...]:
    """Train to a fixed time at several steps η and follow every neuron's balance p a² - |w|²."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS))
    y = rng.standard_normal(_SAMPLES)
    w0 = rng.standard_normal((_NEURONS, _INPUTS)) / np.sqrt(_INPUTS)
    a0 = rng.standard_normal(_NEURONS) / np.sqrt(_NEURONS)
    comparisons: list[Comparison] = []
    for activation, degree in pairs:
        # The square's fastest rate grows with the fourth power of the weights: halve them.
        scale = 0.5 if activation == "square" else 1.0
        comparisons += _compare(x, y, scale * w0, scale * a0, steps, activation, degree)
    return tuple(comparisons)


def _compare(
    x: Array, y: Array, w0: Array, a0: Array, steps: tuple[float, ...], activation: str, degree: int
) -> list[Comparison]:
    drifts, errors = [], []
    for step, (w, a, g_w, g_a) in zip(steps, _descend(x, y, w0, a0, steps, activation), strict=True):
        measured = degree * (a**2 - a0**2) - (np.square(w).sum(1) - np.square(w0).sum(1))
        drifts.append(float(np.linalg.norm(measured)))
        errors.append(float(np.abs(measured - balancedness(g_a, g_w, step=step, degree=degree)).max()))
    size = float(np.square(w0).sum(1).max() + degree * np.square(a0).max())
    updates = round(_TIME / steps[-1])
    exponent = fit_exponent(steps, drifts)
    return [
        Comparison(
            quantity=f"largest error of a neuron's drift, {activation}",
            predicted=0.0,
            measured=max(errors),
            tolerance=updates * np.finfo(float).eps * 10 * size,
            reason=f"rounding of {updates} updates of weights whose squares reach {size:.1f}",
        ),
        Comparison(
            quantity=f"exponent of the drift in η, {activation}",
            predicted=1.0,
            measured=exponent.slope,
            tolerance=0.02,
            reason="the path's own change with η is of relative order η times the fastest rate",
            interval=exponent.interval,
        ),
    ]


def _descend(
    x: Array, y: Array, w0: Array, a0: Array, steps: tuple[float, ...], activation: str
) -> list[tuple[Array, Array, Array, Array]]:
    """Gradient descent on (1/2n) Σ (Σ a s(w·x) - y)² at each η: w, a, and the gradients of every update."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    runs = len(steps)
    updates = [round(_TIME / step) for step in steps]

    def loss(p: dict[str, Tensor]) -> Tensor:
        output = (_ACTIVATIONS[activation](inputs @ p["w"].mT) @ p["a"][..., None]).squeeze(-1)
        return (output - targets).square().mean(-1) / 2

    run = descend(
        loss,
        {"w": torch.from_numpy(w0).repeat(runs, 1, 1), "a": torch.from_numpy(a0).repeat(runs, 1)},
        rate=torch.tensor(steps, dtype=torch.float64),
        steps=torch.tensor(updates),
        record={"w": lambda state: state.gradients["w"], "a": lambda state: state.gradients["a"]},
    )
    return [
        (
            run.end["w"][k].numpy(),
            run.end["a"][k].numpy(),
            run.path["w"][:count, k].numpy(),
            run.path["a"][:count, k].numpy(),
        )
        for k, count in enumerate(updates)
    ]


CHECK: Check[Any, None] = Check(
    prediction=balancedness,
    observe=observe,
    controls={
        "tanh, which is not homogeneous": {"pairs": (("tanh", 1),)},
        "the square held to degree one": {"pairs": (("square", 1),)},
    },
)
