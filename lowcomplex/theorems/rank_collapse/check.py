"""Do deep tanh networks escape after σ^(-(L-2)), with all singular values of W_2 but one of order σ?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from lowcomplex.networks import MLP
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.plateau import leave_plateau
from lowcomplex.theorems.observations.regression import half_mean_square, noisy_tanh
from lowcomplex.theorems.rank_collapse.formula import DeepEscape, RankCollapse, deep_escape, rank_collapse
from lowcomplex.training import Flow, one_draw, stack

# Small enough for T's correction, σ^(L-2) of T; large enough to read s_2 beside s_1, which is 1/σ times s_2.
_SIGMAS = {3: (1e-4, 1e-5, 1e-6), 4: (1e-3, 1e-4, 1e-5)}
_SAMPLES, _INPUTS, _WIDTH, _SHARE = 30, 5, 20, 1e-3
# The tail is measured where it is far above the solver's 1e-10 of T.
_TAIL_SIGMA = {3: 1e-4, 4: 1e-3}

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas that the check holds against training."""

    collapse: Callable[..., RankCollapse] = rank_collapse.evaluate
    escape: Callable[..., DeepEscape] = deep_escape


class Escapes(NamedTuple):
    """Networks of one depth and one draw, at their escape.

    Attributes:
        depth: Number L of weight matrices.
        inputs: (n, d).
        targets: (n,).
        matrices: Standard normal matrices behind every start.
        sigmas: The scales σ of the tanh networks.
        times: (scales) when each has lost the share of its loss.
        values: (scales, width) singular values of W_2 there.
        linear_time: The same time for a linear network at `_TAIL_SIGMA`.
    """

    depth: int
    inputs: Array
    targets: Array
    matrices: list[Array]
    sigmas: tuple[float, ...]
    times: Array
    values: Array
    linear_time: float


def observe(
    seed: int, *, sigmas: tuple[float, ...] | None = None, depths: tuple[int, ...] = (3, 4)
) -> tuple[Escapes, ...]:
    """Integrate the flow of tanh networks from the same draw at all σ, and of a linear network at one."""
    return tuple(_observe(seed, depth, sigmas or _SIGMAS[depth]) for depth in depths)


def _observe(seed: int, depth: int, sigmas: tuple[float, ...]) -> Escapes:
    rng = np.random.default_rng([seed, depth])
    x, y = noisy_tanh(rng, _SAMPLES, _INPUTS)
    draw = int(rng.integers(2**31))
    widths = (_INPUTS, *[_WIDTH] * (depth - 1), 1)
    tanh, linear = (MLP(widths, activation=name, bias=False).double() for name in ("tanh", "linear"))
    flow = _flow(x, y, one_draw(tanh, sigma=sigmas, seed=draw), depth, sigmas)
    alone = (_TAIL_SIGMA[depth],)
    linear_time = float(_flow(x, y, one_draw(linear, sigma=alone, seed=draw), depth, alone).end_times[0])
    matrices = list(drawn_weights(tanh, seed=draw).values())
    values = np.linalg.svd(flow.end["layers.1.weight"].numpy(), compute_uv=False)
    return Escapes(depth, x, y, matrices, sigmas, flow.end_times.numpy(), values, linear_time)


