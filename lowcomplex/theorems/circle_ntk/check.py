"""Does a lazy network on the circle learn each frequency at the rate of its kernel's coefficient?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.circle_ntk.formula import circle_ntk, direction_error
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.training import descend, stack

# Numbers of directions are multiples of that of samples: kinks and samples lie half a spacing apart.
_SAMPLES, _STEP, _DIRECTIONS = 32, 1.5, (64, 128, 256)
_ALPHA, _SMALLER_ALPHAS = 1e4, (10.0, 100.0, 1000.0)
_FREQUENCIES = np.arange(1, 7)
_EVEN = _FREQUENCIES % 2 == 0
# Bound on the relative change of the kernel, in units of α^-2. The change is of second order in the weights'
# relative displacement, as pairs a = ±1 cancel the first order. The displacement is |y|_H/α with
# |y|_H² = 1/2c_k, at most 155, over the weights' norm, the square root of 3 · 2D.
_LAZY = 10.0
# A predicted rate below this is rounding of zero: the frequency is never learned.
_NEVER = 1e-9

Array = NDArray[np.float64]


class Rates(NamedTuple):
    """Decay rates of each frequency under one law.

    Attributes:
        bias: Whether the law has trained biases.
        directions: (D,) numbers of directions of neurons.
        values: (D, k) rates.
    """

    bias: bool
    directions: tuple[int, ...]
    values: Array


class Observed(NamedTuple):
    """Rates of lazy networks, and (A,) rates of k = 1 at smaller α; None if those were not measured."""

    rates: tuple[Rates, ...]
    smaller_alphas: Array | None


class Law(NamedTuple):
    """The formulas that the check holds against training.

    Attributes:
        rates: Frequencies, whether biases are trained, and step → rates on the samples.
        direction_error: Frequencies and number of directions → error of c_k.
    """

    rates: Callable[[NDArray[np.int_], bool, float], Array]
    direction_error: Callable[[NDArray[np.int_], int], Array]


def observe(
    seed: int,
    *,
    alpha: float = _ALPHA,
    biases: tuple[bool, ...] = (False, True),
    train_bias: bool | None = None,
    directions: tuple[int, ...] = _DIRECTIONS,
) -> Observed:
    """Train a network on each frequency for about one e-folding and measure the rates of decay.

    Args:
        seed: Seed of the orientation of the samples and of the targets' phases.
        alpha: Output scale.
        biases: Laws to judge by: without and with trained biases.
        train_bias: Whether biases are trained; by default as the law assumes.
        directions: Numbers of directions of neurons.
    """
    observed = []
    for bias in biases:
        expected = LAW.rates(_FREQUENCIES, bias, _STEP)
        # Long enough for the frequencies that are never learned to show it if they were.
        steps = _updates(np.where(expected > _NEVER, expected, expected[-1]))
        trained = bias if train_bias is None else train_bias
        values = np.array([_train(seed, alpha, trained, count, steps) for count in directions])
        observed.append(Rates(bias, directions, values))
    if len(directions) < 3:
        return Observed(tuple(observed), None)
    steps = np.full(len(_FREQUENCIES), _updates(LAW.rates(_FREQUENCIES[:1], False, _STEP))[0])
    # Equispaced directions leave the rate of k = 1 exact.
    smaller = np.array([_train(seed, alpha, False, 64, steps)[0] for alpha in _SMALLER_ALPHAS])
    return Observed(tuple(observed), smaller)


def judge(observed: Observed, law: Law) -> tuple[Comparison, ...]:
    """Compare rates, and the errors that finitely many directions and a finite α leave."""
    comparisons: list[Comparison] = []
    for rates in observed.rates:
        comparisons += _judge_rates(rates, law)
    if observed.smaller_alphas is not None:
        predicted = law.rates(_FREQUENCIES[:1], False, _STEP)
        exponent = fit_exponent(_SMALLER_ALPHAS, np.abs(observed.smaller_alphas / predicted - 1))
        comparisons.append(
            exponent.beside(
                quantity="exponent of the error of k = 1 in the output scale α, no bias",
                predicted=-2.0,
                tolerance=0.02,
                reason="the next term is of relative order α^-2, 1 % at α = 10: 0.01 / log 10, four times",
            )
        )
    return tuple(comparisons)


def _judge_rates(observed: Rates, law: Law) -> list[Comparison]:
    bias, directions, rates = observed
    words = "biases trained" if bias else "no bias"
    predicted = law.rates(_FREQUENCIES, bias, _STEP)
    learned = predicted > _NEVER
    relative = np.abs(rates / np.where(learned, predicted, 1) - learned)
    error = law.direction_error(_FREQUENCIES[_EVEN], directions[-1])
    coefficients = law.rates(_FREQUENCIES[_EVEN], bias, 0.0)
    neglected = np.abs(error) / coefficients
    worst = relative[:, _EVEN].max(1)
    # c_2 as the last network has it: its rate is -log(1 - η c_2)/η.
    second = -np.expm1(-_STEP * rates[-1, _EVEN][0]) / _STEP
    comparisons = [
        Comparison(
            quantity=f"relative error of the rates of k = 2, 4, 6, {words}, D = {directions[-1]}",
            predicted=0.0,
            measured=worst[-1],
            tolerance=2 * neglected.max(),
            reason="twice the first neglected term, about 2/(3 (k²-1) D²) of c_k for D directions",
        ),
        Comparison(
            quantity=f"error of the rates of k = 1, 3, 5, {words}",
            predicted=0.0,
            measured=relative[:, ~_EVEN].max(),
            tolerance=_LAZY / _ALPHA**2,
            reason="equispaced directions leave odd rates exact; the kernel moves by less than 10 α^-2",
        ),
        Comparison(
            quantity=f"error of c_2 over that of D directions, {words}, D = {directions[-1]}",
            predicted=1.0,
            measured=float((second - coefficients[0]) / error[0]),
            tolerance=_LAZY / _ALPHA**2 / neglected[0] + 2 * _next_term(directions[-1]),
            reason="the kernel moves by less than 10 α^-2; twice the next term, 7π²/(15 D²), whatever k",
        ),
    ]
    if len(directions) > 2:
        exponent = fit_exponent(directions, worst)
        comparisons.append(
            exponent.beside(
                quantity=f"exponent of the error of even k in the number of directions, {words}",
                predicted=-2.0,
                tolerance=9 * _next_term(directions[0]),
                reason="the next term, 7π²/(15 D²), is 0.11 % at D = 64. It turns the line by 0.7 of that "
                "and widens the interval of three points by 3.0 of that: three times as much",
            )
        )
    return comparisons


def _next_term(directions: int) -> float:
    """Second term of the directions' error over its first, see `direction_error`."""
    return 7 * np.pi**2 / (15 * directions**2)


