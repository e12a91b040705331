"""Do ReLU neurons align to the predicted finite set, and does its fastest member set the plateau's length?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed, scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.relu_directions.flow import Stop, flow_to_stop
from lowcomplex.theorems.relu_directions.formula import (
    ReluDirections,
    feedback_shift,
    relu_directions,
    relu_drive,
)

_SAMPLES, _NEURONS = 8, 60
_DELTA = 1e-3
# Hypotheses on the data, see _draw.
_RUNNER_UP, _EXPLAINED, _BASIN = 0.8, 1 / 8, 3
_DRAWS = 2000
# A direction that moves by less than this (in radians) cannot show that it moves as predicted.
_VISIBLE = 2e-5
_ALIGNED = math.radians(2)

Array = NDArray[np.float64]
Kind = Literal["arc", "knot"]


class Law(NamedTuple):
    """The formulas that the check holds against training."""

    directions: Callable[[ArrayLike, ArrayLike], ReluDirections] = relu_directions.evaluate
    shift: Callable[..., float] = feedback_shift


class Stopped(NamedTuple):
    """Networks from one draw at several σ, at their δ-stop.

    Attributes:
        kind: Where the fastest direction lies.
        inputs: (n, 2).
        targets: (n,).
        start: Standard normal w (m, 2) and a (m,) behind every start.
        sigmas: The scales σ.
        stop: The networks at their stops.
        draws: Data sets drawn until one satisfied the hypotheses.
    """

    kind: Kind
    inputs: Array
    targets: Array
    start: tuple[Array, Array]
    sigmas: tuple[float, ...]
    stop: Stop
    draws: int


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = (1e-6, 1e-7, 1e-8),
    delta: float = _DELTA,
    kinds: tuple[Kind, ...] = ("arc", "knot"),
) -> tuple[Stopped, ...]:
    """Integrate networks to their δ-stop, on data whose fastest direction lies in an arc, and at a knot."""
    return tuple(_observe(seed, kind, sigmas, delta) for kind in kinds)


def _observe(seed: int, kind: Kind, sigmas: tuple[float, ...], delta: float) -> Stopped:
    x, y, w, a, draws = _draw(np.random.default_rng([seed, kind == "knot"]), kind)
    scale, rate = np.array(sigmas)[:, None], relu_directions(x, y).top_rate
    stop = flow_to_stop(
        x, y, scale[..., None] * w, scale * a, delta=delta, step=0.04 / rate, longest=300 / rate
    )
    return Stopped(kind, x, y, (w, a), sigmas, stop, draws)


def judge(observed: tuple[Stopped, ...], law: Law) -> tuple[Comparison, ...]:
    """Look where the neurons point at the stop, and how the time of the stop depends on σ."""
    return tuple(comparison for stopped in observed for comparison in _compare(stopped, law))


def _compare(observed: Stopped, law: Law) -> list[Comparison]:
    kind, x, y, (w, _), sigmas, stop, draws = observed
    found = law.directions(x, y)
    scale, rate = np.array(sigmas)[:, None], found.top_rate
    offset, nearest = _offset(stop, found)
    amplitude = np.abs(stop.a) * np.linalg.norm(stop.w, axis=-1)
    exponent = fit_exponent(1 / scale[:, 0], np.exp(rate * stop.times))
    has_grown = np.linalg.norm(stop.w, axis=-1) > 1000 * scale * np.linalg.norm(w, axis=-1)
    strays = has_grown & (np.abs(offset) > _ALIGNED)
    # Tolerances are those of the true law and of the nominal stop, whatever the stop.
    true = relu_directions(x, y)
    loss = float(np.square(y).mean()) / 2
    feedback = _DELTA * loss * _pull(x, true) / true.top_rate**2
    gap, grown = 1 - true.runner_up, sigmas[0] ** 2 * true.top_rate / (_DELTA * loss)
    return [
        Comparison(
            quantity=f"angle (rad) from the fastest direction ({kind}) at σ = {sigmas[-1]:g}",
            predicted=law.shift(x, y, delta=float(stop.falls[-1])),
            measured=_mean(offset[-1], np.where(nearest[-1] == 0, amplitude[-1], 0.0)),
            tolerance=2 * feedback * abs(feedback_shift(x, y, delta=_DELTA)) + 10 * sigmas[-1] / _DELTA**0.5,
            reason="second order in the relative change of D, δ L_0 |C ŵ| / G²; the part of w across the "
            "direction does not grow, σ against |w| of about sqrt δ, times 10 for how few neurons share it",
            draws=draws,
        ),
        Comparison(
            quantity=f"dT/dlog(1/σ) · Gmax ({kind})",
            predicted=1.0,
            measured=exponent.slope,
            interval=exponent.interval,
            tolerance=10 * gap * grown**gap + 2e-3,
            reason="a second direction's share of the output, (σ² G / (δ L_0))^(1 - G2/G), times 1 - G2/G "
            "and 10 for how many neurons start in its basin; interpolation of the crossing",
            draws=draws,
        ),
        Comparison(
            quantity=f"neurons grown a thousandfold, 2° away from every predicted direction ({kind})",
            predicted=0.0,
            measured=float(strays.sum()),
            tolerance=0.5,
            reason=f"a count, of {has_grown.sum()}; angles shrink as 1/|w|, to 1e-3 of what they were",
            draws=draws,
        ),
        Comparison(
            quantity=f"share of a|w| within 2° of the predicted directions at σ = {sigmas[-1]:g} ({kind})",
            predicted=1.0,
            measured=float(amplitude[-1][np.abs(offset[-1]) <= _ALIGNED].sum() / amplitude[-1].sum()),
            tolerance=1e-3,
            reason="neurons that have not aligned have not grown either: m σ² of δ L_0 / G",
            draws=draws,
        ),
    ]


def _offset(stop: Stop, found: ReluDirections) -> tuple[Array, NDArray[np.int_]]:
    """Each neuron's signed angle from the nearest direction for its sign of a, and that one's index.

    Infinite and -1 where no direction has that sign.
    """
    angle = np.arctan2(stop.w[..., 1], stop.w[..., 0])
    offset = np.angle(np.exp(1j * (angle[..., None] - found.angles)))
    offset = np.where(found.signs == np.sign(stop.a)[..., None], offset, np.inf)
    nearest = np.abs(offset).argmin(-1)
    own = np.take_along_axis(offset, nearest[..., None], -1)[..., 0]
    return own, np.where(np.isfinite(own), nearest, -1)


def _mean(values: Array, weights: Array) -> float:
    """The weighted mean over what has a weight; NaN if nothing has."""
    counted = weights > 0
    return float(np.average(values[counted], weights=weights[counted])) if counted.any() else math.nan


def _pull(x: Array, found: ReluDirections) -> float:
    """|C ŵ| of the fastest direction, C = (1/n) Σ x_i x_iᵀ over its active samples."""
    along = np.array([np.cos(found.angles[0]), np.sin(found.angles[0])])
    return float(np.linalg.norm(np.maximum(x @ along, 0) @ x)) / len(x)


def _draw(rng: np.random.Generator, kind: Kind) -> tuple[Array, Array, Array, Array, int]:
    """Data and weights that satisfy the law's hypotheses.

    The fastest direction is of the asked kind and ahead of the second; it explains an eighth of the loss, so
    that δ = 1e-3 is early for it, and moves visibly if it is free to; and some neurons start in its basin
    with |a| > |w|, which keeps a's sign.
    """
    for draw in range(1, _DRAWS + 1):
        x = np.stack((rng.uniform(-1, 1, _SAMPLES), np.ones(_SAMPLES)), axis=1)
        y = rng.standard_normal(_SAMPLES)
        w, a = rng.standard_normal((_NEURONS, 2)), rng.standard_normal(_NEURONS)
        found = relu_directions(x, y)
        if (found.samples[0] >= 0) != (kind == "knot") or found.runner_up > _RUNNER_UP:
            continue
        along = np.array([np.cos(found.angles[0]), np.sin(found.angles[0])])
        output = np.maximum(x @ along, 0)
        if found.top_rate**2 < _EXPLAINED * np.square(y).mean() * np.square(output).mean():
            continue
        if kind == "arc" and abs(feedback_shift(x, y, delta=_DELTA)) < _VISIBLE:
            continue
        inside = _in_basin(x, y, found, np.arctan2(w[:, 1], w[:, 0]))
        keeps = (np.sign(a) == found.signs[0]) & (np.abs(a) > np.linalg.norm(w, axis=1))
        if (inside & keeps).sum() >= _BASIN:
            return x, y, w, a, draw
    raise ArithmeticError(f"no data whose fastest direction is in the {kind} and leads, in {_DRAWS} draws")


def _in_basin(x: Array, y: Array, found: ReluDirections, angles: Array) -> NDArray[np.bool_]:
    """Whether sign · G rises all the way from an angle to the fastest direction; to half a degree."""
    grid = np.linspace(0, 2 * np.pi, 721)
    inside = np.zeros(len(angles), dtype=bool)
    for turn in (1, -1):
        away = np.mod(turn * (angles - found.angles[0]), 2 * np.pi)
        heights = found.signs[0] * relu_drive(x, y, found.angles[0] + turn * grid)
        falls = np.diff(heights) < 0
        extent = grid[falls.argmin()]
        inside |= away < extent
    return inside


def _directions(field: str, change: Callable[[Array], Array]) -> Law:
    return Law(directions=changed(relu_directions.evaluate, field, change))


def _the_fastest_alone(inputs: ArrayLike, targets: ArrayLike) -> ReluDirections:
    found = relu_directions(inputs, targets)
    return ReluDirections(found.angles[:1], found.rates[:1], found.signs[:1], found.samples[:1])


def _turned_knots(inputs: ArrayLike, targets: ArrayLike) -> ReluDirections:
    found = relu_directions(inputs, targets)
    return replace(found, angles=found.angles + np.where(found.samples < 0, 0.0, math.radians(0.1)))


CHECK = Check(
    prediction=relu_directions,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "directions turned by a tenth of a degree": _directions(
            "angles", lambda angles: angles + math.radians(0.1)
        ),
        "the other sign of a aligns": _directions("signs", lambda signs: -signs),
        "growth 10 % too fast": _directions("rates", lambda rates: 1.1 * rates),
        "growth 1 % too fast": _directions("rates", lambda rates: 1.01 * rates),
        "the fastest direction alone": Law(directions=_the_fastest_alone),
        "knots a tenth of a degree off the samples": Law(directions=_turned_knots),
        "shift 50 % too large, by 2 in place of 3": Law(shift=scaled(feedback_shift, 1.5)),
        "shift 20 % too large": Law(shift=scaled(feedback_shift, 1.2)),
        "shift of the other sign": Law(shift=scaled(feedback_shift, -1.0)),
    },
    controls={
        "large initialization: σ = 1e-2, 3e-3, 1e-3": {"sigmas": (1e-2, 3e-3, 1e-3)},
        "late stop: δ = 0.1": {"delta": 0.1, "kinds": ("arc",)},
    },
)
