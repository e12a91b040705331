"""The best arm of a sweep, judged as what it is: chosen by looking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lowcomplex.statistics._arguments import checked_options
from lowcomplex.statistics._blocks import by_arm
from lowcomplex.statistics._bootstrap import t_factor
from lowcomplex.statistics._estimate import Estimate


@dataclass(frozen=True, repr=False)
class Best(Estimate):
    """The mean of the arm that was chosen, or its advantage over a fixed one.

    Attributes:
        arm: Label of the chosen arm; its position in an array without labels.
        chosen: For each arm, the share of bootstrap samples that would have chosen it.
    """

    arm: Any = None
    chosen: Mapping[Any, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.arm}: {super().__repr__()}, chosen in {self.chosen[self.arm]:.0%} of samples"


def best_arm(
    data: xr.DataArray | NDArray[np.float64],
    *,
    against: Any = None,
    over: str = "seed",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Best:
    """The arm with the largest mean over seeds, with an interval and a test that allow for the choice.

    The largest of several means is large by chance, too: an interval as for an arm fixed beforehand covers
    too seldom, and its test finds an advantage where all arms are alike. Here the interval has the reach that
    holds for all arms at once: the quantile, over samples of whole seeds, of the largest |m* - m|/s of all
    arms, with means m* of a sample and m of the data and standard errors s; widened as in `bootstrap`.

    Args:
        data: (seed, arm) values, finite; a labeled array has the dimension `over` and one other.
        against: Label (without labels, position) of an arm fixed beforehand, of which the advantage is asked.
        over: Dimension of the seeds; of a plain array the first axis.
        level: Coverage of the interval.
        resamples: Number of bootstrap samples.
        seed: Seed of the samples.

    Returns:
        The mean of the chosen arm, or its advantage over `against`, then with the p-value of no advantage.

    Raises:
        ValueError: Other than two dimensions, fewer than two seeds, an unknown arm, or a value that is not
            finite.

    Reference:
        R. Berk, L. Brown, A. Buja, K. Zhang, L. Zhao, Annals of Statistics 41 (2013) 802-837: what holds for
        all choices at once holds for the one that was made.

    Example:
        >>> import numpy as np
        >>> composed = np.array([[0.1, 0.8, 0.2], [0.2, 0.7, 0.1], [0.0, 0.9, 0.2], [0.1, 0.8, 0.0]])
        >>> best_arm(composed, against=2).arm
        1
    """
    from scipy import stats

    checked_options(level, resamples)
    _, values, labels = by_arm(data, over)
    blocks = len(values)
    if against is not None and against not in labels:
        raise ValueError(f"against: expected one of {labels}, got {against!r}")
    chosen = int(values.mean(0).argmax())
    difference = values if against is None else values - values[:, [labels.index(against)]]
    mean = difference.mean(0)
    error = difference.std(0, ddof=1) / np.sqrt(blocks)
    drawn = np.random.default_rng(seed).integers(blocks, size=(resamples, blocks))
    counts = np.bincount(values[drawn].mean(1).argmax(1), minlength=len(labels)) / resamples
    # An arm without spread has no chance error, and nothing to allow for.
    varies = error > 0
    largest = (np.abs(difference[drawn].mean(1) - mean)[:, varies] / error[varies]).max(1, initial=0)
    largest *= t_factor(level, blocks) / stats.norm.isf((1 - level) / 2)
    reach = float(np.quantile(largest, level) * error[chosen])
    p, least = np.nan, np.nan
    if against is not None:
        seen = abs(mean[chosen]) / error[chosen] if varies[chosen] else (np.inf if mean[chosen] else 0.0)
        p = float((1 + (largest >= seen).sum()) / (1 + resamples))
        least = 1 / (1 + resamples)
    return Best(
        float(mean[chosen]),
        float(mean[chosen]) - reach,
        float(mean[chosen]) + reach,
        level,
        p,
        blocks,
        least,
        labels[chosen],
        dict(zip(labels, counts.tolist(), strict=True)),
    )
