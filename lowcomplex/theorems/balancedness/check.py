"""Does p a² - |w|² drift by what the steps break, and by nothing else?"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
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


class Law(NamedTuple):
    """The formulas that the check holds against training: each neuron's drift, and its exponent in η."""

    drift: Callable[..., Array] = balancedness.evaluate
    exponent: float = 1.0


class Path(NamedTuple):
    """One activation, trained to a fixed time at several steps.

    Attributes:
        activation: Its name.
        degree: The degree p by which balances are measured and judged.
        steps: The learning rates η.
        drifts: Per η, each neuron's change (m,) of p a² - |w|².
        gradients: Per η, the gradients of every update, (updates, m) for a and (updates, m, d) for w.
        size: Sum of the largest |w|² and the largest p a² at the start.
    """

    activation: str
    degree: int
    steps: tuple[float, ...]
    drifts: list[Array]
    gradients: list[tuple[Array, Array]]
    size: float


def observe(
    seed: int,
    *,
    steps: tuple[float, ...] = (4e-3, 2.5e-3, 2e-3, 1.25e-3, 1e-3),
    pairs: tuple[tuple[str, int], ...] = _PAIRS,
) -> tuple[Path, ...]:
    """Train to a fixed time at several steps η and follow every neuron's balance p a² - |w|²."""
    return tuple(_path(seed, steps, activation, degree) for activation, degree in pairs)


def judge(observed: tuple[Path, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare every neuron's drift with the law, and how the drift grows with η."""
    return tuple(comparison for path in observed for comparison in _compare(path, law))


def _compare(path: Path, law: Law) -> tuple[Comparison, ...]:
    errors = [
        float(np.abs(drift - law.drift(g_a, g_w, step=step, degree=path.degree)).max())
        for step, drift, (g_a, g_w) in zip(path.steps, path.drifts, path.gradients, strict=True)
    ]
    # The law is exact, so errors are rounding; it adds up over the updates, most of them at the smallest η.
    updates = round(_TIME / path.steps[-1])
    exponent = fit_exponent(path.steps, [float(np.linalg.norm(drift)) for drift in path.drifts])
    return (
        Comparison(
            quantity=f"largest error of a neuron's drift, {path.activation}",
            predicted=0.0,
            measured=max(errors),
            tolerance=updates * np.finfo(float).eps * 10 * path.size,
            reason=f"rounding of {updates} updates of weights whose squares reach {path.size:.1f}",
        ),
        exponent.beside(
            quantity=f"exponent of the drift in η, {path.activation}",
            predicted=law.exponent,
            tolerance=0.02,
            reason="the path itself changes with η, by a relative η times the fastest rate",
        ),
    )


def _path(seed: int, steps: tuple[float, ...], activation: str, degree: int) -> Path:
    w0, a0, runs = _descend(seed, steps, activation)
    drifts = [degree * (a**2 - a0**2) - (np.square(w).sum(1) - np.square(w0).sum(1)) for w, a, _, _ in runs]
    size = float(np.square(w0).sum(1).max() + degree * np.square(a0).max())
    return Path(activation, degree, steps, drifts, [(g_a, g_w) for _, _, g_w, g_a in runs], size)


# A control judges again what was trained under the hypotheses.
@lru_cache(maxsize=4)
def _descend(
    seed: int, steps: tuple[float, ...], activation: str
) -> tuple[Array, Array, list[tuple[Array, Array, Array, Array]]]:
    """Gradient descent on (1/2n) Σ (Σ a s(w·x) - y)² at each η: start, end, gradients of every update."""
    rng = np.random.default_rng(seed)
    inputs = torch.from_numpy(rng.standard_normal((_SAMPLES, _INPUTS)))
    targets = torch.from_numpy(rng.standard_normal(_SAMPLES))
    # The square's fastest rate grows with the fourth power of the weights: halve them.
    scale = 0.5 if activation == "square" else 1.0
    w0 = scale * (rng.standard_normal((_NEURONS, _INPUTS)) / np.sqrt(_INPUTS))
    a0 = scale * (rng.standard_normal(_NEURONS) / np.sqrt(_NEURONS))
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
    ends = [
        (
            run.end["w"][k].numpy(),
            run.end["a"][k].numpy(),
            run.path["w"][:count, k].numpy(),
            run.path["a"][:count, k].numpy(),
        )
        for k, count in enumerate(updates)
    ]
    return w0, a0, ends


def _degree_one(g_a: Array, g_w: Array, *, step: float, degree: int) -> Array:
    return balancedness(g_a, g_w, step=step, degree=1)


def _without_input_gradients(g_a: Array, g_w: Array, *, step: float, degree: int) -> Array:
    return balancedness(g_a, 0 * g_w, step=step, degree=degree)


CHECK = Check(
    prediction=balancedness,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "exactly conserved": Law(drift=scaled(balancedness.evaluate, 0.0)),
        "drift 10 % too large": Law(drift=scaled(balancedness.evaluate, 1.1)),
        "drift of the other sign": Law(drift=scaled(balancedness.evaluate, -1.0)),
        "degree one for all": Law(drift=_degree_one),
        "without |g_w|²": Law(drift=_without_input_gradients),
        "exponent in η off by 0.1": Law(exponent=1.1),
    },
    controls={
        "tanh, which is not homogeneous": {"pairs": (("tanh", 1),)},
        "the square held to degree one": {"pairs": (("square", 1),)},
    },
)
