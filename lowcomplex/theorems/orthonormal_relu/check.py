"""Does a ReLU network on orthonormal inputs end with two directions, and how fast does the rest vanish?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed, scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.orthonormal_relu.flow import flow_to_fit
from lowcomplex.theorems.orthonormal_relu.formula import (
    OrthonormalRelu,
    norm_excess,
    orthonormal_relu,
    partial_rates,
)
from lowcomplex.training import one_draw

_SAMPLES, _INPUTS, _NEURONS = 4, 6, 60
# Hypotheses on the data, see _draw.
_LARGEST_RHO, _GAP, _BALANCE, _VISIBLE = 0.9, 1.4, 0.5, 0.05
_DRAWS = 2000
# σ is chosen for these sizes of σ^(2(1-ρ)): above the rounding of the norm, below the other remainders.
_REMAINDERS = (1e-5, 1e-6, 1e-7, 1e-8)

Array = NDArray[np.float64]


class Ends(NamedTuple):
    """Networks trained to zero loss from several σ, and last one from a quiet start.

    Attributes:
        y: (n,) targets.
        scales: (S,) σ.
        quiet_w: (m, d) input weights of the quiet start: no sample of the wrong sign is active.
        quiet_a: (m,) its output weights.
        norms: (S + 1,) Σ|a||w| at the end.
        values: (S + 1, min(m, d)) singular values of W at the end.
        active: Whether both sign groups have a neuron that is active on all of their samples.
        draws: Data sets drawn until one satisfied the hypotheses.
    """

    y: Array
    scales: Array
    quiet_w: Array
    quiet_a: Array
    norms: Array
    values: Array
    active: bool
    draws: int


class Law(NamedTuple):
    """The limit with its exponents, and the norm's excess over it from a quiet start."""

    limit: Callable[[Array], OrthonormalRelu]
    excess: Callable[[Array, Array, Array], Array]


class _Data(NamedTuple):
    y: Array
    seed: int
    w: Array
    a: Array
    draws: int


def observe(
    seed: int, *, sigmas: tuple[float, ...] | None = None, active: bool = True, residual: float = 1e-14
) -> Ends:
    """Train to zero loss from several σ, and once from a quiet start, without active wrong samples.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales; by default chosen by the law, for remainders that can be measured.
        active: Whether both sign groups have a neuron that is active on all of their samples.
        residual: Residual at which to stop, by default that of rounding; a control, far from the limit, need
            not go so far.
    """
    y, stream, w, a, draws = _draw(np.random.default_rng(seed), active)
    exponent = orthonormal_relu(y).norm_exponent
    scales = np.array(_REMAINDERS) ** (1 / exponent) if sigmas is None else np.array(sigmas)
    networks = one_draw(_network(), sigma=tuple(scales.tolist()), seed=stream)
    placed = np.array([network.get_parameter("input_weight").detach().numpy() for network in networks])
    # The hypotheses on the data may have changed signs of entries; a balanced start has |a| = |w|.
    start_w = np.copysign(placed, w)
    start_a = np.sign(a) * np.linalg.norm(placed, axis=-1)
    wrong = np.zeros(w.shape, dtype=bool)
    wrong[:, :_SAMPLES] = a[:, None] * y < 0
    quiet = np.where(wrong, -np.abs(start_w[-1]), start_w[-1])
    end_w, end_a = flow_to_fit(
        y, np.concatenate((start_w, quiet[None])), np.concatenate((start_a, start_a[-1:])), residual
    )
    return Ends(
        y=y,
        scales=scales,
        # The start that σ states, not the network's: a network elsewhere shows as an error.
        quiet_w=scales[-1] * np.where(wrong, -np.abs(w), w),
        quiet_a=scales[-1] * a,
        norms=(np.abs(end_a) * np.linalg.norm(end_w, axis=-1)).sum(-1),
        values=np.asarray(np.linalg.svd(end_w, compute_uv=False), dtype=np.float64),
        active=active,
        draws=draws,
    )


def judge(observed: Ends, law: Law) -> tuple[Comparison, ...]:
    """Compare the end with the limit, and the remainders with their exponents and their size."""
    y, scale, quiet_w, quiet_a, norm, values, active, draws = observed
    limit = law.limit(y)
    excess = fit_exponent(scale, norm[:-1] - limit.norm)
    third = fit_exponent(scale, values[:-1, 2])
    stable_rank = float(np.square(values[-2]).sum() / np.square(values[-2, 0]))
    # Tolerances are those of the law's own range of σ, at whichever σ networks start.
    remainder = _REMAINDERS[-1]
    # A second remainder, smaller by σ to this power, bends the line in log σ that measures the first one.
    gap = 2 * (limit.rho - limit.runner_up)
    mixed = 10 * _REMAINDERS[0] ** (gap / (2 * (1 - limit.rho)))
    predicted = law.excess(y, quiet_w[:, :_SAMPLES], quiet_a) if active else np.nan
    size = "of relative order σ^(2(1-ρ)), times 1e3 as few neurons are active on a whole group"
    at = f"at σ = {scale[-1]:.1g}"
    limits = (
        *((f"singular value {k + 1} of W {at}", limit.singular_values[k], values[-2, k]) for k in (0, 1)),
        (f"stable rank of W {at}", limit.stable_rank, stable_rank),
        (f"Σ|a||w| {at}", limit.norm, norm[-2]),
    )
    return (
        *(
            Comparison(
                quantity=quantity,
                predicted=value,
                measured=measured,
                tolerance=1e3 * remainder,
                reason=size,
                draws=draws,
            )
            for quantity, value, measured in limits
        ),
        excess.beside(
            quantity="exponent in σ of the norm's excess",
            predicted=limit.norm_exponent,
            tolerance=gap * mixed + 1e-3,
            reason="the next remainder is a share σ^(2(ρ - ρ')) of the first, times 10 for the numbers of "
            "neurons; rounding of the norm, 1e-14 of an excess of at least 5e-10, over the range of log σ",
            draws=draws,
        ),
        third.beside(
            quantity="exponent in σ of the third singular value",
            predicted=limit.value_exponent,
            tolerance=gap * mixed + 1e-3,
            reason="the next remainder is a share σ^(ρ - ρ') of the first",
            draws=draws,
        ),
        Comparison(
            quantity="norm's excess over its predicted size (no wrong sample active)",
            predicted=1.0,
            measured=(norm[-1] - limit.norm) / predicted,
            tolerance=1e3 * remainder + 1e-4,
            reason="remainders are of relative order σ^(2(1-ρ)); rounding of the norm; and steps of length "
            "0.1 have a relative error of 1e-6 in the growth rate, over log(1/σ) of at most 100",
            draws=draws,
        ),
    )


