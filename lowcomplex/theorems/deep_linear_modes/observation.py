"""Linear networks trained from spectral starts and from a random one, and the modes of their products."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex.measures import effective_rank
from lowcomplex.networks import DeepLinear
from lowcomplex.theorems.deep_linear_modes import flows
from lowcomplex.theorems.observations.draws import drawn_weights
from lowcomplex.training import descend, one_draw

Array = NDArray[np.float64]
Parameters = dict[str, Tensor]

SIZE, WIDTH, SIGMA = 6, 200, 1e-4
LEARNED = np.array([4.0, 2.0, 1.0])
STRENGTHS = np.append(LEARNED, [0.0, 0.0, 0.0])
_NULLS = (0.3, 0.15, 0.075)
_RATES = (4e-3, 2e-3, 1e-3)
_PARTS = ("balanced", "layers", "unequal", "random")


class Problem(NamedTuple):
    """A target, its singular vectors (d, d), orthogonal hidden directions (d, d), and C of the inputs."""

    left: Array
    right: Array
    middle: Array
    target: Array
    covariance: Array


class Path(NamedTuple):
    """Modes along one training.

    Attributes:
        rate: Learning rate; 0 for gradient flow.
        updates: Updates between two records; 0 for gradient flow.
        times: (T,) times of the records.
        modes: (T, k) strength of each mode.
    """

    rate: float
    updates: int
    times: Array
    modes: Array


class Balanced(NamedTuple):
    """Descent of two balanced layers at several learning rates, and the initial strengths (k,)."""

    initial: Array
    paths: tuple[Path, ...]


class Deep(NamedTuple):
    """Flow of L layers, and the initial strengths (k,) of their product."""

    depth: int
    initial: Array
    path: Path


class Unequal(NamedTuple):
    """Flow, and descent at several rates, of two layers of sizes a and b: u = ab and l = |a² - b²|, (k,)."""

    initial: Array
    imbalance: Array
    flow: Path
    paths: tuple[Path, ...]


class Random(NamedTuple):
    """Descent from a random start.

    Attributes:
        input_weight: (h, d) initial W1, as σ states it.
        output_weight: (c, h) initial W2, as σ states it.
        target: (c, d).
        rate: Learning rate.
        times: (T,) times of the records.
        effective_rank: (T,) of the product.
        slowest: (T,) strength of the slowest mode.
        null: (d - rank,) null singular values of the product at the end.
    """

    input_weight: Array
    output_weight: Array
    target: Array
    rate: float
    times: Array
    effective_rank: Array
    slowest: Array
    null: Array


class Observed(NamedTuple):
    """What was trained; None, or no layers, if a part was not."""

    balanced: Balanced | None
    layers: tuple[Deep, ...]
    unequal: Unequal | None
    random: Random | None


def observe(
    seed: int,
    *,
    parts: tuple[str, ...] = _PARTS,
    sigma: float = SIGMA,
    whitened: bool = True,
    imbalance: float = 0.0,
    misaligned: float = 0.0,
) -> Observed:
    """Descend, or flow, from spectral starts and from a random one of scale σ."""
    rng = np.random.default_rng(seed)
    left, right, middle = (np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0] for _ in range(3))
    target = left[:, :3] * LEARNED @ right[:, :3].T
    covariance = np.diag(np.ones(SIZE) if whitened else np.geomspace(0.5, 2.0, SIZE))
    problem = Problem(left, right, middle, target, covariance)
    return Observed(
        _balanced(problem, imbalance) if "balanced" in parts else None,
        tuple(_layers(rng, problem, depth, imbalance) for depth in (3, 4)) if "layers" in parts else (),
        _unequal(rng, problem, misaligned) if "unequal" in parts else None,
        _random(seed, problem, sigma) if "random" in parts else None,
    )


def _balanced(problem: Problem, imbalance: float) -> Balanced:
    initial = np.append([1e-3, 1e-3, 1e-3], _NULLS)
    root = np.sqrt(initial)
    left, right, middle = problem[:3]
    start = [middle * root * np.exp(imbalance) @ right.T, left * root * np.exp(-imbalance) @ middle.T]
    return Balanced(initial, _descents(problem, start, span=6.0, between=0.2))


def _layers(rng: np.random.Generator, problem: Problem, depth: int, imbalance: float) -> Deep:
    initial = np.append([0.03, 0.03, 0.03], _NULLS)
    hidden = [np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0] for _ in range(depth - 1)]
    bases = [problem.right, *hidden, problem.left]
    root = initial ** (1 / depth)
    tilt = np.exp(imbalance * np.linspace(1, -1, depth))
    start = [
        late * (tilt[index] * root) @ early.T for index, (early, late) in enumerate(itertools.pairwise(bases))
    ]
    return Deep(depth, initial, _flow(problem, start, 6.0))


def _unequal(rng: np.random.Generator, problem: Problem, misaligned: float) -> Unequal:
    """Layers of unequal sizes a and b; they share their hidden directions unless misaligned by an angle."""
    sizes = rng.uniform(0.02, 1.0, (2, SIZE))
    # One layer larger for some modes, the other for the rest; and a mode that starts below zero.
    sizes[1, 0] *= -1
    turn = np.eye(SIZE)
    turn[:2, :2] = [[np.cos(misaligned), -np.sin(misaligned)], [np.sin(misaligned), np.cos(misaligned)]]
    left, right, middle = problem[:3]
    start = [middle * sizes[0] @ right.T, left * sizes[1] @ (middle @ turn).T]
    return Unequal(
        initial=sizes[0] * sizes[1],
        imbalance=np.abs(sizes[0] ** 2 - sizes[1] ** 2),
        flow=_flow(problem, start, 3.0),
        paths=_descents(problem, start, span=3.0, between=0.1),
    )


def _random(seed: int, problem: Problem, sigma: float) -> Random:
    network = DeepLinear((SIZE, WIDTH, SIZE))
    (placed,) = one_draw(network, sigma=(sigma,), seed=seed)
    first, second = (name for name, _ in network.named_parameters())
    target, covariance = torch.from_numpy(problem.target), torch.from_numpy(problem.covariance)

    def product(layers: Parameters) -> Tensor:
        return layers[second] @ layers[first]

    def loss(layers: Parameters) -> Tensor:
        error = product(layers) - target
        return ((error @ covariance) * error).sum() / 2

    def gradient(layers: Parameters) -> Parameters:
        """Autograd takes twice as long."""
        error = (product(layers) - target) @ covariance
        return {first: layers[second].T @ error, second: error @ layers[first].T}

    rate = 5e-3
    run = descend(
        loss,
        dict(placed.named_parameters()),
        rate=rate,
        steps=round(14.0 / LEARNED[-1] / rate),
        record={"product": lambda state: product(state.parameters)},
        every=10,
        gradient=gradient,
    )
    path = run.path["product"]
    # The start that σ states, not the network's: a network elsewhere shows as an error.
    w1, w2 = (sigma * weight for weight in drawn_weights(network, seed=seed).values())
    return Random(
        input_weight=w1,
        output_weight=w2,
        target=problem.target,
        rate=rate,
        times=rate * run.path_steps.numpy(),
        effective_rank=effective_rank(path).numpy(),
        slowest=_modes(path.numpy(), problem)[:, 2],
        null=np.linalg.svd(path[-1].numpy(), compute_uv=False)[3:],
    )


def _descents(problem: Problem, start: Sequence[Array], *, span: float, between: float) -> tuple[Path, ...]:
    """Gradient descent for a time `span` at several learning rates, recorded at equal times."""
    paths = []
    for rate in _RATES:
        every = round(between / rate)
        path = flows.descend_layers(
            start, problem.target, problem.covariance, rate, round(span / rate), every=every
        )
        paths.append(Path(rate, every, np.linspace(0.0, span, len(path)), _modes(path, problem)))
    return tuple(paths)


def _flow(problem: Problem, start: Sequence[Array], span: float) -> Path:
    times = np.linspace(0.0, span, 31)
    path = flows.flow_layers(start, problem.target, problem.covariance, times)
    return Path(0.0, 0, times, _modes(path, problem))


def _modes(path: Array, problem: Problem) -> Array:
    """Strength of each mode of the product at each time."""
    modes: Array = np.einsum("ki,tij,jk->tk", problem.left.T, path, problem.right)
    return modes
