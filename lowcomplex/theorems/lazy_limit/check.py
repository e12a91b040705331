"""Does a network become its linearization at the rate 1/α?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.lazy_limit.formula import (
    DISPLACEMENT_EXPONENT,
    ERROR_EXPONENT,
    LazyLimit,
    lazy_limit,
)
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.training import descend, one_draw, stack

_NEURONS, _SAMPLES, _TESTS, _INPUTS = 100, 8, 40, 4
# Steps of 0.1/λ_max, stable also where the kernel grows tenfold.
_STEPS, _SHARE = 400, 0.1
_SCALES = (300.0, 1000.0, 3000.0, 10_000.0)

Array = NDArray[np.float64]
Activation = Literal["tanh", "relu"]


class Runs(NamedTuple):
    """One draw, trained at several α, and the ingredients of its linearization at the start.

    Attributes:
        scales: (S,) α.
        outputs: (S, q) centered outputs at the test inputs after training.
        displacements: (S,) ‖θ - θ_0‖ / ‖θ_0‖.
        kernel: (n, n) tangent kernel among the samples at the start.
        cross: (q, n) tangent kernel between test inputs and samples.
        targets: (n,) y.
        time: Time of training.
        step: Step η.
        size: ‖θ_0‖.
    """

    scales: tuple[float, ...]
    outputs: Array
    displacements: Array
    kernel: Array
    cross: Array
    targets: Array
    time: float
    step: float
    size: float


class Observed(NamedTuple):
    """Runs by activation; None if ReLU was not trained."""

    tanh: Runs
    relu: Runs | None


class Law(NamedTuple):
    """The formulas that the check holds against training.

    Attributes:
        limit: Kernel, cross kernel, targets, time and step → the linearization's end.
        error_exponent: Exponent in α of the function's distance from it.
        displacement_exponent: Exponent in α of the relative displacement.
    """

    limit: Callable[[Array, Array, Array, float, float], LazyLimit]
    error_exponent: float
    displacement_exponent: float


def observe(
    seed: int, *, scales: tuple[float, ...] = _SCALES, centered: bool = True, with_relu: bool = True
) -> Observed:
    """Train one draw at several α, with tanh and ReLU."""
    return Observed(
        _train(seed, "tanh", scales, centered), _train(seed, "relu", scales, centered) if with_relu else None
    )


def judge(observed: Observed, law: Law) -> tuple[Comparison, ...]:
    """Compare with regression on the initial tangent kernel."""
    smooth = observed.tanh
    scales = smooth.scales
    limit = law.limit(smooth.kernel, smooth.cross, smooth.targets, smooth.time, smooth.step)
    errors = np.sqrt(np.square(smooth.outputs - limit.output).mean(1) / np.square(limit.output).mean())
    error = fit_exponent(scales, errors)
    predicted = float(limit.displacement) / smooth.size
    comparisons = [
        error.beside(
            quantity="exponent in α of the function's error, tanh",
            predicted=law.error_exponent,
            tolerance=0.02,
            reason="the next order is smaller by the order of RD, 0.1 % at α = 300",
        ),
        Comparison(
            quantity=f"α · RD at α = {scales[-1]:g}, tanh",
            predicted=predicted,
            measured=smooth.displacements[-1] * scales[-1],
            tolerance=predicted**2 / scales[-1],
            reason="features change by a relative RD, and so does the displacement",
        ),
    ]
    for name, runs in observed._asdict().items():
        if runs is None:
            continue
        exponent = fit_exponent(scales, runs.displacements)
        comparisons.append(
            exponent.beside(
                quantity=f"exponent in α of RD, {name}",
                predicted=law.displacement_exponent,
                tolerance=0.02,
                reason="features change by RD; a kink that crosses a sample changes the kernel by 1/m = 1 %",
            )
        )
    return tuple(comparisons)


def _train(seed: int, name: Activation, scales: tuple[float, ...], centered: bool) -> Runs:
    """Gradient descent at all α in one batch, from weights of standard deviation 1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES + _TESTS, _INPUTS))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = rng.standard_normal(_SAMPLES)
    # α h with h = m^(-1/2) Σ a s(w·x); a TwoLayer is divided by its own α.
    networks = [
        TwoLayer(_INPUTS, _NEURONS, activation=name, alpha=np.sqrt(_NEURONS) / scale, bias=False)
        for scale in scales
    ]
    start, output = stack([one_draw(network, sigma=(1.0,), seed=seed)[0] for network in networks])
    # The kernel at the start that σ = 1 states, not at the network's: a network elsewhere shows as an error.
    drawn = drawn_weights(networks[0], seed=seed)
    w0, a0 = drawn["input_weight"], drawn["output_weight"][0]
    hidden = np.tanh(x @ w0.T) if name == "tanh" else np.maximum(x @ w0.T, 0)
    slopes = (1 - hidden**2 if name == "tanh" else hidden > 0) * a0
    kernel = (hidden @ hidden[:_SAMPLES].T + (slopes @ slopes[:_SAMPLES].T) * (x @ x[:_SAMPLES].T)) / _NEURONS
    step = _SHARE * _SAMPLES / float(np.linalg.eigvalsh(kernel[:_SAMPLES])[-1])

    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    # Without centering, training fits y - α h(θ_0) instead of y, which grows with α.
    first = output(start, inputs)[..., 0]
    offset = first if centered else torch.zeros_like(first)

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        error = output(parameters, inputs[:_SAMPLES])[..., 0] - offset[:, :_SAMPLES] - targets
        return error.square().mean(-1) / 2

    alpha = torch.tensor(scales, dtype=torch.float64)
    run = descend(loss, start, rate=step / alpha**2, steps=_STEPS)
    moved = sum((run.end[name] - value).square().sum((1, 2)) for name, value in start.items())
    size = float(np.sqrt(np.square(a0).sum() + np.square(w0).sum()))
    return Runs(
        scales=scales,
        outputs=(output(run.end, inputs)[..., 0] - offset)[:, _SAMPLES:].numpy(),
        displacements=torch.as_tensor(moved).sqrt().numpy() / size,
        kernel=kernel[:_SAMPLES],
        cross=kernel[_SAMPLES:],
        targets=y,
        time=_STEPS * step,
        step=step,
        size=size,
    )


