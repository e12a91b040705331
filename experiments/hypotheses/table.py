"""Judgments as lines to read, as what the report shows, and as one dataset, to be drawn like a study's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from experiments.hypotheses.evidence import Judgment, Result

NAME = "hypotheses"


def dataset(judgments: Sequence[Judgment]) -> xr.Dataset:
    """What the runs say of the hypotheses, with the runs that say it.

    Args:
        judgments: The judgments of hypotheses, in order.

    Returns:
        Over `hypothesis`: `title`, `judgment`, `sentence`. Over `test`: which `tested` hypothesis it is of,
        its `label`, `study`, `statistic`, `x`, `y`, `direction`, `null`, `threshold`, `estimate`, `low`,
        `high`, `p_value`, `corrected`, `runs`, `sample`, `left_out`, `power`, `outcome`, `reason`. Over
        `run`: the position `of_test` of the test, `run_x`, `run_y`, `run_gamma` (NaN where runs do not
        differ in γ), `run_phase`, `run_left_out`: one entry a run and test.

    Raises:
        ValueError: No judgments.
    """
    if not judgments:
        raise ValueError("judgments: expected at least one, got none")
    pairs = [(judgment, result) for judgment in judgments for result in judgment.results]
    tests = pd.DataFrame([_row(judgment, result) for judgment, result in pairs])
    runs = pd.concat([_runs(index, result) for index, (_, result) in enumerate(pairs)], ignore_index=True)
    return xr.Dataset(
        {
            "title": ("hypothesis", _texts(judgment.hypothesis.title for judgment in judgments)),
            "judgment": ("hypothesis", _texts(judgment.outcome.value for judgment in judgments)),
            "sentence": ("hypothesis", _texts(judgment.sentence for judgment in judgments)),
            **{str(name): ("test", tests[name].to_numpy()) for name in tests},
            **{str(name): ("run", runs[name].to_numpy()) for name in runs},
        },
        coords={"hypothesis": _texts(judgment.hypothesis.name for judgment in judgments)},
        attrs={"study": NAME},
    )


def lines(judgments: Sequence[Judgment]) -> Iterator[str]:
    """Every hypothesis and its tests, one a line."""
    for judgment in judgments:
        yield ""
        yield f"{judgment.hypothesis.name}: {judgment.hypothesis.title}"
        yield f"  {judgment.sentence}"
        for result in judgment.results:
            yield f"  {result.outcome.value:9s}  {_found(result)}  {result.test.name}"


def report(judgments: Sequence[Judgment]) -> list[dict[str, Any]]:
    """Every hypothesis with its tests, as the report shows them."""
    return [
        {
            "name": judgment.hypothesis.name,
            "title": judgment.hypothesis.title,
            "outcome": judgment.outcome.value,
            "sentence": judgment.sentence,
            "tests": [
                _row(judgment, result) | {"refuted_if": result.test.refuted_if} for result in judgment.results
            ],
        }
        for judgment in judgments
    ]


def _found(result: Result) -> str:
    effect, runs = result.effect, f"{result.effect.n:3d} of {result.test.sample:3d} runs"
    if not np.isfinite(effect.estimate):
        return f"{runs}  {result.reason:47s}"
    sign = "+" if result.test.null == 0 else ""
    return (
        f"{runs}  {effect.estimate:{sign}.2f} [{effect.low:{sign}.2f}, {effect.high:{sign}.2f}]  "
        f"p {result.corrected:<7.2g} power {result.power:4.2f}  "
    )


def _row(judgment: Judgment, result: Result) -> dict[str, str | float]:
    test, effect = result.test, result.effect
    return {
        "tested": judgment.hypothesis.name,
        "label": test.name,
        "study": test.study,
        "statistic": test.statistic,
        "x": at(test.x, test.x_fraction),
        "y": at(test.y, test.y_fraction),
        "direction": test.direction,
        "null": test.null,
        "threshold": test.bound,
        "estimate": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "p_value": effect.p,
        "corrected": result.corrected,
        "runs": effect.n,
        "sample": test.sample,
        "left_out": ", ".join(f"{count} {reason}" for reason, count in result.left_out.items()),
        "power": result.power,
        "outcome": result.outcome.value,
        "reason": result.reason,
    }


def at(name: str, fraction: float) -> str:
    """An observable at a fraction of training, in words."""
    return name if fraction == 1 else f"{name}, at {100 * fraction:g} % of training"


def _runs(index: int, result: Result) -> pd.DataFrame:
    runs = result.runs
    return pd.DataFrame(
        {
            "of_test": np.full(len(runs), index),
            "run_x": runs["x"].to_numpy(dtype=float),
            "run_y": runs["y"].to_numpy(dtype=float),
            "run_gamma": runs["gamma"].to_numpy(dtype=float) if "gamma" in runs else np.nan,
            "run_phase": runs["phase"].to_numpy(dtype=object),
            "run_left_out": runs["left_out"].to_numpy(dtype=object),
        }
    )


def _texts(values: object) -> np.ndarray:
    return np.array(list(values), dtype=object)  # type: ignore[call-overload]
