"""Does a network of multiplicity p leave its plateau after a time ∝ σ^(-(p-1)), and with which constant?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lowcomplex.networks import TwoLayer
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed, scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.escape_power_law.formula import PowerLaw, escape_power_law, escape_tail
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.plateau import leave_plateau
from lowcomplex.training import one_draw, stack

_SIGMAS = (1e-4, 1e-5, 1e-6)
_SAMPLES, _INPUTS, _NEURONS, _SHARE = 20, 4, 30, 1e-3
# Tails shrink as σ^(p-1) relative to T. They are measured where the solver's 1e-10 is still far below them.
_TAIL_SIGMA = {2: 1e-5, 3: 1e-4}
# Distance, relative to the tail, of the leading flow from that of one neuron that points along its attractor.
_SETTLED = 1e-3
_ACTIVATIONS = {1: "tanh", 2: "xtanh", 3: "x2tanh"}

Array = NDArray[np.float64]
Parameters = dict[str, Tensor]


class Law(NamedTuple):
    """The formulas that the check holds against training."""

    blow_up: Callable[[ArrayLike, ArrayLike, ArrayLike, ArrayLike, int], PowerLaw] = escape_power_law.evaluate
    tail: Callable[..., Array] = escape_tail
    exponent: Callable[[int], float] = lambda p: 1.0 - p


class Draw(NamedTuple):
    """Data and weights whose leading flow, when it has lost the share, is that of one settled neuron.

    Attributes:
        inputs: (n, d).
        targets: (n,).
        weights: Standard normal w (m, d) and a (m,).
        seed: The seed of the weights.
        draws: Number of draws that it took.
    """

    inputs: Array
    targets: Array
    weights: tuple[Array, Array]
    seed: int
    draws: int


class Escapes(NamedTuple):
    """Networks of one multiplicity and one draw, at their escape.

    Attributes:
        multiplicity: p.
        draw: Data and weights.
        sigmas: The scales σ of the networks with s(z) = z^(p-1) tanh z.
        times: (scales) when each has lost the share of its loss.
        pure_time: The same time for s(z) = z^p at `_TAIL_SIGMA`.
    """

    multiplicity: int
    draw: Draw
    sigmas: tuple[float, ...]
    times: Array
    pure_time: float


def observe(
    seed: int,
    *,
    sigmas: tuple[float, ...] = _SIGMAS,
    multiplicities: tuple[int, ...] = (2, 3),
    linear: bool = False,
) -> tuple[Escapes, ...]:
    """Integrate the flow of z^(p-1) tanh z networks from the same draw at all σ, and of z^p ones at one."""
    return tuple(_observe(seed, p, 1 if linear else p, sigmas) for p in multiplicities)


def _observe(seed: int, p: int, used: int, sigmas: tuple[float, ...]) -> Escapes:
    """Judged by p, trained with the activation of multiplicity `used`."""
    draw = _settled_draw(np.random.default_rng([seed, p]), p)
    start, output = stack(one_draw(_network(used), sigma=sigmas, seed=draw.seed))
    inputs = torch.from_numpy(draw.inputs)

    def outputs(weights: Parameters) -> Tensor:
        return output(weights, inputs).squeeze(-1)

    times = _times(draw.targets, start, outputs, used, np.array(sigmas))
    return Escapes(p, draw, sigmas, times, _pure_time(draw, p, leading=False))


def judge(observed: tuple[Escapes, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare the exponent, the constant and the tail of T, for each multiplicity."""
    return tuple(comparison for escapes in observed for comparison in _compare(escapes, law))


def _compare(observed: Escapes, law: Law) -> tuple[Comparison, ...]:
    p, (x, y, weights, _, draws), sigmas, times, pure_time = observed
    loss = float(y @ y) / (2 * len(y))
    scales = np.array(sigmas)
    exponent = fit_exponent(scales, times)
    found = law.blow_up(x, y, *weights, p)
    tail = float(law.tail(found, x, p, loss, share=_SHARE))
    # Tolerances are those of the true law, whichever law is judged.
    true = escape_power_law(x, y, *weights, p)
    # The share of the tail that the output's feedback takes; its square is neglected.
    both, alone = (float(escape_tail(true, x, p, loss, share=_SHARE, feedback=on)) for on in (True, False))
    # The activation's next term, z^(p+2), acts along the whole way at p = 3.
    small = np.array(_SIGMAS)
    relative = both / true.blow_up * small ** (p - 1) * (np.log(1 / small) if p == 3 else 1)
    sigma = _TAIL_SIGMA[p]
    return (
        exponent.beside(
            quantity=f"exponent of T in σ, p = {p}",
            predicted=law.exponent(p),
            tolerance=2 * float(relative[0]),
            reason="twice the correction's share of T at the largest σ, where it bends the line",
            draws=draws,
        ),
        Comparison(
            quantity=f"T σ^(p-1) over T_1 at σ = {sigmas[-1]:g}, p = {p}",
            predicted=1.0,
            measured=float(times[-1] * scales[-1] ** (p - 1) / found.blow_up),
            tolerance=2 * float(relative[-1]) + 1e-8,
            reason="twice the correction's share of T there; a hundred times the solver's 1e-10",
            draws=draws,
        ),
        Comparison(
            quantity=f"T_1 σ^(-(p-1)) - T over the predicted tail, s(z) = z^{p}, σ = {sigma:g}",
            predicted=1.0,
            measured=(found.blow_up * sigma ** (1 - p) - pure_time) / tail,
            tolerance=2 * _SETTLED + 2 * (1 - both / alone) ** 2,
            reason="twice the draw's distance from the limit, and twice the square of the output's feedback",
            draws=draws,
        ),
    )


