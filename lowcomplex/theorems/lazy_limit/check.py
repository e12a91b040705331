"""Does a network become its linearization at the rate 1/α?"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.lazy_limit.formula import lazy_limit
from lowcomplex.theorems.observations.fits import fit_exponent

_NEURONS, _SAMPLES, _TESTS, _INPUTS = 100, 8, 40, 4
# Steps of 0.1/λ_max, stable also where the kernel grows tenfold.
_STEPS, _SHARE = 400, 0.1
_SCALES = (300.0, 1000.0, 3000.0, 10_000.0)

Array = NDArray[np.float64]
Activation = Literal["tanh", "relu"]


class _Run(NamedTuple):
    """One draw, trained at several α: errors of the function (rms, relative) and displacements."""

    function_error: Array
    relative_displacement: Array
    predicted: float


def observe(
    seed: int, *, scales: tuple[float, ...] = _SCALES, centered: bool = True, with_relu: bool = True
) -> tuple[Comparison, ...]:
    """Train one draw at several α and compare with regression on its initial tangent kernel."""
    names: tuple[Activation, ...] = ("tanh", "relu") if with_relu else ("tanh",)
    runs = {name: _train(seed, name, scales, centered) for name in names}
    smooth = runs["tanh"]
    error = fit_exponent(scales, smooth.function_error)
    comparisons = [
        Comparison(
            quantity="exponent in α of the function's error, tanh",
            predicted=-1.0,
            measured=error.slope,
            tolerance=0.02,
            reason="the next order is smaller by the order of RD, 0.1 % at α = 300",
            interval=error.interval,
        ),
        Comparison(
            quantity=f"α · RD at α = {scales[-1]:g}, tanh",
            predicted=smooth.predicted,
            measured=smooth.relative_displacement[-1] * scales[-1],
            tolerance=smooth.predicted**2 / scales[-1],
            reason="features change by RD, and so does the displacement, relatively",
        ),
    ]
    for name, run in runs.items():
        exponent = fit_exponent(scales, run.relative_displacement)
        comparisons.append(
            Comparison(
                quantity=f"exponent in α of RD, {name}",
                predicted=-1.0,
                measured=exponent.slope,
                tolerance=0.02,
                reason="features change by RD; a ReLU that crosses a sample changes the kernel by 1/m = 1 %",
                interval=exponent.interval,
            )
        )
    return tuple(comparisons)


def _train(seed: int, name: Activation, scales: tuple[float, ...], centered: bool) -> _Run:
    """Gradient descent at all α in one batch, and the linearization of the same draw."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES + _TESTS, _INPUTS))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = rng.standard_normal(_SAMPLES)
    w0, a0 = rng.standard_normal((_NEURONS, _INPUTS)), rng.standard_normal(_NEURONS)
    hidden = _value(name, x @ w0.T)
    slopes = _slope(name, hidden) * a0
    kernel = (hidden @ hidden[:_SAMPLES].T + (slopes @ slopes[:_SAMPLES].T) * (x @ x[:_SAMPLES].T)) / _NEURONS
    step = _SHARE * _SAMPLES / float(np.linalg.eigvalsh(kernel[:_SAMPLES])[-1])
    limit = lazy_limit(kernel[:_SAMPLES], kernel[_SAMPLES:], y, time=_STEPS * step, step=step)

    alpha = np.array(scales)[:, None]
    scale = alpha / np.sqrt(_NEURONS)
    a, w = np.tile(a0, (len(alpha), 1)), np.tile(w0, (len(alpha), 1, 1))
    offset = scale * (hidden @ a0) if centered else 0 * scale
    inputs, start = x[:_SAMPLES], offset[:, : _SAMPLES if centered else None]
    for _ in range(_STEPS):
        active = _value(name, w @ inputs.T)
        output = scale * (a[:, None] @ active)[:, 0] - start
        pull = (y - output) * scale * step / (_SAMPLES * alpha**2)
        turned = a[..., None] * _slope(name, active) * pull[:, None]
        a = a + (active @ pull[..., None])[..., 0]
        w = w + turned @ inputs
    output = (scale * (a[:, None] @ _value(name, w @ x.T))[:, 0] - offset)[:, _SAMPLES:]
    moved = np.sqrt(np.square(a - a0).sum(1) + np.square(w - w0).sum((1, 2)))
    size = float(np.sqrt(np.square(a0).sum() + np.square(w0).sum()))
    rms = np.sqrt(np.square(output - limit.output).mean(1) / np.square(limit.output).mean())
    return _Run(rms, moved / size, float(limit.displacement) / size)


def _value(name: Activation, z: Array) -> Array:
    return np.tanh(z) if name == "tanh" else np.maximum(z, 0)


def _slope(name: Activation, value: Array) -> Array:
    """The activation's derivative, from its value."""
    return 1 - value**2 if name == "tanh" else (value > 0).astype(float)


CHECK: Check[Any, None] = Check(
    prediction=lazy_limit,
    observe=observe,
    controls={
        "rich: α = 0.03, 0.1, 0.3": {"scales": (0.03, 0.1, 0.3), "with_relu": False},
        "output not centered": {"centered": False, "with_relu": False},
    },
)
