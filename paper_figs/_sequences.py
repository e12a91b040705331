"""Findings of the studies of sequences: does the small start with large decay answer more, and sooner?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from experiments.sequences.findings import advantage, described, final_accuracy
from experiments.sequences.schema import ARMS
from lowcomplex.statistics import Estimate
from paper_figs._finding import Finding, Point, Status, conclude

_LEVEL = 0.05


def status_of(effect: Estimate) -> Status:
    """Whether the arm "small" is ahead, at level 0.05."""
    if not effect.p < _LEVEL:
        return "open"
    return "yes" if effect.estimate > 0.5 else "no"


def accuracy(dataset: xr.Dataset, group: str, noun: str) -> Finding:
    """Whether the small start answers more of a group of questions.

    Args:
        dataset: A study's.
        group: The questions.
        noun: Their name.
    """
    return conclude([_more(dataset, group, noun)])


def accuracy_and_time(dataset: xr.Dataset, group: str, noun: str) -> Finding:
    """Whether the small start answers more of a group, and converges sooner.

    A run that did not converge took longer than all that did.

    Args:
        dataset: A study's.
        group: The questions.
        noun: Their name.
    """
    times = dataset["steps_to_convergence"]
    sooner = advantage(-times.fillna(2.0 * float(dataset["step"].max())))
    medians = [_median(times.sel(arm=arm)) for arm in ARMS]
    words = f"It converges after {medians[0]} (median), the reverse after {medians[1]}; {described(sooner)}"
    soon = Point(status_of(sooner), words, _numbers(sooner))
    return conclude([_more(dataset, group, noun), soon], between=". ")


def _more(dataset: xr.Dataset, group: str, noun: str) -> Point:
    values = final_accuracy(dataset, group)
    effect = advantage(values)
    means = [_mean(values.sel(arm=arm)) for arm in ARMS]
    left_out = int(values.isnull().sum())
    words = (
        f"of {noun} the small start with large decay has {means[0]} right, the reverse {means[1]}; "
        f"{described(effect)}"
        + (f"; {left_out} of {values.size} runs did not converge and are left out" if left_out else "")
    )
    return Point(status_of(effect), words, _numbers(effect))


def _numbers(effect: Estimate) -> dict[str, float]:
    return {"area": effect.estimate, "p_value": effect.p, "runs": effect.n}


def _mean(values: xr.DataArray) -> str:
    return (
        f"{float(values.mean()):.2f}"
        if bool(values.notnull().any())
        else "an unknown share (no run converged)"
    )


def _median(times: xr.DataArray) -> str:
    median = float(times.fillna(np.inf).median())
    return f"{median:.0f} steps" if np.isfinite(median) else "more steps than there were"