def judge(observed: tuple[Escapes, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare times and singular values with their laws, at each depth."""
    return tuple(comparison for escapes in observed for comparison in _compare(escapes, law))


def _compare(observed: Escapes, law: Law) -> list[Comparison]:
    depth, x, y, matrices, sigmas, times, values, linear_time = observed
    v, loss = driving_vector(x, y), float(y @ y) / (2 * _SAMPLES)
    scales = np.array(sigmas)
    collapse = law.collapse(v, matrices)
    predicted = law.escape(collapse, x, v, loss, sigma=scales, share=_SHARE)
    in_time = fit_exponent(scales, times)
    ratio = values[:, 1] / values[:, 0]
    in_ratio = fit_exponent(scales, ratio)
    # Tolerances are those of the true law at the small σ of the hypotheses, whichever law is judged.
    small = np.array(_SIGMAS[depth])
    true = rank_collapse(v, matrices)
    at_small = deep_escape(true, x, v, loss, sigma=small, share=_SHARE)
    relative = 1 - at_small.time / (true.blow_up * small ** (2.0 - depth))
    relative *= np.log(1 / small) if depth == 4 else 1
    largest = float(at_small.singular_values[0, 0])
    true_tail = float(true.blow_up * small[0] ** (2.0 - depth) - at_small.time[0])
    share_of_rest = float(small[0] * true.frozen[0]) / largest
    order = _neglected(x, y, v, depth, largest)
    sigma = _TAIL_SIGMA[depth]
    tail = float(collapse.blow_up * scales[0] ** (2.0 - depth) - predicted.time[0])
    left = collapse.blow_up * sigma ** (2.0 - depth) - linear_time
    # The output's own part of the residual at the escape, relative to y: cD/λ² with c = (1/n) Σ (v̂·x)².
    feedback = float(np.square(x @ v).mean()) * _SHARE * loss / float(v @ v) ** 2
    return [
        in_time.beside(
            quantity=f"exponent of T in σ, L = {depth}",
            predicted=2.0 - depth,
            tolerance=2 * float(relative[0]),
            reason="twice the correction's share of T at the largest σ, where it bends the line",
        ),
        Comparison(
            quantity=f"T σ^(L-2) over T_1 at σ = {sigmas[-1]:g}, L = {depth}",
            predicted=1.0,
            measured=float(times[-1] * scales[-1] ** (depth - 2) / collapse.blow_up),
            tolerance=2 * float(relative[-1]) + 1e-8,
            reason="twice the correction's share of T there; a hundred times the solver's 1e-10",
        ),
        in_ratio.beside(
            quantity=f"exponent of s_2/s_1 of W_2 in σ, L = {depth}",
            predicted=1.0,
            tolerance=2 * share_of_rest**2 + 1e-4,
            reason="twice the square of s_2/s_1 at the largest σ; the solver's error of s_2 beside s_1, 1e-4",
        ),
        Comparison(
            quantity=f"s_2/s_1 over its prediction at σ = {sigmas[-1]:g}, L = {depth}",
            predicted=1.0,
            measured=float(ratio[-1] * predicted.singular_values[-1, 0] / predicted.singular_values[-1, 1]),
            tolerance=2 * order + feedback**2 + 1e-3,
            reason="twice the cubic term of tanh at the escape, s_1²/m; rounding of s_2 beside s_1, 1e-3",
        ),
        Comparison(
            quantity=f"T_1 σ^(-(L-2)) - T over its prediction, linear network, L = {depth}, σ = {sigma:g}",
            predicted=1.0,
            measured=left / tail,
            tolerance=10 * feedback**2 + 1e-8 * linear_time / true_tail,
            reason="ten times the square of the output's feedback; a hundred times the solver's 1e-10 of T",
        ),
    ]


def _neglected(x: Array, y: Array, v: Array, depth: int, largest: float) -> float:
    """What the cubic terms of L - 1 layers of tanh take from the output, relative to it."""
    # With inputs along v̂, tanh z = z - z³/3 takes (v̂·x)³ s_1²/m from each hidden signal, m neurons sharing
    # s_1.
    along = x @ v / np.linalg.norm(v)
    third = abs(float(np.mean(y * along**3))) / float(np.linalg.norm(v))
    return third * largest**2 / _WIDTH


def _flow(x: Array, y: Array, networks: Sequence[nn.Module], depth: int, sigmas: tuple[float, ...]) -> Flow:
    """Gradient flow of all networks until each has lost the share of its loss.

    Raises:
        ArithmeticError: One never does.
    """
    start, output = stack(networks)
    return leave_plateau(
        half_mean_square(output, x, y), start, np.array(sigmas), degree=depth - 1, share=_SHARE
    )


def _larger(factor: float) -> Callable[..., DeepEscape]:
    """Another s_1."""

    def change(values: Array) -> Array:
        return np.concatenate((factor * values[..., :1], values[..., 1:]), axis=-1)

    return changed(deep_escape, "singular_values", change)


def _longer_tail(factor: float) -> Callable[..., DeepEscape]:
    """Another distance of T from T_1 σ^(-(L-2))."""

    def wrong(collapse: RankCollapse, *args: ArrayLike, sigma: Array, share: float) -> DeepEscape:
        true = deep_escape(collapse, *args, sigma=sigma, share=share)
        leading = collapse.blow_up * sigma ** (2.0 - collapse.depth)
        return true._replace(time=leading - factor * (leading - true.time))

    return wrong


def _without_feedback(
    collapse: RankCollapse, inputs: Array, *args: ArrayLike, sigma: Array, share: float
) -> DeepEscape:
    return deep_escape(collapse, 0 * inputs, *args, sigma=sigma, share=share)


CHECK = Check(
    prediction=rank_collapse,
    observe=observe,
    judge=judge,
    law=Law(),
    mutants={
        "T_1 0.1 % too long": Law(collapse=changed(rank_collapse.evaluate, "blow_up", lambda t: 1.001 * t)),
        "frozen values 10 % too large": Law(
            collapse=changed(rank_collapse.evaluate, "frozen", lambda s: 1.1 * s)
        ),
        "frozen values 1 % too large": Law(
            collapse=changed(rank_collapse.evaluate, "frozen", lambda s: 1.01 * s)
        ),
        "s_1 10 % too large": Law(escape=_larger(1.1)),
        "tail of T 10 % too long": Law(escape=_longer_tail(1.1)),
        "tail of T of the other sign": Law(escape=_longer_tail(-1.0)),
        "without the output's feedback": Law(escape=_without_feedback),
    },
    controls={"large initialization: σ = 0.4, 0.2, 0.1": {"sigmas": (0.4, 0.2, 0.1)}},
)
