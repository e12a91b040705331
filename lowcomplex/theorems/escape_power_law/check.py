"""Does a network of multiplicity p leave its plateau after a time ∝ σ^(-(p-1)), and with which constant?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.escape_power_law.formula import PowerLaw, escape_power_law, escape_tail
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.time_of_escape import Descent, time_of_escape

_SIGMAS = (1e-4, 1e-5, 1e-6)
_SAMPLES, _INPUTS, _NEURONS, _SHARE = 20, 4, 30, 1e-3
# Remainders shrink as σ^(p-1) relative to T; they are measured where the solver's 1e-10 is still far below.
_TAIL_SIGMA = {2: 1e-5, 3: 1e-4}
# Distance, relative to the tail, of the leading flow from that of one neuron that points along its attractor.
_SETTLED = 1e-3

Array = NDArray[np.float64]


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = _SIGMAS,
    multiplicities: tuple[int, ...] = (2, 3),
    linear: bool = False,
) -> tuple[Comparison, ...]:
    """Integrate the flow of z^(p-1) tanh z networks from the same draw at all σ, and of z^p ones at one."""
    comparisons: list[Comparison] = []
    for p in multiplicities:
        comparisons += _observe(seed, p, sigmas, linear)
    return tuple(comparisons)


def _observe(seed: int, p: int, sigmas: tuple[float, ...], linear: bool) -> list[Comparison]:
    draw = _settled_draw(np.random.default_rng([seed, p]), p)
    x, y, start, law = draw.inputs, draw.targets, draw.start, draw.law
    used = 1 if linear else p
    real = _network(x, y, used, saturates=True)
    times = np.array([time_of_escape(real, sigma * start, used, _SHARE).time for sigma in sigmas])
    scales = np.array(sigmas)
    exponent = fit_exponent(scales, times)
    # The activation's next term, z^(p+2), acts along the whole way at p = 3.
    small = np.array(_SIGMAS)
    relative = draw.tail / law.blow_up * small ** (p - 1) * (np.log(1 / small) if p == 3 else 1)
    sigma = _TAIL_SIGMA[p]
    pure = time_of_escape(_network(x, y, p, saturates=False), sigma * start, p, _SHARE).time
    return [
        Comparison(
            quantity=f"exponent of T in σ, p = {p}",
            predicted=1.0 - p,
            measured=exponent.slope,
            interval=exponent.interval,
            tolerance=2 * float(relative[0]),
            reason="twice the correction's share of T at the largest σ, where it bends the line",
            draws=draw.draws,
        ),
        Comparison(
            quantity=f"T σ^(p-1) over T_1 at σ = {sigmas[-1]:g}, p = {p}",
            predicted=1.0,
            measured=float(times[-1] * scales[-1] ** (p - 1) / law.blow_up),
            tolerance=2 * float(relative[-1]) + 1e-8,
            reason="twice the correction's share of T there; a hundred times the solver's 1e-10",
            draws=draw.draws,
        ),
        Comparison(
            quantity=f"T_1 σ^(-(p-1)) - T over the predicted tail, s(z) = z^{p}, σ = {sigma:g}",
            predicted=1.0,
            measured=(law.blow_up * sigma ** (1 - p) - pure) / draw.tail,
            tolerance=2 * _SETTLED + 2 * draw.feedback**2,
            reason="the draw's distance from the limit, and the square of the output's feedback",
            draws=draw.draws,
        ),
    ]


class _Draw(NamedTuple):
    inputs: Array
    targets: Array
    start: Array
    law: PowerLaw
    tail: float
    feedback: float
    draws: int


def _settled_draw(rng: np.random.Generator, p: int) -> _Draw:
    """Data and weights whose leading flow, when it has lost the share, is that of one settled neuron.

    The leading flow knows nothing of the network's output: it is a property of data and initial weights.
    """
    sigma = _TAIL_SIGMA[p]
    for draws in range(1, 51):
        x, y = rng.standard_normal((_SAMPLES, _INPUTS)), rng.standard_normal(_SAMPLES)
        w, a = rng.standard_normal((_NEURONS, _INPUTS)), rng.standard_normal(_NEURONS)
        start = np.append(a, w)
        law = escape_power_law(x, y, w, a, p)
        loss = float(y @ y) / (2 * _SAMPLES)
        tail, alone = (
            float(escape_tail(law, x, p, loss, share=_SHARE, feedback=both)) for both in (True, False)
        )
        time = time_of_escape(_network(x, y, p, saturates=False, leading=True), sigma * start, p, _SHARE).time
        if abs((law.blow_up * sigma ** (1 - p) - time) / alone - 1) < _SETTLED:
            return _Draw(x, y, start, law, tail, 1 - tail / alone, draws)
    raise ArithmeticError(f"no draw of 50 whose leading flow settles on one neuron, p = {p}")


def _network(x: Array, y: Array, p: int, *, saturates: bool, leading: bool = False) -> Descent:
    """Flow of f = Σ a s(w·x) with s(z) = z^(p-1) tanh z, or z^p, in flat parameters (a, w).

    The leading flow keeps of the loss what is of zeroth and first order in f.
    """

    def descent(theta: Array) -> tuple[Array, float]:
        a, w = theta[:_NEURONS], theta[_NEURONS:].reshape(_NEURONS, _INPUTS)
        z = w @ x.T
        lower = z ** (p - 1)
        outer = np.tanh(z) if saturates else z
        bent = lower * (1 - outer**2) if saturates else lower
        slope = bent + (p - 1) * z ** (p - 2) * outer if p > 1 else bent
        hidden = lower * outer
        output = a @ hidden
        pull = (y if leading else y - output) / len(y)
        step = np.append(hidden @ pull, a[:, None] * ((slope * pull) @ x))
        loss = y @ y - 2 * y @ output + (0.0 if leading else output @ output)
        return step, float(loss) / (2 * len(y))

    return descent


CHECK: Check[Any, None] = Check(
    prediction=escape_power_law,
    observe=observe,
    controls={
        "large initialization: σ = 1, 0.5, 0.25": {"sigmas": (1.0, 0.5, 0.25)},
        "multiplicity 1 instead of 2": {"multiplicities": (2,), "linear": True},
    },
)
