"""What is read off trained attention layers on their way to a plateau, along it, and off it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lowcomplex.theorems.observations.softmax_attention import Array, Weights
from lowcomplex.theorems.query_key_stage.formula import QueryKeyStage, ValuePlateau


class Trained(NamedTuple):
    """One draw of weights, its query and key at several scales, trained until all have left the plateau.

    Attributes:
        inputs: (n, s, d) tokens.
        targets: (n,) of 1 and -1.
        draws: Number of data sets drawn until one satisfied the hypotheses.
        settles: Whether the data have a plateau.
        sigmas: (B,) scales of W_Q and W_K, decreasing.
        normals: (d, k) twice: the standard normal numbers that σ times are W_Q and W_K at time 0.
        times: (T,) times of the records.
        weights: (T, B, ...) weights.
        losses: (T, B) losses.
        ratios: (T, B) second over first singular value of W_Q.
    """

    inputs: Array
    targets: Array
    draws: int
    settles: bool
    sigmas: tuple[float, ...]
    normals: tuple[Array, Array]
    times: Array
    weights: Weights
    losses: Array
    ratios: Array


def crossings(times: Array, fallen: Array, share: float) -> Array:
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


def first_within(trained: Trained, plateau: ValuePlateau, depth: float) -> int | None:
    """First record at which the smallest network's W_V W1 w2 is within a relative distance of β*."""
    away = np.linalg.norm(trained.weights.direction[:, -1] - plateau.direction, axis=-1)
    near = away <= depth * np.linalg.norm(plateau.direction)
    return int(near.argmax()) if near.any() else None


def pair_at(trained: Trained, record: int, sigma: float) -> tuple[Array, Array]:
    """W_Q and W_K that a network of scale σ has at a record, from the smallest network's pair."""
    factor = sigma / trained.sigmas[-1]
    return factor * trained.weights.query[record, -1], factor * trained.weights.key[record, -1]


def nonlinearity(trained: Trained, fallen: Array, share: float) -> Array:
    """Relative distance of (W_Q, W_K)/σ from the smallest network's when the largest one begins to escape."""
    crossing = crossings(trained.times, fallen[:, :1], share)[0]
    if not np.isfinite(crossing):
        return np.full(len(trained.sigmas) - 1, np.nan)
    at = int(np.searchsorted(trained.times, crossing))
    pair = np.concatenate((trained.weights.query[at], trained.weights.key[at]), axis=-1)
    pair = pair / np.array(trained.sigmas)[:, None, None]
    distance: Array = np.linalg.norm(pair[:-1] - pair[-1], axis=(1, 2)) / np.linalg.norm(pair[-1])
    return distance


def velocity_error(
    trained: Trained, plateau: ValuePlateau, velocity: Callable[[Array, Array, Array], Array]
) -> float:
    """Largest relative error of a law for dβ/dt, where |β| is 5 to 90 % of |β*|, for the smallest network."""
    path, times = trained.weights.direction[:, -1], trained.times
    share = np.linalg.norm(path, axis=-1)[1:-1] / np.linalg.norm(plateau.direction)
    # Beyond a detour, on the way back to β*, the path is no longer that of the first stage.
    far = np.flatnonzero(share >= 0.9)
    chosen = np.arange(1, len(times) - 1)[: far[0] if len(far) else None]
    chosen = chosen[share[: len(chosen)] > 0.05]
    if not len(chosen):
        return float("nan")
    measured = (path[chosen + 1] - path[chosen - 1]) / (times[chosen + 1] - times[chosen - 1])[:, None]
    error = np.linalg.norm(measured - velocity(path[chosen], trained.inputs, trained.targets), axis=-1)
    return float((error / np.linalg.norm(measured, axis=-1)).max())


