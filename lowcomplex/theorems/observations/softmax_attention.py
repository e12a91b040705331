"""One softmax attention layer under gradient flow, many networks at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Of the teacher's output, whose own scale is about 1: with it no direction separates the labels.
_NOISE = 0.3


@dataclass(frozen=True)
class Weights:
    """The parameters of B networks, or of B networks at each of T times.

    Attributes:
        value: (..., B, d, h) W_V.
        hidden: (..., B, h, h) W1.
        readout: (..., B, h) w2.
        query: (..., B, d, k) W_Q.
        key: (..., B, d, k) W_K.
    """

    value: Array
    hidden: Array
    readout: Array
    query: Array
    key: Array

    @property
    def direction(self) -> Array:
        """(..., B, d) W_V W1 w2, what the network's output projects the attended tokens on."""
        product: Array = (self.value @ (self.hidden @ self.readout[..., None]))[..., 0]
        return product

    def pieces(self) -> tuple[Array, ...]:
        """The arrays in order."""
        return self.value, self.hidden, self.readout, self.query, self.key


def draw_tokens(
    rng: np.random.Generator,
    samples: int,
    tokens: int,
    width: int,
    *,
    attends: bool = True,
    noise: float = 0.3,
) -> tuple[Array, Array]:
    """Gaussian tokens with the signs of a noisy attention teacher, or of a noiseless mean of the tokens.

    Returns:
        Inputs (n, s, d) and targets (n,), each 1 or -1.
    """
    x = rng.standard_normal((samples, tokens, width))
    scores = 2 / np.sqrt(width) * rng.standard_normal((width, width))
    direction = rng.standard_normal(width)
    logits = np.einsum("nsd,de,ne->ns", x, scores, x[:, -1])
    share = np.exp(logits - logits.max(1, keepdims=True)) if attends else np.ones_like(logits)
    pooled = np.einsum("ns,nsd->nd", share / share.sum(1, keepdims=True), x)
    targets = np.sign(pooled @ direction + _NOISE * attends * rng.standard_normal(samples))
    return x, targets


def draw_weights(rng: np.random.Generator, width: int) -> Weights:
    """Standard normal weights of one network, all matrices width × width."""
    square = (1, width, width)
    return Weights(
        value=rng.standard_normal(square),
        hidden=rng.standard_normal(square),
        readout=rng.standard_normal((1, width)),
        query=rng.standard_normal(square),
        key=rng.standard_normal(square),
    )


def scaled(draw: Weights, value_path: Array, query_key: Array) -> Weights:
    """One draw at (B,) scales of the value path (W_V, W1, w2) and of (W_Q, W_K)."""
    path, pair = (np.asarray(scale, dtype=float)[:, None, None] for scale in (value_path, query_key))
    return Weights(
        path * draw.value, path * draw.hidden, path[..., 0] * draw.readout, pair * draw.query, pair * draw.key
    )


def losses(inputs: Array, targets: Array, weights: Weights) -> Array:
    """(..., B) mean of exp(-y f), f = tanh(softmax(x_lastᵀ W_Q W_Kᵀ Xᵀ / sqrt d) X W_V W1 w2)."""
    return _losses(_Tokens(inputs), targets, weights)


def train(
    inputs: Array,
    targets: Array,
    start: Weights,
    times: Array,
    *,
    rtol: float = 1e-10,
    floor: float | None = None,
) -> Weights:
    """Gradient flow of the mean of exp(-y f), recorded at given times.

    Args:
        inputs: (n, s, d) tokens; the last of them asks.
        targets: (n,) of 1 and -1.
        start: (B, ...) weights.
        times: (T,) increasing, the first of them 0.
        rtol: Relative tolerance of the solver.
        floor: End once every network's loss is below it.

    Returns:
        (T, B, ...) weights; fewer times than asked for if the flow ended early.

    Raises:
        ArithmeticError: The solver failed.
    """
    flow = _Flow(inputs, targets, start)

    def above(_: float, flat: Array) -> float:
        return float(_losses(flow.tokens, targets, flow.unpack(flat)).max()) - (floor or 0)

    above.terminal = True  # type: ignore[attr-defined]
    solution = flow.solve(float(times[-1]), rtol, t_eval=times, events=above if floor else None)
    return flow.unpack(solution.y.T, (len(solution.t),))


def train_to_drops(
    inputs: Array,
    targets: Array,
    start: Weights,
    drops: tuple[float, ...],
    horizon: float,
    *,
    rtol: float = 1e-10,
) -> tuple[Array, Weights]:
    """Gradient flow of one network to the first times at which its loss has fallen by given shares.

    Args:
        inputs: (n, s, d) tokens.
        targets: (n,) of 1 and -1.
        start: (1, ...) weights.
        drops: Increasing shares δ of the initial loss.
        horizon: Time at which to give up.
        rtol: Relative tolerance of the solver.

    Returns:
        Times (T,) and weights (T, 1, ...), one for each drop; the crossings are located by root finding.

    Raises:
        ArithmeticError: The solver failed, or a drop was not reached.
    """
    flow = _Flow(inputs, targets, start)
    initial = float(losses(inputs, targets, start)[0])

    def event(drop: float) -> Any:
        def left(_: float, flat: Array) -> float:
            return float(_losses(flow.tokens, targets, flow.unpack(flat))[0]) / initial - (1 - drop)

        left.terminal = drop == drops[-1]  # type: ignore[attr-defined]
        return left

    solution = flow.solve(horizon, rtol, events=[event(drop) for drop in drops])
    if solution.status != 1 or not all(len(times) for times in solution.t_events):
        raise ArithmeticError(f"the loss did not fall by {drops[-1]:g} until t = {horizon:g}")
    times = np.array([crossings[0] for crossings in solution.t_events])
    return times, flow.unpack(np.stack([states[0] for states in solution.y_events]), (len(times),))


