"""What runs of both arms say, in sentences computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from experiments._findings import Finding, Setting
from experiments._layers import QUERY
from experiments._starts import LARGE, SMALL
from experiments.sequences.schema import ARMS, CONVERGED, TRAIN
from lowcomplex.statistics import Estimate, area_under_curve

_WORDS: dict[str, str] = {SMALL: "Small start, large decay", LARGE: "Large start, small decay"}


def advantage(values: xr.DataArray) -> Estimate:
    """How often a run of the arm "small" has the larger value, among runs with as many examples.

    Args:
        values: (arm, examples, seed); runs that are NaN are left out.

    Returns:
        The area under the ROC curve: 1 if always, 1/2 if neither arm is ahead, 0 if never.
    """
    ordered = values.transpose("arm", "examples", "seed")
    arms, sizes, _ = np.indices(ordered.shape)
    kept = np.isfinite(ordered.values)
    is_small = (ordered["arm"].values == SMALL)[arms]
    return area_under_curve(ordered.values[kept], is_small[kept], sizes[kept])


def final_accuracy(dataset: xr.Dataset, group: str) -> xr.DataArray:
    """(arm, examples, seed) accuracy at the last checkpoint; NaN for runs that did not converge."""
    final = dataset["accuracy"].sel(group=group).isel(step=-1)
    return final.where(dataset["converged"].astype(bool))


def described(effect: Estimate) -> str:
    """How often the small start is ahead, in words."""
    if not np.isfinite(effect.estimate):
        return "there are too few runs of both arms with as many examples to compare them"
    return (
        f"in {effect.estimate:.0%} of the pairs of runs with as many examples the small start is ahead "
        f"({effect.n} runs, p = {effect.p:.2g})"
    )


def findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """What a study of both arms shows."""
    groups = [str(group) for group in dataset["group"].values if group != TRAIN]
    runs = dataset["converged"]
    broken = int((dataset["diverged_at"] >= 0).sum())
    sentences: list[Finding] = [
        f"{runs.size} transformers were trained; {int(runs.size - runs.sum())} did not converge (to "
        f"{CONVERGED:.0%} of the training examples wholly right)"
        + (f", {broken} of them diverged" if broken else "")
        + ". Accuracies are of whole answers, at the last checkpoint."
    ]
    sentences += [
        _of_cell(dataset, groups, str(arm), int(examples))
        for arm in dataset["arm"].values
        for examples in dataset["examples"].values
    ]
    for group in groups:
        effect = described(advantage(final_accuracy(dataset, group)))
        sentences.append(f"Converged runs, {_named(group)}: {effect}.")
    for measure in ("effective_rank", "stable_rank"):
        ranks = dataset[measure].isel(step=-1).sel(layer=QUERY)
        small, large = (_spread(ranks.sel(arm=arm), digits=1) for arm in ARMS)
        sentences.append(
            f"The {measure.replace('_', ' ')} of the first block's query matrix ends at {small} from the "
            f"small start and at {large} from the large one."
        )
    return tuple(sentences)


def _of_cell(dataset: xr.Dataset, groups: Sequence[str], arm: str, examples: int) -> Setting:
    runs = dataset.sel(arm=arm, examples=examples)
    final = runs["accuracy"].isel(step=-1)
    found = {_named(group): _spread(final.sel(group=group)) for group in groups}
    said = ", ".join(f"{name} {values}" for name, values in found.items())
    times = runs["steps_to_convergence"]
    reached = int(times.notnull().sum())
    found["converged"] = f"{reached} of {times.size}"
    when = f"{found['converged']} converged"
    if reached:
        found["after steps"] = f"{float(times.min()):.0f} to {float(times.max()):.0f}"
        when += f", after {found['after steps']} steps"
    at = {"start": _WORDS[arm], "examples": str(examples)}
    return Setting(at, found, f"{_WORDS[arm]}, {examples} examples: {said}; {when}.")


def _spread(values: xr.DataArray, digits: int = 2) -> str:
    """Mean and range over the runs that did not diverge."""
    if not bool(values.notnull().any()):
        return "unknown (all runs diverged)"
    mean, low, high = (f"{float(value):.{digits}f}" for value in (values.mean(), values.min(), values.max()))
    return f"{mean} ({low}-{high})"


def _named(group: str) -> str:
    return group.replace("_", " ")