def approach(trained: Trained, plateau: ValuePlateau, begin: float, end: float) -> tuple[float, float]:
    """Rates at which β approaches β* between two depths, in the mode that is largest there.

    Returns:
        The plateau's rate of that mode, and the measured one.
    """
    first, last = (first_within(trained, plateau, depth) for depth in (begin, end))
    if first is None or last is None or last <= first:
        return float("nan"), float("nan")
    left = trained.weights.direction[[first, last], -1] - plateau.direction
    size = np.abs(left @ plateau.modes.T)
    mode = int(size[0].argmax())
    elapsed = trained.times[last] - trained.times[first]
    return float(plateau.rates[mode]), float(np.log(size[0, mode] / size[1, mode]) / elapsed)


def closed_form_error(
    trained: Trained,
    plateau: ValuePlateau,
    stage: Callable[[Array, Array, Array, float], QueryKeyStage],
    depths: tuple[float, ...],
    until: float,
) -> float:
    """Largest error of a law over its bound for the smallest network, from each depth to a time."""
    begins = [first_within(trained, plateau, depth) for depth in depths]
    if not np.isfinite(until):
        return float("nan")
    times, weights = trained.times, trained.weights
    end = int(np.searchsorted(times, until))
    matrices = matrices_along(trained.inputs, trained.targets, weights.direction[: end + 1, -1])
    missing = np.linalg.norm(matrices - plateau.matrix, 2, axis=(1, 2))
    top = np.linalg.norm(plateau.matrix, 2)
    shares = []
    for begin in begins:
        if begin is None or begin >= end:
            return float("nan")
        query, key, elapsed = weights.query[begin, -1], weights.key[begin, -1], times[end] - times[begin]
        predicted = stage(query, key, plateau.matrix, elapsed)
        error = np.hypot(
            np.linalg.norm(weights.query[end, -1] - predicted.query),
            np.linalg.norm(weights.key[end, -1] - predicted.key),
        )
        integral = np.trapezoid(missing[begin:], times[begin : end + 1])
        grown = np.hypot(np.linalg.norm(query), np.linalg.norm(key)) * np.exp(top * elapsed)
        shares.append(error / (grown * np.expm1(integral)))
    return float(np.max(shares))


def error_from_start(
    trained: Trained,
    plateau: ValuePlateau,
    stage: Callable[[Array, Array, Array, float], QueryKeyStage],
    depth: float,
) -> float:
    """Relative error of a law for the smallest pair at a depth of the plateau, from the nominal start.

    The law is followed from σ times the draw, from record to record, with the mean of F at the two records.
    """
    end = first_within(trained, plateau, depth)
    if end is None:
        return float("nan")
    times, weights = trained.times, trained.weights
    matrices = matrices_along(trained.inputs, trained.targets, weights.direction[: end + 1, -1])
    query, key = (trained.sigmas[-1] * numbers for numbers in trained.normals)
    for mean, elapsed in zip((matrices[1:] + matrices[:-1]) / 2, np.diff(times[: end + 1]), strict=True):
        query, key, _ = stage(query, key, mean, elapsed)
    measured = np.concatenate((weights.query[end, -1], weights.key[end, -1]), axis=-1)
    predicted = np.concatenate((query, key), axis=-1)
    return float(np.linalg.norm(predicted - measured) / np.linalg.norm(measured))


def matrices_along(x: Array, y: Array, directions: Array) -> Array:
    """F(β) for each of (T, d) directions β."""
    centered = x - x.mean(1, keepdims=True)
    covariance = np.einsum("nsd,nse->nde", centered, centered) / x.shape[1]
    output = np.tanh(directions @ x.mean(1).T)
    pull = y * np.exp(-y * output) * (1 - output**2) / (len(x) * np.sqrt(x.shape[2]))
    parts = np.einsum("na,nbc->nabc", x[:, -1], covariance).reshape(len(x), -1)
    along = (pull @ parts).reshape(-1, *covariance.shape[1:], covariance.shape[1])
    matrices: Array = np.einsum("tabc,tb->tac", along, directions)
    return matrices
