"""Do query and key of a trained attention layer grow by the linear law, and does their rank fall to one?"""

from __future__ import annotations

import numpy as np
import torch

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.attention_condensation.formula import attention_condensation
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector, query_key_matrix
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.softmax_attention import (
    Array,
    draw_tokens,
    draw_weights,
    initialized,
    losses,
    train,
)
from lowcomplex.theorems.query_key_stage.along_plateau import (
    Trained,
    approach,
    closed_form_error,
    crossings,
    error_from_start,
    first_within,
    nonlinearity,
    pair_at,
    velocity_error,
)
from lowcomplex.theorems.query_key_stage.formula import ValuePlateau, query_key_stage
from lowcomplex.theorems.query_key_stage.laws import LAW, MUTANTS, Law, plateau_of
from lowcomplex.training import LossShare

_SAMPLES, _TOKENS, _WIDTH = 60, 4, 4
_VALUE_SCALE = 0.03
# The last network is so small for so long that it stands for the linear law while the others escape.
_SIGMAS = (1e-7, 1e-8, 1e-9, 1e-11)
# Relative distances of W_V W1 w2 from the plateau at which the closed form takes over.
_DEPTHS = (1e-2, 3e-3, 1e-3)
# Shares of the plateau's loss: where linearity is tested, where the formula of the escape holds without the
# next order, and what counts as the escape.
_EARLY, _FIRST, _ESCAPE = 1e-5, 1e-4, 1e-2
_RECORDS = 1000
# Growth of query and key over the value path's slowest approach, and s2 over s1.
_FASTEST, _CLOSEST = 2.5, 0.8


