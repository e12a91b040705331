"""Do query and key of a trained attention layer grow by the linear law, and does their rank fall to one?"""

from __future__ import annotations

from typing import Any

import numpy as np

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.attention_condensation.formula import attention_condensation
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.softmax_attention import (
    Array,
    Weights,
    draw_tokens,
    draw_weights,
    losses,
    scaled,
    train,
)
from lowcomplex.theorems.query_key_stage.formula import (
    ValuePlateau,
    escape_from_plateau,
    query_key_stage,
    query_rank_exponent,
    value_plateau,
)

_SAMPLES, _TOKENS, _WIDTH = 60, 4, 4
_VALUE_SCALE = 0.03
# The last network is so small for so long that it stands for the linear law while the others escape.
_SIGMAS = (1e-7, 1e-8, 1e-9, 1e-11)
# Relative distances of W_V W1 w2 from the plateau at which the closed form takes over.
_DEPTHS = (1e-2, 3e-3, 1e-3)
# Shares of the plateau's loss: where linearity is tested, and what counts as the escape.
_EARLY, _ESCAPE = 1e-5, 1e-2
_RECORDS = 1000
# Growth of query and key over the value path's slowest approach, and s2 over s1.
_FASTEST, _CLOSEST = 2.5, 0.8


def observe(
    seed: int, *, sigmas: tuple[float, ...] = _SIGMAS, attends: bool = True
) -> tuple[Comparison, ...]:
    """Train one draw, its query and key at several scales, from the start until all have left the plateau.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales of W_Q and W_K, decreasing.
        attends: Whether the labels need attention; else a direction separates the mean tokens.
    """
    rng = np.random.default_rng(seed)
    x, y, plateau, draws = _draw_data(rng, attends)
    draw = draw_weights(rng, _WIDTH)
    top = float(np.linalg.norm(plateau.matrix, 2))
    path = (draw.value[0], draw.hidden[0], draw.readout[0])
    first = attention_condensation(*path, condensation_vector(x, y), sigma=_VALUE_SCALE, drop=1e-3)
    horizon = first.blow_up_time / _VALUE_SCALE + (10 - np.log(sigmas[-1])) / top
    times = np.linspace(0, horizon, _RECORDS)
    start = scaled(draw, np.full(len(sigmas), _VALUE_SCALE), np.array(sigmas))
    weights = train(x, y, start, times, rtol=1e-9, floor=(1 - 2 * _ESCAPE) * plateau.loss)
    times = times[: len(weights.readout)]
    fallen = 1 - losses(x, y, weights) / plateau.loss
    escapes = _crossings(times, fallen, _ESCAPE)
    singular = np.linalg.svd(weights.query, compute_uv=False)
    ratio = np.log(singular[..., 1] / singular[..., 0])
    at_escape = np.exp([np.interp(t, times, ratio[:, k]) for k, t in enumerate(escapes)])
    delay = fit_exponent(sigmas, np.exp(-top * (escapes - escapes[0])))
    expected = _expected_ratio(plateau, weights, sigmas)
    collapse = fit_exponent(sigmas, at_escape / expected)
    limit = query_rank_exponent(plateau.matrix)
    linear = fit_exponent(sigmas[:-1], _nonlinearity(weights, sigmas, times, fallen))
    away = np.linalg.norm(weights.direction[:, -1] - plateau.direction, axis=-1)
    return (
        Comparison(
            quantity=f"relative distance from β* that W_V W1 w2 comes to, σ = {sigmas[-1]:g}",
            predicted=0.0,
            measured=away.min() / np.linalg.norm(plateau.direction),
            tolerance=5 * sigmas[-1] ** (2 / (1 + 2 * _FASTEST)),
            reason="σ^(2μ/(μ + 2 s1)): it comes as e^(-μt), and query and key push it away as σ² e^(2 s1 t)",
            draws=draws,
        ),
        Comparison(
            quantity=f"error of the closed form from depths {_DEPTHS} of the plateau, over its bound",
            predicted=0.0,
            measured=_closed_form_error(x, y, plateau, weights, times, escapes),
            tolerance=1.0,
            reason="Grönwall: |Y0| e^(s1 t) (e^I - 1), I the integral of |F - F*| along the value path",
            draws=draws,
        ),
        Comparison(
            quantity="exponent in σ of the departure from linearity",
            predicted=2.0,
            measured=linear.slope,
            tolerance=0.02,
            reason="the next order is the square of the largest departure, below 1e-2, over log(100)",
            interval=linear.interval,
            draws=draws,
        ),
        Comparison(
            quantity="s1 dT/dlog(1/σ), T the time of the second escape",
            predicted=1.0,
            measured=delay.slope,
            tolerance=0.01,
            reason="what the plateau still lacks at the first of these escapes, below 1e-2, over log(1e4)",
            interval=delay.interval,
            draws=draws,
        ),
        Comparison(
            quantity="exponent in σ of s2/s1 of W_Q at the second escape",
            predicted=limit,
            measured=limit + collapse.slope,
            tolerance=0.005,
            reason="the closed form's own third singular values are taken off; what is left, a few percent "
            "at the first escape, over log(1e4)",
            interval=collapse.interval,
            draws=draws,
        ),
    )


def _draw_data(rng: np.random.Generator, attends: bool) -> tuple[Array, Array, ValuePlateau, int]:
    """Data with a plateau that is reached in time, a gap of F, and the draws it took."""
    for draw in range(1, 100):
        x, y = draw_tokens(rng, _SAMPLES, _TOKENS, _WIDTH, attends=attends)
        if not attends:
            return x, y, _no_plateau(x, y), draw
        try:
            plateau = value_plateau(x, y)
        except ValueError:
            continue
        singular = np.linalg.svd(plateau.matrix, compute_uv=False)
        if singular[0] <= _FASTEST * plateau.rates[0] and singular[1] <= _CLOSEST * singular[0]:
            return x, y, plateau, draw
    raise ArithmeticError(f"no data with a plateau, s1 <= {_FASTEST} μ and s2 <= {_CLOSEST} s1 in 100 draws")


