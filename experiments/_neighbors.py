"""Which combination of γ and the learning rate orders the answers?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
# With fewer runs, what neighbors explain is not reported.
FEWEST = 20


@dataclass(frozen=True)
class Ordering:
    """The combination log10(learning rate) + slope · γ that predicts an answer best, and how well.

    Attributes:
        slope: Decades of the learning rate that one unit of γ is worth; infinite if γ alone is best.
        low: Lower end of the middle 95 % of the slopes over subsamples of the runs.
        high: Upper end; below `low` if the range passes through infinity.
        explained: Share of the answer's variance that neighbors along the combination predict, each run left
            out; zero or less if they predict nothing.
        by_gamma: The same along γ alone.
        by_learning_rate: Along the learning rate alone.
    """

    slope: float
    low: float
    high: float
    explained: float
    by_gamma: float
    by_learning_rate: float


def ordering(
    gamma: ArrayLike,
    learning_rate: ArrayLike,
    answer: ArrayLike,
    *,
    neighbors: int = 4,
    angles: int = 181,
    subsamples: int = 200,
    share: float = 0.8,
    seed: int = 0,
) -> Ordering:
    """Find the direction in the plane of γ and log10(learning rate) along which an answer changes.

    Both axes are standardized. Along each of many directions every run is predicted by the mean of the runs
    nearest to it; the dependence is assumed to be smooth and nothing else, so that an answer may rise and
    fall again.

    Args:
        gamma: (runs,).
        learning_rate: (runs,), positive.
        answer: (runs,), such as the share of inferential answers.
        neighbors: Number of runs that predict one; runs equally near count in equal parts.
        angles: Number of directions.
        subsamples: Drawn without replacement, for the range of slopes.
        share: Share of the runs that a subsample holds.
        seed: Seed of the subsamples.

    Returns:
        The best direction.

    Raises:
        ValueError: Shapes differ, values are not finite, or neither γ nor the learning rate nor the answer
            differs between runs.
    """
    g, rate, y = (np.asarray(values, dtype=float) for values in (gamma, learning_rate, answer))
    if g.ndim != 1 or not g.shape == rate.shape == y.shape or len(g) < neighbors + 2:
        raise ValueError(f"expected {neighbors + 2} runs or more, got {g.shape}, {rate.shape} and {y.shape}")
    if not (np.isfinite(g).all() and np.isfinite(y).all() and (rate > 0).all()):
        raise ValueError("expected finite γ and answers, and positive learning rates")
    r = np.log10(rate)
    if min(np.ptp(g), np.ptp(r), np.ptp(y)) == 0:
        raise ValueError("expected γ, learning rates and answers that differ between runs")
    # From the learning rate alone (0) past γ alone (π/2); a direction and its opposite order alike.
    theta = np.linspace(0, np.pi, angles)[:-1]
    found = _explained(g, r, y, theta, neighbors)
    best = int(found.argmax())
    generator = np.random.default_rng(seed)
    size = max(neighbors + 2, round(share * len(y)))
    drawn = [generator.permutation(len(y))[:size] for _ in range(subsamples)]
    chosen = np.array([theta[_explained(g[d], r[d], y[d], theta, neighbors, (g, r)).argmax()] for d in drawn])
    # Directions form a circle of half a turn: the range is taken around the best.
    offset = (chosen - theta[best] + np.pi / 2) % np.pi - np.pi / 2
    low, high = theta[best] + np.quantile(offset, (0.025, 0.975))
    return Ordering(
        slope=_slope(theta[best], g, r),
        low=_slope(low, g, r),
        high=_slope(high, g, r),
        explained=float(found[best]),
        by_gamma=float(_explained(g, r, y, np.array([np.pi / 2]), neighbors)[0]),
        by_learning_rate=float(_explained(g, r, y, np.array([0.0]), neighbors)[0]),
    )


def explained_by_neighbors(x: ArrayLike, answer: ArrayLike, *, neighbors: int = 4) -> float:
    """Share of an answer's variance that the runs nearest along x predict, each run left out.

    Unlike a rank correlation it sees an answer that rises and falls again.

    Args:
        x: (runs,).
        answer: (runs,).
        neighbors: Number of runs that predict one; runs equally near count in equal parts.

    Returns:
        At most 1; zero or less if neighbors predict nothing.
    """
    along, y = np.asarray(x, dtype=float), np.asarray(answer, dtype=float)
    return float(_explained_along(along[None], y, neighbors)[0])


def _explained(
    g: Floats,
    r: Floats,
    y: Floats,
    theta: Floats,
    neighbors: int,
    scale: tuple[Floats, Floats] | None = None,
) -> Floats:
    """What neighbors predict along each direction."""
    whole_g, whole_r = scale or (g, r)
    x = np.outer(np.sin(theta), g / whole_g.std()) + np.outer(np.cos(theta), r / whole_r.std())
    return _explained_along(x, y, neighbors)


def _explained_along(x: Floats, y: Floats, neighbors: int) -> Floats:
    """1 - (squared error of predictions by neighbors) / (variance), for each row of x."""
    distance = np.abs(x[:, :, None] - x[:, None, :])
    distance[:, np.arange(len(y)), np.arange(len(y))] = np.inf
    # Runs of one cell are equally far from all others, up to rounding.
    reach = np.sort(distance, axis=-1)[:, :, neighbors - 1, None] + 1e-9
    near = (distance <= reach).astype(float)
    predicted = (near * y).sum(-1) / near.sum(-1)
    return np.asarray(1 - ((predicted - y) ** 2).mean(-1) / y.var())


def _slope(theta: float, g: Floats, r: Floats) -> float:
    """Of a direction, in decades of the learning rate for a unit of γ."""
    return float(np.tan(theta) * r.std() / g.std()) if abs(np.cos(theta)) > 1e-9 else np.inf
