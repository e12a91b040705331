"""Does a network leave its plateau at the time that the linear stage predicts, at every σ and every γ?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.escape_time.formula import escape_delay, escape_gamma_slope, escape_time
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.regression import half_mean_square, noisy_tanh
from lowcomplex.training import LossShare, descend, one_draw, stack

# So many neurons that the cubic term of tanh, 3/m, stays far below a tenth of the delay.
_SAMPLES, _INPUTS, _NEURONS, _STEP = 60, 10, 200, 0.1
_SHARES = np.array([1e-3, 2e-3, 4e-3, 8e-3])
# A control that has not left its plateau by then has no time, NaN.
_MOST_STEPS = 1000

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas that the check holds against training."""

    time: Callable[..., Array] = escape_time.evaluate
    delay: Callable[..., Array] = escape_delay
    gamma_slope: Callable[..., Array] = escape_gamma_slope


class Observation(NamedTuple):
    """Networks of one draw, trained from every σ and every γ until they escape.

    Attributes:
        inputs: (n, d).
        targets: (n,).
        sigmas: The scales.
        gammas: The rates.
        start: Standard normal w (m, d) and a (m,) behind every start.
        times: (σ and γ, shares) when each loss has lost each share; NaN if it never does.
        loss: The loss at the smallest σ before training.
    """

    inputs: Array
    targets: Array
    sigmas: tuple[float, ...]
    gammas: tuple[float, ...]
    start: tuple[Array, Array]
    times: Array
    loss: float


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7),
    gammas: tuple[float, ...] = (3.0, 3.5, 4.0),
    adam: bool = False,
) -> Observation:
    """Train networks of one draw at all σ and γ by full-batch gradient descent until they escape."""
    rng = np.random.default_rng(seed)
    x, y = noisy_tanh(rng, _SAMPLES, _INPUTS)
    network = TwoLayer(_INPUTS, _NEURONS, activation="tanh", bias=False)
    networks = one_draw(network, sigma=sigmas, seed=seed) + one_draw(network, gamma=gammas, seed=seed)
    losses = _losses(x, y, networks, adam)
    times = _crossings(losses, 1e-4 if adam else _STEP)
    drawn = drawn_weights(network, seed=seed)
    start = drawn["input_weight"], drawn["output_weight"][0]
    return Observation(x, y, sigmas, gammas, start, times, float(losses[0, len(sigmas) - 1]))


def judge(observed: Observation, law: Law) -> tuple[Comparison, ...]:
    """Compare the time and its delay at the smallest σ, and how times change with σ and γ."""
    x, sigmas, gammas, times = observed.inputs, observed.sigmas, observed.gammas, observed.times
    v = driving_vector(x, observed.targets)
    smallest = len(sigmas) - 1
    w, a = (sigmas[smallest] * drawn for drawn in observed.start)
    slope = float(law.gamma_slope(v, _INPUTS, step=_STEP))
    growth = np.log(_INPUTS) / slope
    predicted = law.time(w, a, v, observed.loss, share=_SHARES, step=_STEP)
    delays = growth * (times[smallest] - predicted)
    forecast = law.delay(x, v, observed.loss, share=_SHARES, step=_STEP)
    # Tolerances are those of the true law, whichever law is judged.
    next_order = float(escape_delay(x, v, observed.loss, share=_SHARES[0], step=_STEP))
    exponent = fit_exponent(_SHARES, delays)
    # T is a logarithm of σ and linear in γ: both slopes are those of straight lines.
    in_sigma = np.polyfit(-np.log(sigmas), growth * times[: len(sigmas), 0], 1)[0]
    in_gamma = np.polyfit(gammas, times[len(sigmas) :, -1], 1)[0]
    return (
        Comparison(
            quantity=f"r (T - T_δ) at δ = {_SHARES[0]:g}, σ = {sigmas[-1]:g}",
            predicted=float(forecast[0]),
            measured=float(delays[0]),
            tolerance=2 * _cubic_share(x, observed.targets, v, w, a) * next_order + 2 * next_order**2,
            reason="twice the cubic term of tanh, which each neuron feels alone (relative order 3/m), and "
            "twice the next order in δ",
        ),
        exponent.beside(
            quantity="exponent of T - T_δ in δ",
            predicted=1.0,
            tolerance=5 * next_order * float(_SHARES[-1] / _SHARES[0]),
            reason="the next term is larger by a factor of the order of the delay itself",
        ),
        Comparison(
            quantity="r dT / dlog(1/σ)",
            predicted=1.0,
            measured=float(in_sigma),
            tolerance=_NEURONS * sigmas[0] ** 2 / _SHARES[0] + 1e-4,
            reason="the share m σ²/δ at the plateau's start; interpolation in a step, (ηλ)²/50 over log 100",
        ),
        Comparison(
            quantity=f"dT/dγ over log(d)/r, γ = {gammas[0]:g} to {gammas[-1]:g}",
            predicted=1.0,
            measured=float(in_gamma / slope),
            tolerance=5 * (_INPUTS / _NEURONS) ** 3,
            reason="output weights are smaller by (d/m)^γ, 1e-4 at γ = 3, and add that to Σ (a + u)²; five "
            "times that",
        ),
    )


