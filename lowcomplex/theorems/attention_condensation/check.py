"""Does an attention layer's value path condense first, when and how far, with query and key left behind?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.attention_condensation.formula import attention_condensation
from lowcomplex.theorems.attention_condensation.laws import LAW, MUTANTS, Law
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.softmax_attention import (
    Array,
    Weights,
    draw_tokens,
    draw_weights,
    initialized,
    train,
)
from lowcomplex.training import LossShare

_SAMPLES, _TOKENS, _WIDTH = 40, 4, 4
_DROPS = (1e-5, 4e-5, 2e-4, 1e-3)
# κ = vᵀ S v / λ⁴, with S the covariance of mean tokens, multiplies every neglected order of δ.
_MOST_CURVED = 8.0
# More than any start needs, in units of 1/λ, on a clock on which it grows at the rate λ.
_HORIZON = 1e3


class Stops(NamedTuple):
    """Networks of several scales when their loss has fallen by small shares.

    Attributes:
        inputs: (n, s, d) tokens.
        targets: (n,) of 1 and -1.
        draws: Number of data sets drawn until one satisfied the hypotheses.
        sigmas: (S,) scales of all weights, decreasing.
        draw: The standard normal numbers behind all starts.
        times: (S, D) times of the stops.
        value: (S, d, h) W_V at the last stop.
        change: (S, D) relative change of (W_Q, W_K) at each stop.
    """

    inputs: Array
    targets: Array
    draws: int
    sigmas: tuple[float, ...]
    draw: Weights
    times: Array
    value: Array
    change: Array


def observe(
    seed: int, *, sigmas: tuple[float, ...] = (3e-4, 1e-4, 3e-5, 1e-5), query_key: float | None = None
) -> Stops:
    """Train one draw at several scales to four small drops of the loss.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales of all weights, decreasing.
        query_key: Scale of W_Q and W_K; by default that of all weights.
    """
    x, y, draws = _draw_data(np.random.default_rng(seed))
    rate = float(np.linalg.norm(condensation_vector(x, y)))
    # One run per scale and drop: each ends at its own crossing.
    paths = np.repeat(sigmas, len(_DROPS))
    pairs = paths if query_key is None else np.full(len(paths), query_key)
    start = initialized(_WIDTH, paths.tolist(), pairs.tolist(), seed=seed)
    drops = torch.tensor(_DROPS * len(sigmas), dtype=torch.float64)
    run = train(x, y, start, (0.0, _HORIZON / rate), until=LossShare(1 - drops), own_clocks=True, rtol=1e-9)
    if not run.reached.all():
        raise ArithmeticError(f"the loss did not fall by {_DROPS[-1]:g}")
    shape = (len(sigmas), len(_DROPS))
    return Stops(
        x,
        y,
        draws,
        sigmas,
        draw_weights(_WIDTH, seed=seed),
        run.end_times.reshape(shape),
        run.end.value[len(_DROPS) - 1 :: len(_DROPS)],
        _relative_change(run.end, start).reshape(shape),
    )


def judge(observed: Stops, law: Law) -> tuple[Comparison, ...]:
    """Compare the stops' times, the condensed value matrix and the change of query and key."""
    x, y, sigmas, draw = observed.inputs, observed.targets, observed.sigmas, observed.draw
    v = law.vector(x, y)
    path = (draw.value[0], draw.hidden[0], draw.readout[0])
    predicted = law.stop(*path, v, sigma=sigmas, share=_DROPS[-1])
    left, singular, _ = np.linalg.svd(observed.value)
    ratio = singular[:, 1] / singular[:, 0]
    # A singular vector has no sign of its own.
    turned = left[..., 0] * np.sign(left[..., 0] @ v)[:, None]
    across = turned - np.outer(turned @ v, v) / (v @ v)
    rate, neglected, tilted, force = _first_neglected(x, y, draw)
    # How long before its blow-up the network stops: the part of T that does not depend on σ.
    before = predicted.blow_up_time / np.array(sigmas) - observed.times[:, -1]
    expected_before = predicted.blow_up_time / np.array(sigmas) - predicted.time
    expected_change = law.change(draw.query[0], draw.key[0], x, y, share=_DROPS)
    change = observed.change
    remains, expected_remains, collapse, expected_collapse, scale_free = (
        fit_exponent(sigmas, values)
        for values in (
            before * np.array(sigmas),
            expected_before * np.array(sigmas),
            ratio,
            predicted.ratio,
            change[:, -1],
        )
    )
    growth, expected_growth = (fit_exponent(_DROPS, values) for values in (change[-1], expected_change))
    order = f"κδ = {neglected:.1e} (κ = vᵀSv/λ⁴)"
    orders = np.log(sigmas[0] / sigmas[-1])
    # The norm of W_V at the last stop; the part that has not condensed is a share σ/a of it.
    size = (_DROPS[-1] / rate) ** (1 / 3)
    return tuple(
        Comparison(quantity, value, float(measured), tolerance, reason, interval, observed.draws)
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
                expected_remains.slope,
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
                expected_collapse.slope,
                collapse.slope,
                1e-3,
                "the next term is of order (σ/a)²",
                collapse.interval,
            ),
            (
                f"sine between v and W_V's first left singular vector at σ = {sigmas[-1]:g}",
                predicted.tilt[-1],
                np.linalg.norm(across[-1]),
                2 * tilted,
                "twice what the output's feedback turns W_V, δ |S v| across v / (4 λ³)",
                0.0,
            ),
            (
                f"difference of its part across v from that at σ = {sigmas[0]:g}, over the prediction",
                1.0,
                np.linalg.norm(across[0] - across[-1]) / (predicted.tilt[0] - predicted.tilt[-1]),
                2 * neglected,
                f"the feedback is the same at both; a at the stop is (δ/λ)^(1/3) up to 1/6 {order}",
                0.0,
            ),
            (
                f"change of query and key at σ = {sigmas[-1]:g}, δ = {_DROPS[-1]:g}, over the predicted one",
                1.0,
                change[-1, -1] / expected_change[-1],
                2 * (neglected + force),
                f"twice {order} and the share {force:.1e} by which the residuals change F",
                0.0,
            ),
            (
                "exponent of the change of query and key in δ",
                expected_growth.slope,
                growth.slope,
                0.02,
                "neglected shares of about 5 % at the two ends, over log(100)",
                growth.interval,
            ),
            (
                "exponent of the change of query and key in σ",
                0.0,
                scale_free.slope,
                0.02,
                f"the part that has not condensed, a few σ/a = {sigmas[0] / size:.0e}, over {orders:.1f}",
                scale_free.interval,
            ),
        )
    )


