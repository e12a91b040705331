"""Do deep tanh networks escape after σ^(-(L-2)), the other singular values of W_2 still of the order of σ?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.time_of_escape import Descent, time_of_escape
from lowcomplex.theorems.rank_collapse.formula import deep_escape, rank_collapse

# T's correction is σ^(L-2) of it; s_2 is read beside s_1, which is σ^-1 times larger.
_SIGMAS = {3: (1e-4, 1e-5, 1e-6), 4: (1e-3, 1e-4, 1e-5)}
_SAMPLES, _INPUTS, _WIDTH, _SHARE = 30, 5, 20, 1e-3
# The tail is measured where it is far above the solver's 1e-10 of T.
_TAIL_SIGMA = {3: 1e-4, 4: 1e-3}

Array = NDArray[np.float64]


def observe(
    seed: int, *, sigmas: tuple[float, ...] | None = None, depths: tuple[int, ...] = (3, 4)
) -> tuple[Comparison, ...]:
    """Integrate the flow of tanh networks from the same draw at all σ, and of a linear network at one."""
    comparisons: list[Comparison] = []
    for depth in depths:
        comparisons += _observe(seed, depth, sigmas or _SIGMAS[depth])
    return tuple(comparisons)


def _observe(seed: int, depth: int, sigmas: tuple[float, ...]) -> list[Comparison]:
    rng = np.random.default_rng([seed, depth])
    x = rng.standard_normal((_SAMPLES, _INPUTS))
    # A target with a linear part, so that v is not small beside the noise of 30 samples.
    y = np.tanh(x @ rng.standard_normal(_INPUTS)) + 0.3 * rng.standard_normal(_SAMPLES)
    v, loss = driving_vector(x, y), float(y @ y) / (2 * _SAMPLES)
    shapes = [(_WIDTH, _INPUTS), *[(_WIDTH, _WIDTH)] * (depth - 2), (1, _WIDTH)]
    matrices = [rng.standard_normal(shape) for shape in shapes]
    collapse = rank_collapse(v, matrices)
    start = np.concatenate([matrix.ravel() for matrix in matrices])
    network = _network(x, y, shapes, saturates=True)
    escapes = [time_of_escape(network, sigma * start, depth - 1, _SHARE) for sigma in sigmas]
    times, scales = np.array([escape.time for escape in escapes]), np.array(sigmas)
    values = np.array([_singular_values(escape.state, shapes) for escape in escapes])
    predicted = deep_escape(collapse, x, v, loss, sigma=scales, share=_SHARE)
    in_time = fit_exponent(scales, times)
    ratio = values[:, 1] / values[:, 0]
    in_ratio = fit_exponent(scales, ratio)
    # The part of T that is not T_1 σ^(-(L-2)), at the small σ of the hypotheses.
    small = np.array(_SIGMAS[depth])
    tail = collapse.blow_up * scales ** (2.0 - depth) - predicted.time
    relative = tail / collapse.blow_up * small ** (depth - 2.0) * (np.log(1 / small) if depth == 4 else 1)
    share_of_rest = float(small[0] * collapse.frozen[0] / predicted.singular_values[0, 0])
    order = _neglected(x, y, v, depth, float(predicted.singular_values[0, 0]))
    sigma = _TAIL_SIGMA[depth]
    linear = time_of_escape(_network(x, y, shapes, saturates=False), sigma * start, depth - 1, _SHARE)
    left = collapse.blow_up * sigma ** (2.0 - depth) - linear.time
    feedback = float(np.square(x @ v).mean()) * _SHARE * loss / float(v @ v) ** 2
    return [
        Comparison(
            quantity=f"exponent of T in σ, L = {depth}",
            predicted=2.0 - depth,
            measured=in_time.slope,
            interval=in_time.interval,
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
        Comparison(
            quantity=f"exponent of s_2/s_1 of W_2 in σ, L = {depth}",
            predicted=1.0,
            measured=in_ratio.slope,
            interval=in_ratio.interval,
            tolerance=2 * share_of_rest**2 + 1e-4,
            reason="twice the square of s_2/s_1 at the largest σ; the solver's error in s_2 beside s_1",
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
            measured=left / float(tail[0]),
            tolerance=10 * feedback**2 + 1e-3,
            reason="the square of the output's feedback; for L = 3 the solver's 1e-10 of T",
        ),
    ]


def _neglected(x: Array, y: Array, v: Array, depth: int, largest: float) -> float:
    """What the cubic terms of L - 1 layers of tanh take from the output, relative to it."""
    along = x @ v / np.linalg.norm(v)
    third = abs(float(np.mean(y * along**3))) / float(np.linalg.norm(v))
    return third * largest**2 / _WIDTH


def _singular_values(theta: Array, shapes: list[tuple[int, int]]) -> Array:
    return np.asarray(np.linalg.svd(_split(theta, shapes)[1], compute_uv=False), dtype=float)


def _split(theta: Array, shapes: list[tuple[int, int]]) -> list[Array]:
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(theta, ends[:-1]), shapes, strict=True)]


def _network(x: Array, y: Array, shapes: list[tuple[int, int]], *, saturates: bool) -> Descent:
    """Flow of f = W_L s(⋯ s(W_1 x)) with s = tanh or the identity, in flat parameters."""

    def descent(theta: Array) -> tuple[Array, float]:
        matrices = _split(theta, shapes)
        signals = [x.T]
        for matrix in matrices[:-1]:
            hidden = matrix @ signals[-1]
            signals.append(np.tanh(hidden) if saturates else hidden)
        residual = y - (matrices[-1] @ signals[-1])[0]
        back = (residual / len(y))[None]
        steps = []
        for layer in range(len(matrices) - 1, -1, -1):
            steps.append(back @ signals[layer].T)
            back = matrices[layer].T @ back
            if saturates:
                back = back * (1 - signals[layer] ** 2)
        step = np.concatenate([part.ravel() for part in steps[::-1]])
        return step, float(residual @ residual) / (2 * len(y))

    return descent


CHECK: Check[Any, None] = Check(
    prediction=rank_collapse,
    observe=observe,
    controls={"large initialization: σ = 0.4, 0.2, 0.1": {"sigmas": (0.4, 0.2, 0.1)}},
)