def _network(p: int) -> TwoLayer:
    return TwoLayer(_INPUTS, _NEURONS, activation=_ACTIVATIONS[p], bias=False)


def _settled_draw(rng: np.random.Generator, p: int) -> Draw:
    """The first draw whose leading flow settles on one neuron.

    The leading flow leaves out the network's output, so it is a property of data and initial weights.

    Raises:
        ArithmeticError: None of 50 draws does.
    """
    sigma = _TAIL_SIGMA[p]
    for draws in range(1, 51):
        x, y = rng.standard_normal((_SAMPLES, _INPUTS)), rng.standard_normal(_SAMPLES)
        seed = int(rng.integers(2**31))
        drawn = drawn_weights(_network(p), seed=seed)
        draw = Draw(x, y, (drawn["input_weight"], drawn["output_weight"][0]), seed, draws)
        law = escape_power_law(x, y, *draw.weights, p)
        alone = float(escape_tail(law, x, p, float(y @ y) / (2 * len(y)), share=_SHARE, feedback=False))
        time = _pure_time(draw, p, leading=True)
        if abs((law.blow_up * sigma ** (1 - p) - time) / alone - 1) < _SETTLED:
            return draw
    raise ArithmeticError(f"no draw of 50 whose leading flow settles on one neuron, p = {p}")


def _pure_time(draw: Draw, p: int, *, leading: bool) -> float:
    """When the network with s(z) = z^p has lost the share of its loss, from `_TAIL_SIGMA`."""
    inputs = torch.from_numpy(draw.inputs)
    sigma = _TAIL_SIGMA[p]
    w, a = (sigma * torch.from_numpy(weight) for weight in draw.weights)

    def output(weights: Parameters) -> Tensor:
        hidden = (inputs @ weights["w"].mT) ** p
        return (hidden @ weights["a"][..., None]).squeeze(-1)

    start = {"w": w[None], "a": a[None]}
    return float(_times(draw.targets, start, output, p, np.array([sigma]), leading=leading)[0])


def _times(
    targets: Array,
    start: Parameters,
    output: Callable[[Parameters], Tensor],
    p: int,
    sigmas: Array,
    *,
    leading: bool = False,
) -> Array:
    """(scales) times at which gradient flow has lost the share of the loss (1/2n) Σ (f - y)².

    The leading flow keeps of the loss what is of zeroth and first order in f.

    Raises:
        ArithmeticError: A network never loses it.
    """
    y = torch.from_numpy(targets)

    def loss(weights: Parameters) -> Tensor:
        f = output(weights)
        return ((y.square() - 2 * y * f) if leading else (f - y).square()).mean(-1) / 2

    flow = leave_plateau(loss, start, sigmas, degree=p, share=_SHARE)
    times: Array = flow.end_times.numpy()
    return times


def _without_feedback(law: PowerLaw, *args: ArrayLike, share: float) -> Array:
    return escape_tail(law, *args, share=share, feedback=False)  # type: ignore[arg-type]


def _steeper(law: PowerLaw, inputs: Array, p: int, loss: float, *, share: float) -> Array:
    return np.asarray(escape_tail(law, inputs, p, loss, share=share) * (share * loss) ** 0.1)


CHECK = Check(
    prediction=escape_power_law,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "T_1 0.1 % too long": Law(changed(escape_power_law.evaluate, "blow_up", lambda time: 1.001 * time)),
        "τ 10 % too large": Law(changed(escape_power_law.evaluate, "value", lambda value: 1.1 * value)),
        "tail 1 % too long": Law(tail=scaled(escape_tail, 1.01)),
        "tail of the other sign": Law(tail=scaled(escape_tail, -1.0)),
        "tail without the output's feedback": Law(tail=_without_feedback),
        "tail's exponent in D 0.1 too large": Law(tail=_steeper),
        "exponent in σ 0.1 too large": Law(exponent=lambda p: 1.1 - p),
    },
    controls={
        "large initialization: σ = 1, 0.5, 0.25": {"sigmas": (1.0, 0.5, 0.25)},
        "multiplicity 1 instead of 2": {"multiplicities": (2,), "linear": True},
    },
)