def _draw_data(rng: np.random.Generator) -> tuple[Array, Array, int]:
    """Data whose v is not small beside its noise, and the number of draws."""
    for draw in range(1, 100):
        x, y = draw_tokens(rng, _SAMPLES, _TOKENS, _WIDTH)
        v, pooled = condensation_vector(x, y), x.mean(1)
        if np.square(pooled @ v).mean() <= _MOST_CURVED * (v @ v) ** 2:
            return x, y, draw
    raise ArithmeticError("no data with a large enough v in 100 draws")


def _first_neglected(x: Array, y: Array, draw: Weights) -> tuple[float, float, float, float]:
    """λ, and at the last drop κδ, the output's feedback on W_V's direction, and F's own relative change."""
    v = condensation_vector(x, y)
    rate, drop = float(np.linalg.norm(v)), _DROPS[-1]
    # At small outputs residuals are y - f, so the output S v·x̄ replaces v by v - S (1/n) Σ x̄ x̄ᵀ v.
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
    """(B,) of (W_Q, W_K)."""
    end, begin = (np.concatenate((w.query, w.key), axis=-1) for w in (weights, start))
    change: Array = np.linalg.norm(end - begin, axis=(1, 2)) / np.linalg.norm(begin, axis=(1, 2))
    return change


CHECK = Check(
    prediction=attention_condensation,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants=MUTANTS,
    controls={
        "large initialization: σ = 1, 0.5, 0.25": {"sigmas": (1.0, 0.5, 0.25)},
        "attention far from uniform at the start: query and key of scale 3": {"query_key": 3.0},
    },
)