class _Flow:
    """The flow as one flat system."""

    def __init__(self, inputs: Array, targets: Array, start: Weights) -> None:
        self.tokens, self.targets = _Tokens(inputs), targets
        self.shapes = [piece.shape for piece in start.pieces()]
        self.ends = np.cumsum([piece.size for piece in start.pieces()])
        self.start = np.concatenate([piece.ravel() for piece in start.pieces()])
        # Each matrix by its own start: a tiny pair of query and key is to be as accurate as the rest.
        largest = [np.abs(piece).max(tuple(range(1, piece.ndim)), keepdims=True) for piece in start.pieces()]
        self.scale = np.concatenate(
            [np.broadcast_to(size, shape).ravel() for size, shape in zip(largest, self.shapes, strict=True)]
        )

    def unpack(self, flat: Array, lead: tuple[int, ...] = ()) -> Weights:
        parts = np.split(flat, self.ends[:-1], axis=-1)
        return Weights(*(part.reshape(lead + shape) for part, shape in zip(parts, self.shapes, strict=True)))

    def slope(self, _: float, flat: Array) -> Array:
        pieces = _descent(self.tokens, self.targets, self.unpack(flat))
        return np.concatenate([piece.ravel() for piece in pieces])

    def solve(self, horizon: float, rtol: float, **how: Any) -> Any:
        from scipy.integrate import solve_ivp

        solver: Any = solve_ivp
        solution = solver(
            self.slope, (0.0, horizon), self.start, method="DOP853", rtol=rtol, atol=rtol * self.scale, **how
        )
        if solution.status < 0:
            raise ArithmeticError(f"the flow failed: {solution.message}")
        return solution


class _Tokens:
    """Tokens laid out so that every sum over samples and tokens is one matrix product."""

    def __init__(self, inputs: Array) -> None:
        self.samples, self.length, self.width = inputs.shape
        self.flat = inputs.reshape(-1, self.width)
        asking = np.repeat(inputs[:, -1], self.length, axis=0)
        self.pairs = (asking[:, :, None] * self.flat[:, None, :]).reshape(len(self.flat), -1)
        self.pairs /= np.sqrt(self.width)

    def split(self, columns: Array) -> Array:
        """(n s, B) as (n, s, B)."""
        return columns.reshape(self.samples, self.length, -1)


class _State(NamedTuple):
    share: Array
    projection: Array
    pooled: Array
    output: Array


def _forward(tokens: _Tokens, pair: Array, direction: Array) -> _State:
    """Attention shares and projections (n, s, B), their mean and the output (n, B)."""
    share = tokens.split(tokens.pairs @ pair.T)
    share = np.exp(share - share.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    projection = tokens.split(tokens.flat @ direction.T)
    pooled = (share * projection).sum(1)
    return _State(share, projection, pooled, np.tanh(pooled))


def _losses(tokens: _Tokens, targets: Array, w: Weights) -> Array:
    pair = (w.query @ w.key.mT).reshape(-1, tokens.width**2)
    state = _forward(tokens, pair, w.direction.reshape(len(pair), -1))
    mean: Array = np.exp(-targets[:, None] * state.output).mean(0).reshape(w.readout.shape[:-1])
    return mean


def _descent(tokens: _Tokens, targets: Array, w: Weights) -> tuple[Array, ...]:
    """The negative gradient, by hand."""
    networks = len(w.readout)
    read = (w.hidden @ w.readout[..., None])[..., 0]
    direction = (w.value @ read[..., None])[..., 0]
    state = _forward(tokens, (w.query @ w.key.mT).reshape(networks, -1), direction)
    signs = targets[:, None]
    pull = signs * np.exp(-signs * state.output) * (1 - state.output**2) / tokens.samples
    pulled = pull[:, None] * state.share
    towards = pulled.reshape(-1, networks).T @ tokens.flat
    back = (w.value.mT @ towards[..., None])[..., 0]
    # A token gains attention by how far its projection exceeds the attended one.
    gain = pulled * (state.projection - state.pooled[:, None])
    matrix = (gain.reshape(-1, networks).T @ tokens.pairs).reshape(networks, tokens.width, -1)
    return (
        towards[..., None] * read[..., None, :],
        back[..., None] * w.readout[..., None, :],
        (w.hidden.mT @ back[..., None])[..., 0],
        matrix @ w.key,
        matrix.mT @ w.query,
    )
