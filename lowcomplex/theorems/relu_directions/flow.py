"""Gradient flow of many ReLU networks at once, with neurons that slide along their knots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Stop(NamedTuple):
    """Networks when their loss has fallen by a share δ.

    Attributes:
        times: (S,) the time of each.
        falls: (S,) the share of the loss at the recorded step, δ or slightly more.
        w: (S, m, 2) input weights.
        a: (S, m) output weights.
    """

    times: Array
    falls: Array
    w: Array
    a: Array


def flow_to_stop(
    x: Array, y: Array, w: Array, a: Array, *, delta: float, step: float, longest: float
) -> Stop:
    """Integrate ȧ_k = (1/n) Σ r_i relu(w_k·x_i), ẇ_k = (a_k/n) Σ r_i 1[w_k·x_i > 0] x_i, r = y - f.

    The field jumps where w_k·x_i = 0. Where it points to that line from both sides the flow slides along it
    (Filippov's solution): the neuron is put on the line and keeps the part of its velocity along it. A scheme
    without this chatters around the line with an amplitude of the order of its step.

    Args:
        x: (n, 2) inputs.
        y: (n,) targets.
        w: (S, m, 2) initial input weights of S networks.
        a: (S, m) initial output weights.
        delta: Stop each network at L = (1 - δ) L(f = 0).
        step: Time step of the Runge-Kutta scheme of order four.
        longest: Time after which to give up.

    Returns:
        The networks at their stops.

    Raises:
        ArithmeticError: A network did not reach its stop.
    """
    w, a = w.copy(), a.copy()
    pinned = np.full(a.shape, -1)
    running = np.arange(len(a))
    times, falls = np.full(len(a), np.nan), np.full(len(a), np.nan)
    before = _fall(x, y, w, a)
    for index in range(round(longest / step)):
        state = w[running], a[running], pinned[running]
        w[running], a[running], pinned[running] = _step(x, y, *state, step)
        after = _fall(x, y, w[running], a[running])
        over = after >= delta
        # The fall grows as an exponential of time, so its logarithm is interpolated.
        start = np.maximum(before[running], delta * 1e-12)[over]
        share = np.log(delta / start) / np.log(after[over] / start)
        times[running[over]] = (index + np.clip(share, 0, 1)) * step
        falls[running[over]] = after[over]
        before[running] = after
        running = running[~over]
        if not len(running):
            return Stop(times, falls, w, a)
    raise ArithmeticError(f"{len(running)} networks stayed on their plateau until t = {longest:g}")


def _fall(x: Array, y: Array, w: Array, a: Array) -> Array:
    output = _output(np.maximum(w @ x.T, 0), a)
    fall: Array = (output * (2 * y - output)).sum(-1) / np.square(y).sum()
    return fall


def _output(hidden: Array, a: Array) -> Array:
    output: Array = (a[:, None, :] @ hidden)[:, 0]
    return output


def _velocity(x: Array, y: Array, w: Array, a: Array, pinned: NDArray[np.int_]) -> tuple[Array, Array]:
    hidden = np.maximum(w @ x.T, 0)
    network, neuron = np.nonzero(pinned >= 0)
    knot = pinned[network, neuron]
    hidden[network, neuron, knot] = 0
    residual = (y - _output(hidden, a)) / len(y)
    drive = ((hidden > 0) * residual[:, None]) @ x
    normal = x[knot] / np.linalg.norm(x[knot], axis=1, keepdims=True)
    held = drive[network, neuron]
    drive[network, neuron] = held - (held * normal).sum(1, keepdims=True) * normal
    return a[..., None] * drive, (hidden @ residual[..., None])[..., 0]


def _step(
    x: Array, y: Array, w: Array, a: Array, pinned: NDArray[np.int_], step: float
) -> tuple[Array, Array, NDArray[np.int_]]:
    w1, a1 = _velocity(x, y, w, a, pinned)
    w2, a2 = _velocity(x, y, w + step / 2 * w1, a + step / 2 * a1, pinned)
    w3, a3 = _velocity(x, y, w + step / 2 * w2, a + step / 2 * a2, pinned)
    w4, a4 = _velocity(x, y, w + step * w3, a + step * a3, pinned)
    w_end = w + step / 6 * (w1 + 2 * (w2 + w3) + w4)
    a_end = a + step / 6 * (a1 + 2 * (a2 + a3) + a4)
    # Near a line that attracts from both sides the scheme's end may not have crossed it; its start would.
    z = w @ x.T
    crossed = ((z * (w_end @ x.T) < 0) | (z * ((w + step * w1) @ x.T) < 0)) & (pinned < 0)[..., None]
    network, neuron, knot = np.concatenate(
        (np.argwhere(crossed), np.argwhere(pinned >= 0) @ np.eye(2, 3, dtype=int)), axis=0
    ).T
    held = pinned[network, neuron] >= 0
    knot = np.where(held, pinned[network, neuron], knot)
    on_line = w_end[network, neuron]
    normal = x[knot] / np.square(x[knot]).sum(1, keepdims=True)
    on_line = on_line - (on_line * x[knot]).sum(1, keepdims=True) * normal
    slides = _slides(x, y, on_line, w_end, a_end, network, neuron, knot)
    w_end[network[slides], neuron[slides]] = on_line[slides]
    now = np.full_like(pinned, -1)
    now[network[slides], neuron[slides]] = knot[slides]
    return w_end, a_end, now


def _slides(
    x: Array,
    y: Array,
    on_line: Array,
    w: Array,
    a: Array,
    network: NDArray[np.int_],
    neuron: NDArray[np.int_],
    knot: NDArray[np.int_],
) -> NDArray[np.bool_]:
    """Whether the field points to the line w·x_knot = 0 from both of its sides."""
    residual = (y - _output(np.maximum(w @ x.T, 0), a))[network]
    active = on_line @ x.T > 0
    pairs = np.arange(len(knot))
    active[pairs, knot] = False
    sign = np.sign(a[network, neuron])
    idle = sign * (((active * residual) @ x) * x[knot]).sum(1)
    awake = idle + sign * residual[pairs, knot] * np.square(x[knot]).sum(1)
    slides: NDArray[np.bool_] = (idle > 0) & (awake < 0)
    return slides