def observe(seed: int, *, sigmas: tuple[float, ...] = _SIGMAS, attends: bool = True) -> Trained:
    """Train one draw, its query and key at several scales, from the start until all have left the plateau.

    Args:
        seed: Seed of data and weights.
        sigmas: Scales of W_Q and W_K, decreasing.
        attends: Whether the labels need attention; else a direction separates the mean tokens.
    """
    x, y, plateau, draws = _draw_data(np.random.default_rng(seed), attends)
    draw, scales = draw_weights(_WIDTH, seed=seed), [_VALUE_SCALE] * len(sigmas)
    path = (draw.value[0], draw.hidden[0], draw.readout[0])
    first = attention_condensation(*path, condensation_vector(x, y), sigma=_VALUE_SCALE, share=1e-3)
    top = float(np.linalg.norm(plateau.matrix, 2))
    horizon = first.blow_up_time / _VALUE_SCALE + (10 - np.log(sigmas[-1])) / top
    start = initialized(_WIDTH, scales, sigmas, seed=seed)
    floor = torch.from_numpy((1 - 2 * _ESCAPE) * plateau.loss / losses(x, y, start))
    run = train(x, y, start, np.linspace(0, horizon, _RECORDS), until=LossShare(floor), rtol=1e-9)
    singular = np.linalg.svd(run.weights.query, compute_uv=False)
    ratios = singular[..., 1] / singular[..., 0]
    pair = draw.query[0], draw.key[0]
    return Trained(x, y, draws, attends, sigmas, pair, run.times, run.weights, run.losses, ratios)


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare where the value path rests, how the pair grows there, when it escapes, and its rank then."""
    x, y, sigmas, times = observed.inputs, observed.targets, observed.sigmas, observed.times
    plateau = law.plateau(x, y) if observed.settles else _no_plateau(x, y)
    top, second = np.linalg.svd(plateau.matrix, compute_uv=False)[:2]
    fallen = 1 - observed.losses / plateau.loss
    escapes = crossings(times, fallen, _ESCAPE)
    begin = first_within(observed, plateau, _DEPTHS[-1])
    waits, first, ratios = (np.full(len(sigmas), np.nan) for _ in range(3))
    for k, sigma in enumerate(sigmas if begin is not None else ()):
        pair = pair_at(observed, begin or 0, sigma)
        waits[k], first[k] = (
            law.escape(*pair, plateau.matrix, drop=share * plateau.loss) for share in (_ESCAPE, _FIRST)
        )
        singular = np.linalg.svd(law.stage(*pair, plateau.matrix, waits[k]).query, compute_uv=False)
        ratios[k] = singular[1] / singular[0]
    at_escape = np.exp([np.interp(t, times, np.log(observed.ratios[:, k])) for k, t in enumerate(escapes)])
    linear = fit_exponent(sigmas[:-1], nonlinearity(observed, fallen, _EARLY))
    predicted_delay, delay = (
        fit_exponent(sigmas, np.exp(-top * (wait - wait[0]))) for wait in (waits, escapes)
    )
    collapse, beside = fit_exponent(sigmas, at_escape), fit_exponent(sigmas, at_escape / ratios)
    # What lies between the closed form's ratio and the two growing modes alone.
    others = abs(fit_exponent(sigmas, ratios * np.exp((top - second) * waits)).slope)
    away = np.linalg.norm(observed.weights.direction[:, -1] - plateau.direction, axis=-1)
    rate, measured_rate = approach(observed, plateau, _DEPTHS[0], _DEPTHS[-1])
    least = f"σ = {sigmas[-1]:g}"
    return tuple(
        Comparison(quantity, float(predicted), float(measured), tolerance, reason, interval, observed.draws)
        for quantity, predicted, measured, tolerance, reason, interval in (
            (
                f"relative distance from β* that W_V W1 w2 comes to, {least}",
                0.0,
                away.min() / np.linalg.norm(plateau.direction),
                5 * sigmas[-1] ** (2 / (1 + 2 * _FASTEST)),
                "σ^(2μ/(μ + 2 s1)): it comes as e^(-μt), and query and key push it away as σ² e^(2 s1 t)",
                0.0,
            ),
            (
                "largest relative error of the velocity of W_V W1 w2 on its way to β*",
                0.0,
                velocity_error(observed, plateau, law.velocity),
                0.02,
                f"what has not condensed, the square of s2/s1 = {_VALUE_SCALE:g} r2/a of W_V, a few 1e-3; "
                "differences of records, a few 1e-3",
                0.0,
            ),
            (
                f"rate of approach to β*, largest mode at {_DEPTHS[0]:g} of it",
                rate,
                measured_rate,
                0.03 * measured_rate,
                f"the next order in the distance, a few times {_DEPTHS[0]:g}, over log(10)",
                0.0,
            ),
            (
                f"relative error of (W_Q, W_K) at {_DEPTHS[-1]:g} of β*, from σ times the draw, {least}",
                0.0,
                error_from_start(observed, plateau, law.stage, _DEPTHS[-1]),
                1e-3,
                "a mean of F over each step of the record, below 1e-4; the next order in the pair, far below",
                0.0,
            ),
            (
                f"error of the closed form from depths {_DEPTHS} of the plateau, over its bound",
                0.0,
                closed_form_error(observed, plateau, law.stage, _DEPTHS, escapes[-2]),
                1.0,
                "Grönwall: |Y0| e^(s1 t) (e^I - 1), I the integral of |F - F*| along the value path",
                0.0,
            ),
            (
                "exponent in σ of the departure from linearity",
                2.0,
                linear.slope,
                0.02,
                "the next order is the square of the largest departure, below 1e-2, over log(100)",
                linear.interval,
            ),
            (
                f"s1 T, T the time at which the loss has fallen by {_FIRST:g}, {least}",
                top * ((times[begin] if begin is not None else np.nan) + first[-1]),
                top * crossings(times, fallen, _FIRST)[-1],
                0.02,
                f"the next order in the pair, ten times {_FIRST:g}; what the plateau lacks at depth "
                f"{_DEPTHS[-1]:g}, a few times that; steps of the record",
                0.0,
            ),
            (
                "s1 dT/dlog(1/σ), T the time of the second escape",
                predicted_delay.slope,
                delay.slope,
                0.01,
                "what the plateau still lacks at the first of these escapes, below 1e-2, over log(1e4)",
                delay.interval,
            ),
            (
                "exponent in σ of s2/s1 of W_Q at the second escape",
                law.exponent(plateau.matrix),
                collapse.slope,
                0.005 + others,
                f"by the closed form, third singular values and shrinking parts move it by {others:.4f}; "
                "what is left, a few percent at the first escape, over log(1e4)",
                collapse.interval,
            ),
            (
                "exponent in σ of that ratio over the closed form's",
                0.0,
                beside.slope,
                0.005,
                "what is left, a few percent at the first escape, over log(1e4)",
                beside.interval,
            ),
        )
    )


def _draw_data(rng: np.random.Generator, attends: bool) -> tuple[Array, Array, ValuePlateau, int]:
    """Data with a plateau that is reached in time, a gap of F, and the draws it took."""
    for draw in range(1, 100):
        x, y = draw_tokens(rng, _SAMPLES, _TOKENS, _WIDTH, attends=attends)
        if not attends:
            return x, y, _no_plateau(x, y), draw
        try:
            plateau = plateau_of(x, y)
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
    loss, unknown = float(np.exp(-y * output).mean()), np.full((_WIDTH, _WIDTH), np.nan)
    return ValuePlateau(direction, loss, unknown[0], unknown, matrix)


CHECK = Check(
    prediction=query_key_stage,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants=MUTANTS,
    controls={
        "large query and key: σ = 1, 0.5, 0.25, 0.1": {"sigmas": (1.0, 0.5, 0.25, 0.1)},
        "no plateau: a direction separates the mean tokens": {"attends": False},
    },
)
