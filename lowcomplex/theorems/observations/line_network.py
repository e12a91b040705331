"""Two-layer networks on the line: their features, the lazy limit of their training, and their training."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POINTS_PER_STEP = 16


class Network(NamedTuple):
    """Parameters of Σ a relu(w x + b), each (m,)."""

    w: Array
    a: Array
    b: Array


def grid_network(
    knots: int, bias_range: float, weights: Collection[float] = (1.0,), outputs: Collection[float] = (1.0,)
) -> Network:
    """Biases in the middle of equal cells of [-B, B], each with both signs of every w and a."""
    b = bias_range * ((np.arange(knots) + 0.5) * 2 / knots - 1)
    pairs = np.array(list(zip(weights, outputs, strict=True)))
    index, at, sign_w, sign_a = (
        value.ravel()
        for value in np.meshgrid(np.arange(len(pairs)), b, (1.0, -1.0), (1.0, -1.0), indexing="ij")
    )
    return Network(sign_w * pairs[index, 0], sign_a * pairs[index, 1], at)


def features(network: Network, x: Array, trained: Collection[str], *, located: bool = False) -> Array:
    """Gradient of m^(-1/2) Σ a relu(w x + b) in the trained parts, (n, parts · m).

    With `located`, of m^(-1/2) Σ a relu(w (x - b)).
    """
    offset = x[:, None] - network.b
    before = network.w * offset if located else np.outer(x, network.w) + network.b
    active = (before > 0) * network.a
    parts = {"output": np.maximum(before, 0), "bias": active, "input": active * x[:, None]}
    if located:
        parts |= {"bias": -network.w * active, "input": active * offset}
    return np.asarray(np.concatenate([parts[name] for name in trained], axis=1) / np.sqrt(len(network.a)))


def least_norm(network: Network, x: Array, y: Array, at: Array, trained: Collection[str]) -> Array:
    """The output (p,) at points after gradient flow in the lazy limit: the least change that fits."""
    change = np.linalg.lstsq(features(network, x, trained), y)[0]
    return np.asarray(features(network, at, trained) @ change)


def slotted_samples(rng: np.random.Generator, bias_range: float, knots: int) -> tuple[Array, Array, Array]:
    """Six samples (6,), their targets (6,), and points (p,) between the outer two, for up to so many knots.

    Samples are in slots of three cells of 0.1 with a free cell between slots. They lie on the boundaries of
    cells of every grid whose spacing divides 0.1: midway between two knots. Points are sixteen per cell of
    the finest grid, none of them on a knot.
    """
    x = np.asarray(-1.1 + 0.1 * (4 * np.arange(6) + rng.integers(0, 3, 6)), dtype=np.float64)
    y = rng.standard_normal(6)
    fine = 2 * bias_range / knots / POINTS_PER_STEP
    return x, y, np.arange(x[0] + fine / 2, x[-1], fine)


def train_small_start(
    rng: np.random.Generator, x: Array, y: Array, at: Array, sigma: float, knots: int
) -> Array:
    """Train all parameters of 4 · knots neurons from a small start, not lazily: the output (p,) at points.

    The time is fixed, since some draws get stuck.
    """
    start = Network(*(sigma * rng.standard_normal((3, 4 * knots))))
    every = ("output", "input", "bias")
    return train_on_line(start, x, y, at, every, alpha=1.0, steps=2000, share=0.01, stop=0.0)


def train_on_line(
    network: Network,
    x: Array,
    y: Array,
    at: Array,
    trained: Collection[str],
    *,
    alpha: float,
    steps: int = 20_000,
    share: float = 1.0,
    stop: float = 1e-6,
) -> Array:
    """Gradient descent on α m^(-1/2) (Σ a relu(w x + b) - its start) at the rate η/α².

    The gradient is written by hand: for up to 20,000 steps `training.descend` would take several times as
    long with autograd.

    Args:
        network: The start.
        x: (n,) samples.
        y: (n,) targets.
        at: (p,) points at which the result is evaluated.
        trained: The parts that are trained.
        alpha: Output scale.
        steps: Most steps.
        share: η λ_max/n at the start.
        stop: End when no residual is above this share of the largest target; 0 to take all steps.

    Returns:
        (p,) output at the points.

    Raises:
        ArithmeticError: The residuals did not fall that far.
    """
    jacobian = features(network, x, trained)
    step = share * len(x) / float(np.linalg.eigvalsh(jacobian @ jacobian.T)[-1])
    scale = alpha / np.sqrt(len(network.a))
    w, a, b = network
    start = scale * np.maximum(np.outer(x, w) + b, 0) @ a
    enough = stop * np.abs(y).max()
    for _ in range(steps):
        before = np.outer(x, w) + b
        hidden = np.maximum(before, 0)
        residual = y + start - scale * hidden @ a
        if np.abs(residual).max() < enough:
            break
        pull = residual * (scale * step / (len(x) * alpha**2))
        active = (before > 0) * a * pull[:, None]
        a = a + pull @ hidden if "output" in trained else a
        b = b + active.sum(0) if "bias" in trained else b
        w = w + x @ active if "input" in trained else w
    else:
        if stop > 0:
            raise ArithmeticError(f"residuals are still above {stop:g} of the targets after {steps} steps")
    end = np.maximum(np.outer(at, w) + b, 0) @ a
    first = np.maximum(np.outer(at, network.w) + network.b, 0) @ network.a
    return np.asarray(scale * (end - first))