def _cubic_share(x: Array, y: Array, v: Array, w: Array, a: Array) -> float:
    """What the cubic term of tanh adds to the delay: (2h/3c) Σ P⁴ / (Σ P²)², h = (1/n) Σ y (v̂·x)³."""
    along = x @ (v / np.linalg.norm(v))
    grown = np.square(a + w @ (v / np.linalg.norm(v)))
    share = 2 * np.mean(y * along**3) / (3 * np.square(along).mean())
    return float(np.abs(share) * np.square(grown).sum() / grown.sum() ** 2)


def _losses(x: Array, y: Array, networks: Sequence[nn.Module], adam: bool) -> Array:
    """(updates + 1, networks) losses until all have lost the largest share, and half of it more."""
    start, output = stack(networks)
    run = descend(
        half_mean_square(output, x, y),
        start,
        rate=1e-4 if adam else _STEP,
        steps=_MOST_STEPS - 1,
        until=LossShare(1 - 1.5 * float(_SHARES[-1])),
        rule="adam" if adam else "gradient",
        eps=1e-30,
    )
    losses: Array = run.losses.numpy()
    return losses


def _crossings(losses: Array, rate: float) -> Array:
    """(networks, shares) times at which each loss has lost each share."""
    drop = np.log(np.maximum(1 - losses / losses[0], np.finfo(float).tiny))
    times = np.full((losses.shape[1], len(_SHARES)), np.nan)
    for index, share in enumerate(np.log(_SHARES)):
        later = drop >= share
        after = np.maximum(later.argmax(0), 1)
        high, low = (np.take_along_axis(drop, (after - back)[None], 0)[0] for back in (0, 1))
        # The drop is an exponential in time, so its logarithm is interpolated. A loss that stays where it is
        # has no crossing, and its entry becomes NaN.
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = rate * (after - 1 + (share - low) / (high - low))
        times[:, index] = np.where(later.any(0), crossing, np.nan)
    return times


def _flow_time(*start: ArrayLike, share: ArrayLike, step: float) -> Array:
    return escape_time(*start, share=share)


def _larger_share(*start: ArrayLike, share: ArrayLike, step: float) -> Array:
    return escape_time(*start, share=1.1 * np.asarray(share), step=step)


def _steep_delay(inputs: ArrayLike, v: ArrayLike, loss: ArrayLike, *, share: ArrayLike, step: float) -> Array:
    return escape_delay(inputs, v, loss, share=np.asarray(share) ** 1.1, step=step)


CHECK = Check(
    prediction=escape_time,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "T 0.01 % too long": Law(time=scaled(escape_time.evaluate, 1.0001)),
        "4.4 in place of 4 in the logarithm": Law(time=_larger_share),
        "the flow's rate in place of that of steps": Law(time=_flow_time),
        "delay 20 % too long": Law(delay=scaled(escape_delay, 1.2)),
        "delay 10 % too long": Law(delay=scaled(escape_delay, 1.1)),
        "delay of the other sign": Law(delay=scaled(escape_delay, -1.0)),
        "exponent of the delay in δ 0.1 too large": Law(delay=_steep_delay),
        "dT/dγ 10 % too large": Law(gamma_slope=scaled(escape_gamma_slope, 1.1)),
    },
    controls={
        "large initialization: σ = 0.3, 0.1, 0.03": {"sigmas": (0.3, 0.1, 0.03)},
        "no plateau: γ = 1, 1.5, 2": {"gammas": (1.0, 1.5, 2.0)},
        "Adam instead of gradient descent": {"adam": True},
    },
)
