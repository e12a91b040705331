"""Does a network leave its plateau when the linear stage says so, at every σ and every γ?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.escape_time.formula import escape_delay, escape_gamma_slope, escape_time
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.observations.fits import fit_exponent

_SAMPLES, _INPUTS, _NEURONS, _STEP = 60, 10, 100, 0.1
_SHARES = np.array([1e-3, 2e-3, 4e-3, 8e-3])
# Where a control never leaves its plateau, its time is NaN.
_MOST_STEPS = 1000

Array = NDArray[np.float64]


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-5, 1e-6, 1e-7),
    gammas: tuple[float, ...] = (3.0, 3.5, 4.0),
    adam: bool = False,
) -> tuple[Comparison, ...]:
    """Train networks of one draw at all σ and γ by full-batch gradient descent until they escape."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((_SAMPLES, _INPUTS))
    # A target with a linear part, so that v is not small beside the noise of 60 samples.
    y = np.tanh(x @ rng.standard_normal(_INPUTS)) + 0.3 * rng.standard_normal(_SAMPLES)
    v = driving_vector(x, y)
    draw_w, draw_a = rng.standard_normal((_NEURONS, _INPUTS)), rng.standard_normal(_NEURONS)
    rates = np.array(gammas)
    w = np.append(sigmas, _INPUTS**-rates)[:, None, None] * draw_w
    a = np.append(sigmas, _NEURONS**-rates)[:, None] * draw_a
    times, losses = _escape(x, y, w, a, adam)
    smallest = len(sigmas) - 1
    growth = np.log(_INPUTS) / float(escape_gamma_slope(v, _INPUTS, step=_STEP))
    predicted = escape_time(w[smallest], a[smallest], v, losses[smallest], share=_SHARES, step=_STEP)
    delays = growth * (times[smallest] - predicted)
    forecast = escape_delay(x, v, losses[smallest], share=_SHARES, step=_STEP)
    exponent = fit_exponent(_SHARES, delays)
    in_sigma = np.polyfit(-np.log(sigmas), growth * times[: len(sigmas), 0], 1)[0]
    in_gamma = np.polyfit(rates, times[len(sigmas) :, -1], 1)[0]
    return (
        Comparison(
            quantity=f"r (T - T_δ) at δ = {_SHARES[0]:g}, σ = {sigmas[-1]:g}",
            predicted=float(forecast[0]),
            measured=float(delays[0]),
            tolerance=2 * _cubic_share(x, y, v, w[smallest], a[smallest]) * float(forecast[0])
            + 2 * float(forecast[0]) ** 2,
            reason="twice the cubic term of tanh, which each neuron feels alone (relative order 3/m), and "
            "twice the next order in δ",
        ),
        Comparison(
            quantity="exponent of T - T_δ in δ",
            predicted=1.0,
            measured=exponent.slope,
            interval=exponent.interval,
            tolerance=5 * float(forecast[-1]),
            reason="the next term is larger by a factor of the order of the delay itself",
        ),
        Comparison(
            quantity="r dT / dlog(1/σ)",
            predicted=1.0,
            measured=float(in_sigma),
            tolerance=_NEURONS * sigmas[0] ** 2 / _SHARES[0] + 1e-4,
            reason="the plateau's start, m σ²/δ; interpolation within a step, (ηλ)²/50 over log 100",
        ),
        Comparison(
            quantity=f"dT/dγ over log(d)/r, γ = {gammas[0]:g} to {gammas[-1]:g}",
            predicted=1.0,
            measured=float(in_gamma / escape_gamma_slope(v, _INPUTS, step=_STEP)),
            tolerance=5e-3,
            reason="output weights are smaller by (d/m)^γ, 1e-3, and add that to Σ (a + u)²; five times that",
        ),
    )


def _cubic_share(x: Array, y: Array, v: Array, w: Array, a: Array) -> float:
    """What the cubic term of tanh adds to the delay: (2h/3c) Σ P⁴ / (Σ P²)², h = (1/n) Σ y (v̂·x)³."""
    along = x @ (v / np.linalg.norm(v))
    grown = np.square(a + w @ (v / np.linalg.norm(v)))
    share = 2 * np.mean(y * along**3) / (3 * np.square(along).mean())
    return float(np.abs(share) * np.square(grown).sum() / grown.sum() ** 2)


def _escape(x: Array, y: Array, w: Array, a: Array, adam: bool) -> tuple[Array, Array]:
    """Times (networks, shares) at which each loss has lost each share, and the initial losses."""
    theta = [w.copy(), a.copy()]
    moments = [(np.zeros_like(part), np.zeros_like(part)) for part in theta]
    losses = []
    rate = 1e-4 if adam else _STEP
    for count in range(1, _MOST_STEPS + 1):
        hidden = np.tanh(x @ theta[0].mT)
        residual = (hidden @ theta[1][..., None])[..., 0] - y
        losses.append(np.square(residual).mean(1) / 2)
        if (losses[-1] < (1 - 1.5 * _SHARES[-1]) * losses[0]).all():
            break
        slope = (residual[..., None] * (1 - hidden**2)).mT @ x
        gradient = [slope * theta[1][..., None] / len(y), (residual[:, None] @ hidden)[:, 0] / len(y)]
        for part, step, (first, second) in zip(theta, gradient, moments, strict=True):
            if adam:
                first += 0.1 * (step - first)
                second += 0.001 * (step**2 - second)
                corrected = np.sqrt(second / (1 - 0.999**count)) + 1e-30
                part -= rate * first / (1 - 0.9**count) / corrected
            else:
                part -= rate * step
    history = np.array(losses)
    drop = np.log(np.maximum(1 - history / history[0], np.finfo(float).tiny))
    times = np.full((len(w), len(_SHARES)), np.nan)
    for index, share in enumerate(np.log(_SHARES)):
        later = drop >= share
        after = np.maximum(later.argmax(0), 1)
        high, low = (np.take_along_axis(drop, (after - back)[None], 0)[0] for back in (0, 1))
        # The drop is an exponential in time: its logarithm is interpolated.
        crossing = rate * (after - 1 + (share - low) / (high - low))
        times[:, index] = np.where(later.any(0), crossing, np.nan)
    return times, history[0]


CHECK: Check[Any, None] = Check(
    prediction=escape_time,
    observe=observe,
    controls={
        "large initialization: σ = 0.3, 0.1, 0.03": {"sigmas": (0.3, 0.1, 0.03)},
        "no plateau: γ = 1, 1.5, 2": {"gammas": (1.0, 1.5, 2.0)},
        "Adam instead of gradient descent": {"adam": True},
    },
)