def _limit(kernel: Array, cross: Array, targets: Array, time: float, step: float) -> LazyLimit:
    return lazy_limit(kernel, cross, targets, time=time, step=step)


LAW = Law(_limit, ERROR_EXPONENT, DISPLACEMENT_EXPONENT)

CHECK = Check(
    prediction=lazy_limit,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants={
        "time 1 % too long": LAW._replace(
            limit=lambda k, c, y, time, step: _limit(k, c, y, 1.01 * time, step)
        ),
        "flow instead of steps": LAW._replace(limit=lambda k, c, y, time, step: _limit(k, c, y, time, 0.0)),
        "infinite time": LAW._replace(limit=lambda k, c, y, time, step: _limit(k, c, y, np.inf, step)),
        "displacement 10 % too large": LAW._replace(limit=changed(_limit, "displacement", lambda d: 1.1 * d)),
        "output 0.1 % too large": LAW._replace(limit=changed(_limit, "output", lambda f: 1.001 * f)),
        "output of the other sign": LAW._replace(limit=changed(_limit, "output", lambda f: -f)),
        "error as α^-1.1": LAW._replace(error_exponent=ERROR_EXPONENT - 0.1),
        "displacement as α^-0.9": LAW._replace(displacement_exponent=DISPLACEMENT_EXPONENT + 0.1),
        "displacement that grows with α": LAW._replace(displacement_exponent=-DISPLACEMENT_EXPONENT),
    },
    controls={
        "rich: α = 0.03, 0.1, 0.3": {"scales": (0.03, 0.1, 0.3), "with_relu": False},
        "output not centered": {"centered": False, "with_relu": False},
    },
)