def _draw(rng: np.random.Generator, active: bool) -> _Data:
    """Targets and weights that satisfy the law's hypotheses; unless `active`, one group has no full neuron.

    Both sign groups exist and grow at comparable rates. The slowest remainder is ahead of the next one and
    vanishes at a visible rate, and there is a neuron that leaves it. Both groups have full neurons. The
    norm's excess at the smallest σ is visible beside the norm.
    """
    for draw in range(1, _DRAWS + 1):
        y = rng.uniform(0.3, 1.5, _SAMPLES) * rng.choice([-1, 1], _SAMPLES)
        stream = int(rng.integers(2**31))
        w = drawn_weights(_network(), seed=stream)["input_weight"]
        a = rng.choice([-1, 1], _NEURONS) * np.linalg.norm(w, axis=1)
        norms = [float(np.linalg.norm(y[sign * y > 0])) for sign in (1, -1)]
        law = orthonormal_relu(y)
        if (
            min(norms) < _BALANCE * max(norms)
            or not 0 < law.rho <= _LARGEST_RHO
            or 1 - law.runner_up < _GAP * (1 - law.rho)
        ):
            continue
        own = a[:, None] * y > 0
        z = w[:, :_SAMPLES]
        on = z > 0
        missed = (own & ~on) @ np.square(y)
        ratio = np.sqrt(1 - missed / (own @ np.square(y)))
        full = missed == 0
        slowest = np.abs(ratio - law.rho) < 1e-9
        if full[a > 0].any() and full[a < 0].any() and slowest.any():
            # With a smaller excess the rounding of the norm, some 1e-14, would exceed the tolerance.
            sigma = _REMAINDERS[-1] ** (1 / law.norm_exponent)
            quiet = np.where(own, z, -np.abs(z))
            if norm_excess(y, sigma * quiet, sigma * a) < _VISIBLE * _REMAINDERS[-1]:
                continue
            if not active:
                sign = max((1, -1), key=lambda sign: partial_rates(y, sign).max(initial=0))
                smallest = np.where(sign * y > 0, np.abs(y), np.inf).argmin()
                w[full & (sign * a > 0), smallest] *= -1
            return _Data(y, stream, w, a, draw)
    raise ArithmeticError(f"no data with a leading remainder in {_DRAWS} draws")


def _network() -> TwoLayer:
    return TwoLayer(_INPUTS, _NEURONS, activation="relu", bias=False)


def _other_power(y: Array, z: Array, a: Array) -> Array:
    """The excess as if neurons of a part grew as (Y/e)^(ρ + 0.1)."""
    size = max(float(np.linalg.norm(y[y > 0])), float(np.linalg.norm(y[y < 0])))
    start = float(np.square(a).max())
    wrong: Array = norm_excess(y, z, a) * (size / start) ** 0.1
    return wrong


LAW = Law(orthonormal_relu.evaluate, norm_excess)


def _limit(field: str, change: Callable[[Any], Any]) -> Law:
    return LAW._replace(limit=changed(LAW.limit, field, change))


CHECK = Check(
    prediction=orthonormal_relu,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants={
        "singular values 0.1 % too large": _limit("singular_values", lambda values: 1.001 * values),
        "norm 0.1 % too large": _limit("norm", lambda norm: 1.001 * norm),
        "stable rank of one direction": _limit("stable_rank", lambda rank: 1.0),
        "norm's exponent 5 % too small": _limit("norm_exponent", lambda exponent: 0.95 * exponent),
        "norm's exponent 0.1 too large": _limit("norm_exponent", lambda exponent: exponent + 0.1),
        "norm's exponent of the other sign": _limit("norm_exponent", lambda exponent: -exponent),
        "third value's exponent 0.1 too large": _limit("value_exponent", lambda exponent: exponent + 0.1),
        "third value's exponent that of the norm": _limit("value_exponent", lambda exponent: 2 * exponent),
        "excess 1 % too large": LAW._replace(excess=scaled(norm_excess, 1.01)),
        "excess of the other sign": LAW._replace(excess=scaled(norm_excess, -1.0)),
        "excess as (Y/e)^(ρ + 0.1)": LAW._replace(excess=_other_power),
    },
    controls={
        "large initialization: σ = 1, 0.7, 0.5": {"sigmas": (1.0, 0.7, 0.5), "residual": 1e-3},
        "no neuron active on all samples of a sign group": {"active": False},
    },
)