def _updates(rates: Array) -> NDArray[np.int_]:
    """Number of updates in about one e-folding."""
    return np.maximum(np.rint(1 / (rates * _STEP)), 1).astype(int)


def _train(seed: int, alpha: float, bias: bool, directions: int, steps: NDArray[np.int_]) -> Array:
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
    waves = torch.from_numpy(np.exp(-1j * _FREQUENCIES[:, None] * angles))
    y = torch.from_numpy(np.cos(_FREQUENCIES[:, None] * angles + phases[:, None]))
    x = torch.from_numpy(np.stack((np.cos(angles), np.sin(angles)), axis=1))
    # A quarter turn puts the kinks half a spacing away from the samples.
    turned = angles[0] + np.pi / 2 + 2 * np.pi * (np.arange(directions) + 0.5) / directions
    w = np.sqrt(2) * np.stack((np.cos(turned), np.sin(turned), *([0 * turned] if bias else [])), axis=1)
    # α m^(-1/2) Σ a relu(w·x + b); a TwoLayer is divided by its own α.
    scale = alpha / np.sqrt(2 * directions)
    network = TwoLayer(2, 2 * directions, activation="relu", alpha=1 / scale, bias=bias)
    start, output = stack([network] * len(y))
    start["input_weight"] = torch.from_numpy(np.concatenate((w, w))).expand(len(y), -1, -1)
    start["output_weight"] = torch.from_numpy(np.repeat([1.0, -1.0], directions)).expand(len(y), 1, -1)

    def residual(parameters: dict[str, Tensor]) -> Tensor:
        return y - output(parameters, x)[..., 0]

    def amplitude(parameters: dict[str, Tensor]) -> Array:
        return (residual(parameters) * waves).sum(1).abs().numpy()

    run = descend(
        lambda parameters: residual(parameters).square().mean(1) / 2,
        start,
        rate=_STEP / alpha**2,
        steps=torch.from_numpy(steps),
    )
    return np.asarray(-np.log(amplitude(run.end) / amplitude(start)) / (steps * _STEP))


def _rates(frequency: NDArray[np.int_], bias: bool, step: float) -> Array:
    return circle_ntk(frequency, bias=bias, samples=_SAMPLES, step=step)


def _direction_error(frequency: NDArray[np.int_], directions: int) -> Array:
    return direction_error(frequency, directions, samples=_SAMPLES)


LAW = Law(_rates, _direction_error)

CHECK = Check(
    prediction=circle_ntk,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants={
        "rates 0.1 % too large": LAW._replace(rates=scaled(_rates, 1.001)),
        "rates 10 % too large": LAW._replace(rates=scaled(_rates, 1.1)),
        "rates as k^0.1 c_k": LAW._replace(rates=lambda k, bias, step: k**0.1 * _rates(k, bias, step)),
        "rates of the flow, not of steps": LAW._replace(rates=lambda k, bias, step: _rates(k, bias, 0.0)),
        "rates of the whole circle, not of samples": LAW._replace(
            rates=lambda k, bias, step: circle_ntk(k, bias=bias, step=step)
        ),
        "part of the biases dropped": LAW._replace(rates=lambda k, bias, step: _rates(k, False, step)),
        "odd frequencies learned without biases": LAW._replace(
            rates=lambda k, bias, step: _rates(k, True, step)
        ),
        "error of the directions 10 % too large": LAW._replace(direction_error=scaled(_direction_error, 1.1)),
        "error of the directions of the other sign": LAW._replace(
            direction_error=scaled(_direction_error, -1.0)
        ),
    },
    controls={
        "feature learning: output scale α = 1": {"alpha": 1.0, "biases": (False,), "directions": (128,)},
        "biases trained against the law without them": {
            "biases": (False,),
            "train_bias": True,
            "directions": (128,),
        },
    },
)
