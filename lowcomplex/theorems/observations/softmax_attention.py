"""One softmax attention layer under gradient flow, many networks at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from lowcomplex.initialization import initialize
from lowcomplex.training import gradient_flow, normals, stack
from lowcomplex.training.until import Condition, Parameters

Array = NDArray[np.float64]

# Noise of the teacher's output, whose own scale is about 1: with it no direction separates the labels.
_NOISE = 0.3
_PAIR = ("query", "key")


class AttentionLayer(nn.Module):
    """f(X) = tanh(softmax(x_lastᵀ W_Q W_Kᵀ Xᵀ / sqrt d) X W_V W1 w2), all matrices width × width.

    Its layers hold the transposed matrices, as `nn.Linear` does.

    Args:
        width: Dimension d of tokens, and of everything else.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, width, bias=False, dtype=torch.float64)
        self.hidden = nn.Linear(width, width, bias=False, dtype=torch.float64)
        self.readout = nn.Linear(width, 1, bias=False, dtype=torch.float64)
        self.query = nn.Linear(width, width, bias=False, dtype=torch.float64)
        self.key = nn.Linear(width, width, bias=False, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n,) of inputs (n, s, d)."""
        scores = (self.key(x) * self.query(x[:, -1:])).sum(-1) / x.shape[-1] ** 0.5
        attended = (scores.softmax(-1)[..., None] * x).sum(1)
        output: Tensor = self.readout(self.hidden(self.value(attended)))
        return torch.tanh(output[..., 0])


class Weights(NamedTuple):
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
        """(..., B, d) W_V W1 w2, the direction that the output projects attended tokens on."""
        product: Array = (self.value @ (self.hidden @ self.readout[..., None]))[..., 0]
        return product


def draw_tokens(
    rng: np.random.Generator,
    samples: int,
    tokens: int,
    width: int,
    *,
    attends: bool = True,
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


def draw_weights(width: int, *, seed: int) -> Weights:
    """The standard normal numbers of one network, B = 1, whose scaled copies `initialized` draws."""
    return _weights({name: value[None] for name, value in normals(AttentionLayer(width), seed=seed).items()})


def initialized(width: int, value_path: Sequence[float], query_key: Sequence[float], *, seed: int) -> Weights:
    """One draw at (B,) scales of the value path (W_V, W1, w2) and of (W_Q, W_K), set by `initialize`."""
    networks = []
    for path, pair in zip(value_path, query_key, strict=True):
        networks.append(AttentionLayer(width))
        rate, pair_rate = (-math.log(scale) / math.log(width) for scale in (path, pair))
        initialize(
            networks[-1],
            rate,
            parts={f"{name}.weight": pair_rate for name in _PAIR},
            generator=torch.Generator().manual_seed(seed),
        )
    return _weights(stack(networks)[0])


def _weights(parameters: Parameters) -> Weights:
    """Parameters (B, out, in) of layers as matrices (B, in, out)."""
    named = {name.removesuffix(".weight"): value.mT.numpy() for name, value in parameters.items()}
    return Weights(**{**named, "readout": named["readout"][..., 0]})


def losses(inputs: Array, targets: Array, weights: Weights) -> Array:
    """(..., B) mean of exp(-y f), f = tanh(softmax(x_lastᵀ W_Q W_Kᵀ Xᵀ / sqrt d) X W_V W1 w2)."""
    return _losses(_Tokens(inputs), targets, weights)


class Path(NamedTuple):
    """A gradient flow of B networks.

    Attributes:
        times: (T,) times of the records; (T, B) on clocks of their own.
        weights: (T, B, ...) weights.
        losses: (T, B) losses.
        end_times: (B,) time at which each network met the condition, or the last record's.
        end: (B, ...) weights there.
        reached: (B,) whether it met the condition.
    """

    times: Array
    weights: Weights
    losses: Array
    end_times: Array
    end: Weights
    reached: NDArray[np.bool_]


def train(
    inputs: Array,
    targets: Array,
    start: Weights,
    times: ArrayLike,
    *,
    until: Condition | None = None,
    own_clocks: bool = False,
    rtol: float = 1e-10,
) -> Path:
    """Gradient flow of the mean of exp(-y f) by a gradient derived by hand.

    Args:
        inputs: (n, s, d) tokens; the last of them holds the query.
        targets: (n,) of 1 and -1.
        start: (B, ...) weights.
        times: (T,) increasing, the first of them 0.
        until: Ends the flow when all networks meet it.
        own_clocks: Whether each network has a time s of its own, ds = |(W_V, W1, w2)| dt, in which a start of
            scale σ leaves after log(1/σ). `times` are then times s.
        rtol: Relative tolerance of the solver.

    Returns:
        The path, with fewer times if it ended early.

    Raises:
        ArithmeticError: The solver failed.
    """
    tokens, rows = _Tokens(inputs), _Rows(start)
    # Absolute tolerances follow each matrix's own start, so a tiny pair of query and key is as accurate.
    sizes = [np.broadcast_to(np.abs(m).max(tuple(range(1, m.ndim)), keepdims=True), m.shape) for m in start]

    def loss(parameters: Parameters) -> Tensor:
        return torch.from_numpy(_losses(tokens, targets, rows.split(parameters["row"])))

    def gradient(parameters: Parameters) -> Parameters:
        return {"row": rows.join(_gradient(tokens, targets, rows.split(parameters["row"])))}

    def size(parameters: Parameters) -> Tensor:
        value_path = parameters["row"][:, : rows.parts[2].stop]
        return value_path.square().sum(1).sqrt()

    # One row of numbers per network: the flow's own splitting by names costs as much as the gradient.
    flow = gradient_flow(
        loss,
        {"row": rows.join(start)},
        times,
        until=until,
        speed=size if own_clocks else None,
        gradient=gradient,
        rtol=rtol,
        atol={"row": rtol * rows.join(sizes)},
    )
    return Path(
        flow.times.numpy(),
        rows.split(flow.parameters["row"]),
        flow.losses.numpy(),
        flow.end_times.numpy(),
        rows.split(flow.end["row"]),
        flow.reached.numpy(),
    )


class _Rows:
    """All matrices of a network as one row of numbers, and back."""

    def __init__(self, like: Weights) -> None:
        self.shapes = [piece.shape[1:] for piece in like]
        ends = np.cumsum([math.prod(shape) for shape in self.shapes]).tolist()
        self.parts = [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]

    def join(self, pieces: Sequence[Array]) -> Tensor:
        """(B, numbers) of matrices (B, ...)."""
        return torch.from_numpy(np.concatenate([piece.reshape(len(piece), -1) for piece in pieces], axis=1))

    def split(self, rows: Tensor) -> Weights:
        """Weights (..., B, *shape) of (..., B, numbers)."""
        flat = rows.numpy()
        lead = flat.shape[:-1]
        return Weights(
            *[
                flat[..., part].reshape(lead + shape)
                for part, shape in zip(self.parts, self.shapes, strict=True)
            ]
        )


class _Tokens:
    """Tokens in a layout in which every sum over samples and tokens is one matrix product."""

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


def _gradient(tokens: _Tokens, targets: Array, w: Weights) -> tuple[Array, ...]:
    """Gradient of the losses' sum by each matrix."""
    networks = len(w.readout)
    read = (w.hidden @ w.readout[..., None])[..., 0]
    direction = (w.value @ read[..., None])[..., 0]
    state = _forward(tokens, (w.query @ w.key.mT).reshape(networks, -1), direction)
    signs = targets[:, None]
    pull = -signs * np.exp(-signs * state.output) * (1 - state.output**2) / tokens.samples
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
