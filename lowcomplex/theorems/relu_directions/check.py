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
    growth = np.linalg.norm(stop.w, axis=-1) / (scale * np.linalg.norm(w, axis=-1))
    is_away, has_grown = np.abs(offset) > _ALIGNED, growth > 1000
    # Inside an arc |w| times the angle from its direction is conserved. A neuron that grows by a tenth and
    # turns by less than a tenth of 2° is therefore within 2° of it, however slowly it grows.
    turned = np.abs(np.angle(np.exp(1j * (_angles(stop.w[-1]) - _angles(stop.w[-2])))))
    has_settled = (growth[-1] > np.maximum(1, 1.1 * growth[-2])) & (turned < _ALIGNED / 10)
    # Tolerances are those of the true law at the nominal stop, whichever law is judged.
    true = relu_directions(x, y)
    loss = float(np.square(y).mean()) / 2
    feedback = _DELTA * loss * _pull(x, true) / true.top_rate**2
    gap, grown = 1 - true.runner_up, sigmas[0] ** 2 * true.top_rate / (_DELTA * loss)
    return [
        Comparison(
            quantity=f"angle (rad) from the fastest direction ({kind}) at σ = {sigmas[-1]:g}",
            predicted=law.shift(x, y, share=float(stop.falls[-1])),
            measured=_mean(offset[-1], np.where(nearest[-1] == 0, amplitude[-1], 0.0)),
            tolerance=2 * feedback * abs(feedback_shift(x, y, share=_DELTA)) + 10 * sigmas[-1] / _DELTA**0.5,
            reason="twice the shift times the relative change of D, δ L_0 |C ŵ| / G²; the part of w across "
            "the direction, of order σ beside |w| of about sqrt δ, times 10 as few neurons share it",
            draws=draws,
        ),
        exponent.beside(
            quantity=f"dT/dlog(1/σ) · Gmax ({kind})",
            predicted=1.0,
            tolerance=10 * gap * grown**gap + 2e-3,
            reason="a second direction's share of the output, (σ² G / (δ L_0))^(1 - G2/G), times 1 - G2/G, "
            "and times 10 as more neurons may start in its basin; interpolation of the crossing",
            draws=draws,
        ),
        Comparison(
            quantity=f"neurons grown a thousandfold, 2° away from every predicted direction ({kind})",
            predicted=0.0,
            measured=float((has_grown & is_away).sum()),
            tolerance=0.5,
            reason=f"a count, of {has_grown.sum()}; angles shrink as 1/|w|, to 1e-3 of what they were",
            draws=draws,
        ),
        Comparison(
            quantity=f"neurons that grow and no longer turn, 2° away from every predicted direction ({kind})",
            predicted=0.0,
            measured=float((has_settled & is_away[-1]).sum()),
            tolerance=0.5,
            reason=f"a count, of {has_settled.sum()} that grow by a tenth and turn by less than 0.2° between "
            "the two smallest σ; |w| times the angle is conserved",
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


def _angles(w: Array) -> Array:
    return np.asarray(np.arctan2(w[..., 1], w[..., 0]))


def _offset(stop: Stop, found: ReluDirections) -> tuple[Array, NDArray[np.int_]]:
    """Each neuron's signed angle from the nearest direction for its sign of a, and that one's index.

    Infinite and -1 where no direction has that sign.
    """
    offset = np.angle(np.exp(1j * (_angles(stop.w)[..., None] - found.angles)))
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

    The fastest direction is of the given kind and leads the second. It explains an eighth of the loss, so a
    stop at δ = 1e-3 is early for it, and it moves visibly if it is free to. Some neurons start in its basin
    with |a| > |w|, which keeps the sign of a.
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
        if kind == "arc" and abs(feedback_shift(x, y, share=_DELTA)) < _VISIBLE:
            continue
        inside = _in_basin(x, y, found, _angles(w))
        keeps = (np.sign(a) == found.signs[0]) & (np.abs(a) > np.linalg.norm(w, axis=1))
        if (inside & keeps).sum() >= _BASIN:
            return x, y, w, a, draw
    raise ArithmeticError(f"no data whose fastest direction is in the {kind} and leads, in {_DRAWS} draws")


def _in_basin(x: Array, y: Array, found: ReluDirections, angles: Array) -> NDArray[np.bool_]:
    """Whether sign · G rises all the way from an angle to the fastest direction, to half a degree."""
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
