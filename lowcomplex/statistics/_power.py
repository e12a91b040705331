"""How often a test would find an effect of a stated size: power, by simulation.

Runs are split evenly into strata; a statistic spreads under no association as permutations within strata do,
whose variance has a closed form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def power_of_rank_correlation(
    correlation: float, runs: int, *, strata: int = 1, alpha: float = 0.05, draws: int = 2000, seed: int = 0
) -> float:
    """How often a test at level alpha would find a Gaussian association of that Spearman correlation.

    Args:
        correlation: Spearman's ρ of the population, the same in each stratum.
        runs: Sample size.
        strata: Number of strata.
        alpha: Two-sided level.
        draws: Simulated samples.
        seed: Seed of the samples.

    Returns:
        The share of simulated samples whose p-value is below alpha.

    Raises:
        ValueError: A correlation outside (-1, 1), fewer than 4 runs, or fewer than two runs a stratum.
    """
    if not -1 < correlation < 1:
        raise ValueError(f"correlation: expected a number in (-1, 1), got {correlation}")
    # Pearson's correlation of the Gaussian copula with that Spearman correlation.
    pearson = 2 * np.sin(np.pi * correlation / 6)
    generator = np.random.default_rng(seed)
    total, variance = np.zeros(draws), np.zeros(draws)
    for size in _sizes(runs, strata):
        x, noise = generator.standard_normal((2, draws, size))
        u, v = _ranks(x), _ranks(pearson * x + np.sqrt(1 - pearson**2) * noise)
        total += (u * v).sum(-1)
        variance += (u**2).sum(-1) * (v**2).sum(-1) / (size - 1)
    return _rejected(total / np.sqrt(variance), alpha)


def power_of_area(
    area: float,
    runs: int,
    positive: float = 0.5,
    *,
    strata: int = 1,
    alpha: float = 0.05,
    draws: int = 2000,
    seed: int = 0,
) -> float:
    """How often a test at level alpha would find that area under the ROC curve, of two shifted Gaussians.

    Args:
        area: Area under the curve in the population, in (0, 1).
        runs: Sample size.
        positive: Share of positive runs, the same in each stratum up to rounding.
        strata: Number of strata.
        alpha: Two-sided level.
        draws: Simulated samples.
        seed: Seed of the samples.

    Returns:
        The share of simulated samples whose p-value is below alpha; 0 if no stratum holds both kinds.

    Raises:
        ValueError: An area or a share outside (0, 1), fewer than 4 runs, or fewer than two runs a stratum.
    """
    for name, value in (("area", area), ("positive", positive)):
        if not 0 < value < 1:
            raise ValueError(f"{name}: expected a number in (0, 1), got {value}")
    shift = np.sqrt(2) * stats.norm.ppf(area)
    generator = np.random.default_rng(seed)
    excess, variance = np.zeros(draws), 0.0
    carried = 0.0
    for size in _sizes(runs, strata):
        # What rounding leaves over goes to the next stratum.
        carried += positive * size
        ones = round(carried)
        carried -= ones
        label = np.arange(size) < ones
        scores = generator.standard_normal((draws, size)) + shift * label
        excess += (stats.rankdata(scores, axis=-1) - (size + 1) / 2)[:, label].sum(-1)
        variance += ones * (size - ones) * (size + 1) / 12
    return _rejected(excess / np.sqrt(variance), alpha) if variance > 0 else 0.0


def _sizes(runs: int, strata: int) -> list[int]:
    if runs < 4:
        raise ValueError(f"runs: expected at least 4, got {runs}")
    if not 1 <= strata <= runs // 2:
        raise ValueError(f"strata: expected from 1 to half of the {runs} runs, got {strata}")
    return [len(part) for part in np.array_split(np.arange(runs), strata)]


def _ranks(values: Floats) -> Floats:
    size = values.shape[-1]
    centered: Floats = (stats.rankdata(values, axis=-1) - (size + 1) / 2) / size
    return centered


def _rejected(z: Floats, alpha: float) -> float:
    return float((2 * stats.norm.sf(np.abs(z)) < alpha).mean())
