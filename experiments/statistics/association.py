"""Association over runs, with intervals and corrected significance; the unit of replication is a run.

Everything is computed within strata (runs of one γ, say) where strata are given, so that a difference between
strata can neither make nor hide an association within them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Effect:
    """A statistic over runs.

    Attributes:
        estimate: The statistic; NaN if it is undefined (fewer than three runs, or nothing varies).
        low: Lower end of its bootstrap interval.
        high: Upper end.
        p_value: Two-sided, by permutation, against no association.
        runs: Number of runs in strata of at least two.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    runs: int


def rank_correlation(
    x: ArrayLike,
    y: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Effect:
    """Spearman's correlation of two observables over runs, within strata.

    Values are ranked within each stratum and the ranks, divided by the stratum's size and centered, are
    correlated over all runs. Without strata this is Spearman's ρ.

    Args:
        x: (runs,) one observable.
        y: (runs,) the other.
        strata: (runs,) labels; one stratum if None.
        level: Coverage of the interval: a percentile bootstrap over runs, within strata.
        resamples: Number of bootstrap samples, and of permutations.
        seed: Seed of bootstrap samples and permutations.

    Returns:
        The correlation in [-1, 1], its interval and its permutation test.

    Raises:
        ValueError: Shapes differ, or a value is not finite.
    """
    a, b, groups = _checked(x, y, strata)

    def correlation(first: list[Floats], second: list[Floats]) -> Floats:
        u, v = (np.concatenate([_centered_ranks(part) for part in parts], -1) for parts in (first, second))
        scale = np.sqrt((u**2).sum(-1) * (v**2).sum(-1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((u * v).sum(-1) / np.where(scale > 0, scale, np.nan))

    return _effect(correlation, a, b, groups, 0.0, level, resamples, seed)


def area_under_curve(
    score: ArrayLike,
    positive: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Effect:
    """Area under the ROC curve: how often a positive run scores above a negative one of its stratum.

    Ties count one half; pairs of one stratum are pooled over strata.

    Args:
        score: (runs,) the predictor.
        positive: (runs,) booleans.
        strata: (runs,) labels; one stratum if None.
        level: Coverage of the interval: a percentile bootstrap over runs, within strata.
        resamples: Number of bootstrap samples, and of permutations.
        seed: Seed of bootstrap samples and permutations.

    Returns:
        The area in [0, 1], 1/2 without association; undefined where no stratum holds both kinds.

    Raises:
        ValueError: Shapes differ, or a value is not finite.
    """
    a, b, groups = _checked(score, np.asarray(positive, dtype=float), strata)

    def area(scores: list[Floats], labels: list[Floats]) -> Floats:
        wins, pairs = 0.0, 0.0
        for s, label in zip(scores, labels, strict=True):
            ones = label.sum(-1)
            n = label.shape[-1]
            ranks = stats.rankdata(s, axis=-1)
            wins = wins + (ranks * label).sum(-1) - ones * (ones + 1) / 2
            pairs = pairs + ones * (n - ones)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(wins / np.where(np.asarray(pairs) > 0, pairs, np.nan))

    return _effect(area, a, b, groups, 0.5, level, resamples, seed)


def corrected(p_values: ArrayLike) -> Floats:
    """P-values adjusted for the number of tests (Benjamini, Hochberg 1995); NaN where undefined."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    defined = np.isfinite(p)
    if defined.any():
        adjusted[defined] = stats.false_discovery_control(p[defined])
    return adjusted


def _checked(
    x: ArrayLike, y: ArrayLike, strata: ArrayLike | None
) -> tuple[Floats, Floats, list[NDArray[np.intp]]]:
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    labels = np.zeros(a.shape, dtype=int) if strata is None else np.asarray(strata)
    if a.ndim != 1 or a.shape != b.shape or a.shape != labels.shape:
        raise ValueError(
            f"expected one value per run from each, got shapes {a.shape}, {b.shape} and strata {labels.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("expected finite values; leave out runs without one, and say how many")
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return a, b, [group for group in groups if len(group) > 1]


def _effect(
    statistic: Callable[[list[Floats], list[Floats]], Floats],
    x: Floats,
    y: Floats,
    groups: Sequence[NDArray[np.intp]],
    null: float,
    level: float,
    resamples: int,
    seed: int,
) -> Effect:
    runs = sum(len(group) for group in groups)
    estimate = float(statistic([x[g] for g in groups], [y[g] for g in groups])) if runs >= 3 else np.nan
    if not np.isfinite(estimate):
        return Effect(np.nan, np.nan, np.nan, np.nan, runs)
    generator = np.random.default_rng(seed)
    drawn = [g[generator.integers(len(g), size=(resamples, len(g)))] for g in groups]
    bootstrap = statistic([x[d] for d in drawn], [y[d] for d in drawn])
    tail = (1 - level) / 2
    low, high = np.nanquantile(bootstrap, (tail, 1 - tail))
    shuffled = [generator.permuted(np.tile(g, (resamples, 1)), axis=1) for g in groups]
    fixed = [np.broadcast_to(x[g], (resamples, len(g))) for g in groups]
    permuted = statistic(fixed, [y[s] for s in shuffled])
    # Rounding must not make a permutation that reproduces the data look smaller than the data.
    extreme = int((np.abs(permuted - null) >= abs(estimate - null) - _ROUNDING).sum())
    return Effect(estimate, float(low), float(high), (1 + extreme) / (1 + resamples), runs)


def _centered_ranks(values: Floats) -> Floats:
    n = values.shape[-1]
    ranks: Floats = (stats.rankdata(values, axis=-1) - (n + 1) / 2) / n
    return ranks
