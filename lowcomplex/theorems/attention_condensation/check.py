"""Does an attention layer's value path condense first, when and how far, with query and key left behind?"""

from __future__ import annotations

from typing import Any

import numpy as np

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.attention_condensation.formula import attention_condensation, query_key_change
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.softmax_attention import (
    Array,
    Weights,
    draw_tokens,
    draw_weights,
    scaled,
    train_to_drops,
)

_SAMPLES, _TOKENS, _WIDTH = 40, 4, 4
_DROPS = (1e-5, 4e-5, 2e-4, 1e-3)
# κ = vᵀ S v / λ⁴, with S the covariance of mean tokens, multiplies every neglected order of δ.
_MOST_CURVED = 8.0


def observe(
    seed: int, *, sigmas: tuple[float, ...] = (3e-4, 1e-4, 3e-5, 1e-5), query_key: float | None = None
) -> tuple[Comparison, ...]:
    """Train one draw at several scales to three small drops of the loss.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales of all weights, decreasing.
        query_key: A scale of W_Q and W_K of their own.
    """
    rng = np.random.default_rng(seed)
    x, y, draws = _draw_data(rng)
    draw = draw_weights(rng, _WIDTH)
    v = condensation_vector(x, y)
    path = (draw.value[0], draw.hidden[0], draw.readout[0])
    predicted = attention_condensation(*path, v, sigma=sigmas, drop=_DROPS[-1])
    stops, ends = [], []
    for sigma in sigmas:
        start = scaled(draw, np.array([sigma]), np.array([sigma if query_key is None else query_key]))
        times, weights = train_to_drops(x, y, start, _DROPS, 20 * predicted.blow_up_time / sigma, rtol=1e-9)
        stops.append(times)
        ends.append((weights, _relative_change(weights, start)))
    change = np.stack([change for _, change in ends])
    left, singular, _ = np.linalg.svd(np.stack([weights.value[-1, 0] for weights, _ in ends]))
    ratio = singular[:, 1] / singular[:, 0]
    across = left[-1, :, 0] - v * (v @ left[-1, :, 0]) / (v @ v)
    rate, neglected, tilted, force = _first_neglected(x, y, v, draw)
    before = np.array([predicted.blow_up_time / s - t[-1] for s, t in zip(sigmas, stops, strict=True)])
    expected_before = predicted.blow_up_time / np.array(sigmas) - predicted.time
    expected_change = query_key_change(draw.query[0], draw.key[0], x, y, drop=_DROPS)
    remains = fit_exponent(sigmas, before * np.array(sigmas))
    collapse = fit_exponent(sigmas, ratio)
    growth = fit_exponent(_DROPS, change[-1])
    scale_free = fit_exponent(sigmas, change[:, -1])
    order = f"κδ = {neglected:.1e} (κ = vᵀSv/λ⁴)"
    orders = np.log(sigmas[0] / sigmas[-1])
    # The norm of W_V at the last stop; what has not condensed is a share σ/a of it.
    size = (_DROPS[-1] / rate) ** (1 / 3)
    return tuple(
        Comparison(quantity, value, float(measured), tolerance, reason, interval, draws)
        for quantity, value, measured, tolerance, reason, interval in (
            (
                f"T1/σ - T at σ = {sigmas[-1]:g}, over λ^(-2/3) δ^(-1/3)",
                1.0,
                before[-1] / expected_before[-1],
                2 * neglected,
                f"the next term is 2/3 {order}",
                0.0,
            ),
            (
                "exponent of T1 - Tσ in σ",
                1.0,
                remains.slope,
                1e-3,
                f"the next term is of order (σ/a)² = {(sigmas[0] / size) ** 2:.0e}",
                remains.interval,
            ),
            (
                f"s2/s1 of W_V at σ = {sigmas[-1]:g}, over σ r2/a",
                1.0,
                ratio[-1] / predicted.ratio[-1],
                2 * neglected,
                f"a at the stop is (δ/λ)^(1/3) up to 1/6 {order}",
                0.0,
            ),
            (
                "exponent of s2/s1 of W_V in σ",
                1.0,
                collapse.slope,
                1e-3,
                "the next term is of order (σ/a)²",
                collapse.interval,
            ),
            (
                f"sine between v and W_V's first left singular vector at σ = {sigmas[-1]:g}",
                predicted.tilt[-1],
                np.linalg.norm(across),
                2 * tilted,
                "twice what the output's feedback turns W_V, δ |S v| across v / (4 λ³)",
                0.0,
            ),
            (
                f"change of query and key at σ = {sigmas[-1]:g}, δ = {_DROPS[-1]:g}, over the predicted one",
                1.0,
                change[-1, -1] / expected_change[-1],
                2 * (neglected + force),
                f"twice {order} and the residuals' own share {force:.1e}",
                0.0,
            ),
            (
                "exponent of the change of query and key in δ",
                2 / 3,
                growth.slope,
                0.02,
                "neglected shares at the ends, of the order of 5 %, over log(100)",
                growth.interval,
            ),
            (
                "exponent of the change of query and key in σ",
                0.0,
                scale_free.slope,
                0.02,
                f"what has not condensed, a few times σ/a = {sigmas[0] / size:.0e}, over {orders:.1f}",
                scale_free.interval,
            ),
        )
    )


def _draw_data(rng: np.random.Generator) -> tuple[Array, Array, int]:
    """Data whose v is not small beside its noise, and the draws it took."""
    for draw in range(1, 100):
        x, y = draw_tokens(rng, _SAMPLES, _TOKENS, _WIDTH)
        v, pooled = condensation_vector(x, y), x.mean(1)
        if np.square(pooled @ v).mean() <= _MOST_CURVED * (v @ v) ** 2:
            return x, y, draw
    raise ArithmeticError("no data with a large enough v in 100 draws")


def _first_neglected(x: Array, y: Array, v: Array, draw: Weights) -> tuple[float, float, float, float]:
    """λ, and at the last drop κδ, the output's feedback on W_V's direction, and F's own relative change."""
    rate, drop = float(np.linalg.norm(v)), _DROPS[-1]
    pooled = x.mean(1)
    pulled = pooled.T @ (pooled @ v) / len(y)
    across = np.linalg.norm(pulled - v * (pulled @ v) / rate**2)

    def force(residuals: Array, direction: Array) -> float:
        matrix = query_key_matrix(x, residuals, direction)
        return float(np.hypot(np.linalg.norm(matrix @ draw.key[0]), np.linalg.norm(matrix.T @ draw.query[0])))

    own = force(pooled @ v / rate, v / rate) + force(y, pulled) / rate**2
    return (
        rate,
        float(drop * (pulled @ v) / rate**4),
        float(drop * across / (4 * rate**3)),
        drop / rate * own / force(y, v / rate),
    )


def _relative_change(weights: Weights, start: Weights) -> Array:
    """Of (W_Q, W_K), one for each stop."""
    moved = sum(
        np.square(end - begin).sum((1, 2, 3))
        for end, begin in ((weights.query, start.query), (weights.key, start.key))
    )
    change: Array = np.sqrt(moved / (np.square(start.query).sum() + np.square(start.key).sum()))
    return change


CHECK: Check[Any, None] = Check(
    prediction=attention_condensation,
    observe=observe,
    controls={
        "large initialization: σ = 1, 0.5, 0.25": {"sigmas": (1.0, 0.5, 0.25)},
        "attention far from uniform at the start: query and key of scale 3": {"query_key": 3.0},
    },
)
