"""Does a lazy network on the circle learn each frequency at the rate of its kernel's coefficient?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.circle_ntk.formula import circle_ntk, direction_error
from lowcomplex.theorems.observations.fits import fit_exponent

# The directions are multiples of the samples, so that both lie on one grid, half a spacing apart.
_SAMPLES, _STEP, _DIRECTIONS = 32, 1.5, (64, 128, 256)
_ALPHA, _SMALLER_ALPHAS = 1e4, (10.0, 100.0, 1000.0)
_FREQUENCIES = np.arange(1, 7)
_EVEN = _FREQUENCIES % 2 == 0
# Relative change of the kernel in units of α^-2. It is of second order in the displacement of the weights,
# since pairs a = ±1 cancel the first; that displacement is |y|_H/α with |y|_H² = 1/2c_k, at most 155, over
# the weights' norm, the square root of 3 · 2D.
_LAZY = 10.0

Array = NDArray[np.float64]


def observe(
    seed: int,
    *,
    alpha: float = _ALPHA,
    biases: tuple[bool, ...] = (False, True),
    train_bias: bool | None = None,
    directions: tuple[int, ...] = _DIRECTIONS,
) -> tuple[Comparison, ...]:
    """Train a network on each frequency for one e-folding and compare the rates of decay.

    `train_bias` trains biases whatever the law assumes.
    """
    comparisons: list[Comparison] = []
    for bias in biases:
        predicted = circle_ntk(_FREQUENCIES, bias=bias, samples=_SAMPLES, step=_STEP)
        learned = predicted > 1e-9
        # Long enough for the frequencies that are never learned to show it if they were.
        steps = np.maximum(np.rint(1 / (np.where(learned, predicted, predicted[-1]) * _STEP)), 1).astype(int)
        trained = bias if train_bias is None else train_bias
        rates = np.array([_rates(seed, alpha, trained, count, steps) for count in directions])
        relative = np.abs(rates / np.where(learned, predicted, 1) - learned)
        error = direction_error(_FREQUENCIES[_EVEN], directions[-1], samples=_SAMPLES)
        neglected = np.abs(error) / circle_ntk(_FREQUENCIES[_EVEN], bias=bias, samples=_SAMPLES)
        worst = relative[:, _EVEN].max(1)
        comparisons += [
            Comparison(
                quantity=f"relative error of the rates of k = 2, 4, 6, {_words(bias)}, D = {directions[-1]}",
                predicted=0.0,
                measured=worst[-1],
                tolerance=2 * neglected.max(),
                reason="twice the first neglected term, about 2/(3 (k²-1) D²) of c_k for D directions",
            ),
            Comparison(
                quantity=f"error of the rates of k = 1, 3, 5, {_words(bias)}",
                predicted=0.0,
                measured=relative[:, ~_EVEN].max(),
                tolerance=_LAZY / _ALPHA**2,
                reason="exact for equispaced directions; the kernel moves by less than 10 α^-2",
            ),
        ]
        if len(directions) > 2:
            exponent = fit_exponent(directions, worst)
            comparisons.append(
                Comparison(
                    quantity=f"exponent of the error of even k in the number of directions, {_words(bias)}",
                    predicted=-2.0,
                    measured=exponent.slope,
                    tolerance=0.05,
                    reason="the next term is of relative order (k/D)², 1 % at k = 6, D = 64",
                    interval=exponent.interval,
                )
            )
    if len(directions) > 2:
        comparisons.append(_lazy_exponent(seed))
    return tuple(comparisons)


def _lazy_exponent(seed: int) -> Comparison:
    """The exponent in α of the error of k = 1, whose rate equispaced directions leave exact."""
    predicted = circle_ntk(1, samples=_SAMPLES, step=_STEP)
    steps = np.full(len(_FREQUENCIES), round(1 / (float(predicted) * _STEP)))
    errors = [abs(_rates(seed, alpha, False, 64, steps)[0] / predicted - 1) for alpha in _SMALLER_ALPHAS]
    exponent = fit_exponent(_SMALLER_ALPHAS, errors)
    return Comparison(
        quantity="exponent of the error of k = 1 in the output scale α, no bias",
        predicted=-2.0,
        measured=exponent.slope,
        tolerance=0.02,
        reason="the next term is of relative order α^-2, 1 % at α = 10: 0.01 / log 10",
        interval=exponent.interval,
    )


def _words(bias: bool) -> str:
    return "biases trained" if bias else "no bias"


def _rates(seed: int, alpha: float, bias: bool, directions: int, steps: NDArray[np.int_]) -> Array:
    """Decay rate of each frequency, one network trained on each, all in one batch.

    Args:
        seed: Seed of the orientation of the samples and of the targets' phases.
        alpha: Output scale; the learning rate is η/α².
        bias: Whether biases are trained.
        directions: Number of directions, two neurons (a = ±1) each, with |w| = √2.
        steps: (k,) updates after which each frequency is compared with its start.

    Returns:
        (k,) rates.
    """
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(_SAMPLES) / _SAMPLES + rng.uniform(0, 2 * np.pi)
    phases = rng.uniform(0, 2 * np.pi, len(_FREQUENCIES))
    waves = np.exp(-1j * _FREQUENCIES[:, None] * angles)
    y = np.cos(_FREQUENCIES[:, None] * angles + phases[:, None])
    x = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    # A quarter turn puts the kinks half a spacing away from the samples.
    turned = angles[0] + np.pi / 2 + 2 * np.pi * (np.arange(directions) + 0.5) / directions
    w = np.sqrt(2) * np.stack((np.cos(turned), np.sin(turned)), axis=1)
    w = np.broadcast_to(np.concatenate((w, w)), (len(y), 2 * directions, 2))
    a = np.broadcast_to(np.repeat([1.0, -1.0], directions), w.shape[:2])
    b = np.zeros(a.shape)
    scale = alpha / np.sqrt(2 * directions)
    amplitudes = []
    for step in range(int(steps.max()) + 1):
        before = w @ x.T + b[..., None]
        hidden = np.maximum(before, 0)
        residual = y - scale * (a[:, None] @ hidden)[:, 0]
        amplitudes.append(np.abs((residual * waves).sum(1)))
        if step == steps.max():
            break
        pull = residual[:, :, None] * (scale * _STEP / (alpha**2 * _SAMPLES))
        active = (before > 0) * pull.swapaxes(1, 2)
        grown = a + (hidden @ pull)[..., 0]
        w = w + a[..., None] * (active @ x)
        b = b + a * active.sum(-1) if bias else b
        a = grown
    path = np.array(amplitudes)
    ratio = path[steps, np.arange(len(steps))] / path[0]
    return np.asarray(-np.log(ratio) / (steps * _STEP))


CHECK: Check[Any, None] = Check(
    prediction=circle_ntk,
    observe=observe,
    controls={
        "feature learning: output scale α = 1": {"alpha": 1.0, "biases": (False,), "directions": (128,)},
        "biases trained against the law without them": {
            "biases": (False,),
            "train_bias": True,
            "directions": (128,),
        },
    },
)
