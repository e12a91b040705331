"""Does a ReLU network on orthonormal inputs end with two directions, and how fast does the rest vanish?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.orthonormal_relu.formula import norm_excess, orthonormal_relu, partial_rates

_SAMPLES, _INPUTS, _NEURONS = 4, 6, 60
# Hypotheses on the data, see _draw.
_LARGEST_RHO, _GAP, _BALANCE = 0.9, 1.4, 0.5
_DRAWS = 2000
# σ is chosen for these sizes of σ^(2(1-ρ)): above the rounding of the norm, below the other remainders.
_REMAINDERS = (1e-5, 1e-6, 1e-7, 1e-8)
_LONGEST = 20_000

Array = NDArray[np.float64]


class _Data(NamedTuple):
    y: Array
    w: Array
    a: Array
    draws: int


def observe(
    seed: int, *, sigmas: tuple[float, ...] | None = None, active: bool = True, residual: float = 1e-14
) -> tuple[Comparison, ...]:
    """Train to zero loss from several σ, and once from a start that no sample of the wrong sign activates.

    A residual at which to stop is that of rounding; a large start, far from the limit, need not go so far.
    """
    y, w, a, draws = _draw(np.random.default_rng(seed), active)
    law = orthonormal_relu(y)
    scale = np.array(_REMAINDERS) ** (1 / law.norm_exponent) if sigmas is None else np.array(sigmas)
    start_w, start_a = scale[:, None, None] * w, scale[:, None] * a
    wrong = np.zeros(w.shape, dtype=bool)
    wrong[:, :_SAMPLES] = a[:, None] * y < 0
    quiet = scale[-1] * np.where(wrong, -np.abs(w), w)
    end_w, end_a = _flow(
        y, np.concatenate((start_w, quiet[None])), np.concatenate((start_a, start_a[-1:])), residual
    )
    norm = (np.abs(end_a) * np.linalg.norm(end_w, axis=-1)).sum(-1)
    values = np.linalg.svd(end_w, compute_uv=False)
    excess = fit_exponent(scale, norm[:-1] - law.norm)
    third = fit_exponent(scale, values[:-1, 2])
    stable_rank = float(np.square(values[-2]).sum() / np.square(values[-2, 0]))
    # Tolerances are those of the law's own range of σ, whatever σ.
    remainder = _REMAINDERS[-1]
    gap = 2 * (law.rho - law.runner_up)
    mixed = 10 * _REMAINDERS[0] ** (gap / law.norm_exponent)
    predicted = norm_excess(y, quiet[:, :_SAMPLES], start_a[-1]) if active else np.nan
    limit = "of relative order σ^(2(1-ρ)), times 1e3 for how few neurons are active on a whole group"
    return (
        *(
            Comparison(
                quantity=f"singular value {k + 1} of W at σ = {scale[-1]:.1g}",
                predicted=law.singular_values[k],
                measured=values[-2, k],
                tolerance=1e3 * remainder,
                reason=limit,
                draws=draws,
            )
            for k in (0, 1)
        ),
        Comparison(
            quantity=f"stable rank of W at σ = {scale[-1]:.1g}",
            predicted=law.stable_rank,
            measured=stable_rank,
            tolerance=1e3 * remainder,
            reason=limit,
            draws=draws,
        ),
        Comparison(
            quantity=f"Σ|a||w| at σ = {scale[-1]:.1g}",
            predicted=law.norm,
            measured=norm[-2],
            tolerance=1e3 * remainder,
            reason=limit,
            draws=draws,
        ),
        Comparison(
            quantity="exponent in σ of the norm's excess",
            predicted=law.norm_exponent,
            measured=excess.slope,
            interval=excess.interval,
            tolerance=gap * mixed + 1e-3,
            reason="the next remainder is a share σ^(2(ρ - ρ')) of the first, times 10 for the numbers of "
            "neurons; rounding of the norm, 1e-14 of an excess of 1e-8 at least, over the range of log σ",
            draws=draws,
        ),
        Comparison(
            quantity="exponent in σ of the third singular value",
            predicted=law.value_exponent,
            measured=third.slope,
            interval=third.interval,
            tolerance=gap * mixed + 1e-3,
            reason="the next remainder is a share σ^(ρ - ρ') of the first",
            draws=draws,
        ),
        Comparison(
            quantity="norm's excess over its predicted size (no wrong sample active)",
            predicted=1.0,
            measured=(norm[-1] - law.norm) / predicted,
            tolerance=1e3 * remainder + 1e-4,
            reason="remainders are of relative order σ^(2(1-ρ)); rounding of the norm, and steps of length "
            "0.1 grow neurons with a relative error of 1e-6 in the rate, over log(1/σ) of at most 100",
            draws=draws,
        ),
    )


def _flow(y: Array, w: Array, a: Array, least: float) -> tuple[Array, Array]:
    """Gradient flow of many networks to zero loss, by Runge-Kutta steps, in the coordinates of the inputs.

    There x_i is the i-th unit vector. In any other basis the rounding of w·x_i, 1e-16 of the grown |w|, would
    exceed the frozen coordinates of order σ and switch samples on and off.

    Args:
        y: (n,) targets.
        w: (S, m, d) initial input weights of S networks.
        a: (S, m) initial output weights.
        least: Residual at which to stop, in units of Σ|a||w| where that exceeds 1.

    Returns:
        Final w and a.

    Raises:
        ArithmeticError: A network did not reach this residual.
    """
    n = len(y)
    fastest = max(float(np.linalg.norm(y[y > 0])), float(np.linalg.norm(y[y < 0])))
    # The kernel's largest eigenvalue is at most 2 Σ a² / n; the scheme is stable up to 2.78 of its inverse.
    step = min(0.1 * n / fastest, n / (fastest + float(np.square(a).sum(-1).max())))
    free = np.zeros((*w.shape[:-1], w.shape[-1] - n))

    def velocity(w: Array, a: Array) -> tuple[Array, Array]:
        hidden = np.maximum(w[..., :n], 0)
        residual = (y - (a[:, None] @ hidden)[:, 0]) / n
        drive = a[..., None] * ((hidden > 0) * residual[:, None])
        return np.concatenate((drive, free), axis=-1), (hidden @ residual[..., None])[..., 0]

    for index in range(_LONGEST):
        w1, a1 = velocity(w, a)
        w2, a2 = velocity(w + step / 2 * w1, a + step / 2 * a1)
        w3, a3 = velocity(w + step / 2 * w2, a + step / 2 * a2)
        w4, a4 = velocity(w + step * w3, a + step * a3)
        w = w + step / 6 * (w1 + 2 * (w2 + w3) + w4)
        a = a + step / 6 * (a1 + 2 * (a2 + a3) + a4)
        if index % 20 == 0:
            hidden = np.maximum(w[..., :n], 0)
            left = np.abs(y - (a[:, None] @ hidden)[:, 0]).max(-1)
            size = (np.abs(a) * np.linalg.norm(w, axis=-1)).sum(-1)
            if (left <= least * np.maximum(size, 1)).all():
                return w, a
    raise ArithmeticError(f"the residual stayed above {least:g} for {_LONGEST} steps")


def _draw(rng: np.random.Generator, active: bool) -> _Data:
    """Targets and weights that satisfy the law's hypotheses; without full neurons in one group if so asked.

    Both sign groups exist and grow at comparable rates; the slowest remainder is ahead of the next one and
    vanishes at a visible rate; both groups have full neurons; and there is a neuron of the kind that
    leaves the slowest remainder.
    """
    for draw in range(1, _DRAWS + 1):
        y = rng.uniform(0.3, 1.5, _SAMPLES) * rng.choice([-1, 1], _SAMPLES)
        w = rng.standard_normal((_NEURONS, _INPUTS))
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
        on = w[:, :_SAMPLES] > 0
        missed = (own & ~on) @ np.square(y)
        ratio = np.sqrt(1 - missed / (own @ np.square(y)))
        full = missed == 0
        slowest = np.abs(ratio - law.rho) < 1e-9
        if full[a > 0].any() and full[a < 0].any() and slowest.any():
            if not active:
                sign = max((1, -1), key=lambda sign: partial_rates(y, sign).max(initial=0))
                smallest = np.where(sign * y > 0, np.abs(y), np.inf).argmin()
                w[full & (sign * a > 0), smallest] *= -1
            return _Data(y, w, a, draw)
    raise ArithmeticError(f"no data with a leading remainder in {_DRAWS} draws")


CHECK: Check[Any, None] = Check(
    prediction=orthonormal_relu,
    observe=observe,
    controls={
        "large initialization: σ = 1, 0.7, 0.5": {"sigmas": (1.0, 0.7, 0.5), "residual": 1e-3},
        "no neuron active on all samples of a sign group": {"active": False},
    },
)