def _no_plateau(x: Array, y: Array) -> ValuePlateau:
    """A point on the way to infinity in the place of a plateau: twice as far as tanh's linear range."""
    v = condensation_vector(x, y)
    direction = 2 * v / np.sqrt(np.square(x.mean(1) @ v).mean())
    output = np.tanh(x.mean(1) @ direction)
    matrix = query_key_matrix(x, y * np.exp(-y * output) * (1 - output**2), direction)
    return ValuePlateau(direction, float(np.exp(-y * output).mean()), np.full(_WIDTH, np.nan), matrix)


def _crossings(times: Array, fallen: Array, share: float) -> Array:
    """First time at which each network's loss is below the plateau's by a share; NaN if never."""
    found = []
    for drop in fallen.T:
        after = int((drop > share).argmax())
        if after == 0:
            found.append(np.nan)
            continue
        ends = np.log(np.maximum(drop[after - 1 : after + 1], 1e-3 * share))
        found.append(np.interp(np.log(share), ends, times[after - 1 : after + 1]))
    return np.array(found)


def _nonlinearity(weights: Weights, sigmas: tuple[float, ...], times: Array, fallen: Array) -> Array:
    """Relative distance of (W_Q, W_K)/σ from the smallest network's when the largest one begins to escape."""
    crossing = _crossings(times, fallen[:, :1], _EARLY)[0]
    if not np.isfinite(crossing):
        return np.full(len(sigmas) - 1, np.nan)
    at = int(np.searchsorted(times, crossing))
    pair = np.concatenate((weights.query[at], weights.key[at]), axis=-1) / np.array(sigmas)[:, None, None]
    distance: Array = np.linalg.norm(pair[:-1] - pair[-1], axis=(1, 2)) / np.linalg.norm(pair[-1])
    return distance


def _expected_ratio(plateau: ValuePlateau, weights: Weights, sigmas: tuple[float, ...]) -> Array:
    """s2/s1 of W_Q at each escape by the closed form, from the smallest network's pair at the last depth."""
    away = np.linalg.norm(weights.direction[:, -1] - plateau.direction, axis=-1)
    near = away <= _DEPTHS[-1] * np.linalg.norm(plateau.direction)
    if not near.any():
        return np.full(len(sigmas), np.nan)
    begin = int(near.argmax())
    ratios = []
    for sigma in sigmas:
        query, key = (piece[begin, -1] * sigma / sigmas[-1] for piece in (weights.query, weights.key))
        time = escape_from_plateau(query, key, plateau.matrix, drop=_ESCAPE * plateau.loss)
        singular = np.linalg.svd(query_key_stage(query, key, plateau.matrix, time).query, compute_uv=False)
        ratios.append(singular[1] / singular[0])
    return np.array(ratios)


def _closed_form_error(
    x: Array, y: Array, plateau: ValuePlateau, weights: Weights, times: Array, escapes: Array
) -> float:
    """Largest error over its bound for the smallest network, from each depth to the next network's escape."""
    away = np.linalg.norm(weights.direction[:, -1] - plateau.direction, axis=-1)
    reached = [(away <= depth * np.linalg.norm(plateau.direction)) for depth in _DEPTHS]
    if not (all(near.any() for near in reached) and np.isfinite(escapes[-2])):
        return float("nan")
    end = int(np.searchsorted(times, escapes[-2]))
    missing = _distance_from_matrix(x, y, weights.direction[: end + 1, -1], plateau.matrix)
    top = np.linalg.norm(plateau.matrix, 2)
    shares = []
    for near in reached:
        begin = int(near.argmax())
        if begin >= end:
            return float("nan")
        query, key, elapsed = weights.query[begin, -1], weights.key[begin, -1], times[end] - times[begin]
        predicted = query_key_stage(query, key, plateau.matrix, elapsed)
        error = np.hypot(
            np.linalg.norm(weights.query[end, -1] - predicted.query),
            np.linalg.norm(weights.key[end, -1] - predicted.key),
        )
        integral = np.trapezoid(missing[begin:], times[begin : end + 1])
        grown = np.hypot(np.linalg.norm(query), np.linalg.norm(key)) * np.exp(top * elapsed)
        shares.append(error / (grown * np.expm1(integral)))
    return float(np.max(shares))


def _distance_from_matrix(x: Array, y: Array, directions: Array, matrix: Array) -> Array:
    """|F(β) - F*| for each of (T, d) directions β."""
    centered = x - x.mean(1, keepdims=True)
    covariance = np.einsum("nsd,nse->nde", centered, centered) / x.shape[1]
    output = np.tanh(directions @ x.mean(1).T)
    pull = y * np.exp(-y * output) * (1 - output**2) / (len(x) * np.sqrt(x.shape[2]))
    parts = np.einsum("na,nbc->nabc", x[:, -1], covariance).reshape(len(x), -1)
    along = (pull @ parts).reshape(-1, *covariance.shape[1:], covariance.shape[1])
    distance: Array = np.linalg.norm(np.einsum("tabc,tb->tac", along, directions) - matrix, 2, axis=(1, 2))
    return distance


CHECK: Check[Any, None] = Check(
    prediction=query_key_stage,
    observe=observe,
    controls={
        "large query and key: σ = 1, 0.5, 0.25, 0.1": {"sigmas": (1.0, 0.5, 0.25, 0.1)},
        "no plateau: a direction separates the mean tokens": {"attends": False},
    },
)
