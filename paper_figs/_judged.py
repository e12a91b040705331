"""Claims put to runs: each point comes out as claimed, against the claim, or open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from experiments.anchor.schema import NOT_CONVERGED
from lowcomplex.statistics import Estimate, rank_correlation
from paper_figs._finding import Point, Status
from paper_figs._words import counted

# A fall smaller than this is not told.
_FALL = 0.1
_LEVEL = 0.05


def trend(
    runs: pd.DataFrame,
    x: str,
    what: str,
    along: str,
    *,
    expected: Literal[1, -1],
    where: str = "",
    within: Sequence[str] = (),
    value: str = "accuracy",
) -> Point:
    """Does a value rise or fall along a run dimension?

    Args:
        runs: One row per run; rows without the value are left out.
        x: The dimension.
        what: The value in words: "the composed share".
        along: The dimension in words.
        expected: 1 if the claim says that it rises, -1 if it falls.
        where: Put before the words: "at learning rate 0.001 ".
        within: Dimensions in whose strata runs are compared.
        value: The value's column.

    Returns:
        "yes" or "no" if the bootstrap interval of Spearman's correlation excludes 0 and its permutation test
        rejects at level 0.05, else "open".
    """
    effect = _correlation(runs[runs[value].notna()], x, within, value)
    if not np.isfinite(effect.estimate):
        return Point("open", f"{where}there are too few runs to say how {what} changes with {along}")
    interval = f"[{effect.low:+.2f}, {effect.high:+.2f}]"
    found = {
        "correlation": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "p_value": effect.p,
        "runs": effect.n,
    }
    numbers = f"(ρ = {effect.estimate:+.2f} {interval}, {counted(effect.n, 'run')})"
    if effect.low <= 0 <= effect.high or effect.p >= _LEVEL:
        return Point("open", f"{where}{what} shows no clear trend with {along} {numbers}", found)
    rises = effect.estimate > 0
    status: Status = "yes" if rises == (expected == 1) else "no"
    return Point(status, f"{where}{what} {'rises' if rises else 'falls'} with {along} {numbers}", found)


def rise(
    composed: pd.DataFrame,
    mirrored: pd.DataFrame | None = None,
    *,
    where: str = "",
    within: Sequence[str] = (),
) -> list[Point]:
    """Whether composed answers rise with γ, and mirrored ones fall.

    If the mean of the composed answers is lower at the largest γ than at its best, by more than 0.1 and two
    standard errors, and its best is not at the smallest γ, then both are judged up to the best γ, and the
    fall beyond it is a point against the claim.

    Args:
        composed: One row per run, with `gamma` and `accuracy`: the share of composed answers.
        mirrored: The same of the mirrored ones; None if the claim is not about them.
        where: Put before the words: "at learning rate 0.001 ".
        within: Dimensions in whose strata runs are compared.
    """
    gammas = np.unique(composed["gamma"].to_numpy(float)).tolist()
    groups = [composed.loc[composed["gamma"] == gamma, "accuracy"] for gamma in gammas]
    means = [float(group.mean()) for group in groups]
    errors = [_error(group) for group in groups]
    top = int(np.nanargmax(means)) if means else 0
    falls = top > 0 and means[top] - means[-1] > max(_FALL, 2 * float(np.hypot(errors[top], errors[-1])))
    best = gammas[top] if falls else None
    upward = "γ" if best is None else f"γ up to {best:g}"
    answers = [("composed", composed, 1), *([] if mirrored is None else [("mirrored", mirrored, -1)])]
    points = []
    for name, runs, sign in answers:
        judged = runs if best is None else runs[runs["gamma"] <= best]
        points.append(
            trend(
                judged,
                "gamma",
                f"the {name} share",
                upward,
                expected=1 if sign == 1 else -1,
                where=where,
                within=within,
            )
        )
    if best is not None:
        fall = f"{where}the composed share falls again, {means[top]:.2f} at γ = {best:g}"
        points.append(
            Point(
                "no",
                f"{fall} but {means[-1]:.2f} at γ = {gammas[-1]:g}",
                {"best": means[top], "last": means[-1]},
            )
        )
    return points


def contrast(first: pd.Series, second: pd.Series, names: tuple[str, str], *, least: float = 0.1) -> Point:
    """Whether some runs compose more than others, as a claim says.

    Args:
        first: The composed share of each run of which the claim says more.
        second: The one that tells less, for each run.
        names: Names of both groups.
        least: A smaller difference counts for nothing.

    Returns:
        "yes" or "no" if the difference of the means exceeds `least` and two standard errors, else "open".
    """
    a, b = first.dropna(), second.dropna()
    if len(a) < 2 or len(b) < 2:
        return Point("open", f"too few runs to compare {names[0]} with {names[1]}")
    difference = float(a.mean() - b.mean())
    noise = 2 * float(np.hypot(_error(a), _error(b)))
    shares = f"({a.mean():.2f} against {b.mean():.2f})"
    found = {"first": float(a.mean()), "second": float(b.mean()), "noise": noise}
    if abs(difference) <= max(least, noise):
        return Point("open", f"{names[0]} and {names[1]} do not differ clearly {shares}", found)
    more = difference > 0
    words = f"{names[0]} compose {'more' if more else 'less'} than {names[1]} {shares}"
    return Point("yes" if more else "no", words, found)


def converged(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that learned their task."""
    return runs[runs["phase"] != NOT_CONVERGED]


def share(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """One kind of answer of `accuracy_table`."""
    return table[table["group"] == group]


def _error(values: pd.Series) -> float:
    """Standard error of the mean; 0 of a single value."""
    return float(np.std(values.to_numpy(float), ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0


def _correlation(runs: pd.DataFrame, x: str, within: Sequence[str], value: str) -> Estimate:
    strata = runs.groupby(list(within)).ngroup().to_numpy() if within else None
    return rank_correlation(runs[x].to_numpy(float), runs[value].to_numpy(float), strata)
