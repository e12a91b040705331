"""What runs of both arms say, in sentences computed from them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from experiments._layers import QUERY
from experiments.sequences.schema import CONVERGED, TRAIN
from experiments.statistics.association import Effect, area_under_curve

ALPHA = 0.05
_WORDS = {"small": "Small start, large decay", "large": "Large start, small decay"}


def advantage(values: xr.DataArray) -> Effect:
    """How often a run of the arm "small" has the larger value, among runs with as many examples.

    Args:
        values: (arm, examples, seed); runs that are NaN are left out.

    Returns:
        The area under the ROC curve: 1 if always, 1/2 if neither arm is ahead, 0 if never.
    """
    ordered = values.transpose("arm", "examples", "seed")
    arms, sizes, _ = np.indices(ordered.shape)
    kept = np.isfinite(ordered.values)
    is_small = (ordered["arm"].values == "small")[arms]
    return area_under_curve(ordered.values[kept], is_small[kept], sizes[kept])


def judged(effect: Effect) -> str:
    """Whether the arm "small" is ahead: "Agrees", "Disagrees" or "Undecided"."""
    if not effect.p_value < ALPHA:
        return "Undecided"
    return "Agrees" if effect.estimate > 0.5 else "Disagrees"


def final_accuracy(dataset: xr.Dataset, group: str) -> xr.DataArray:
    """(arm, examples, seed) accuracy at the last checkpoint; NaN for runs that did not converge."""
    final = dataset["accuracy"].sel(group=group).isel(step=-1)
    return final.where(dataset["converged"].astype(bool))


def verdict(dataset: xr.Dataset, group: str, noun: str) -> str:
    """Whether the small start answers more of a group of questions, in one sentence.

    Args:
        dataset: A study's.
        group: The questions.
        noun: What they are called.
    """
    values = final_accuracy(dataset, group)
    return f"{judged(advantage(values))}: {_compared(values, noun)}."


def accuracy_and_time(dataset: xr.Dataset, group: str, noun: str) -> str:
    """Whether the small start answers more of a group, and converges sooner, in one sentence.

    A run that did not converge took longer than all that did.

    Args:
        dataset: A study's.
        group: The questions.
        noun: What they are called.
    """
    values, times = final_accuracy(dataset, group), dataset["steps_to_convergence"]
    sooner = advantage(-times.fillna(2.0 * float(dataset["step"].max())))
    words = {judged(advantage(values)), judged(sooner)}
    word = "In part" if "Agrees" in words else "Disagrees" if "Disagrees" in words else "Undecided"
    word = words.pop() if len(words) == 1 else word
    medians = [_median(times.sel(arm=arm)) for arm in ("small", "large")]
    return (
        f"{word}: {_compared(values, noun)}. It converges after {medians[0]} (median), the reverse after "
        f"{medians[1]}; {described(sooner)}."
    )


def described(effect: Effect) -> str:
    """How often the small start is ahead, in words."""
    if not np.isfinite(effect.estimate):
        return "there are too few runs of both arms with as many examples to compare them"
    return (
        f"in {effect.estimate:.0%} of the pairs of runs with as many examples the small start is ahead "
        f"({effect.runs} runs, p = {effect.p_value:.2g})"
    )


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """What a study of both arms shows."""
    groups = [str(group) for group in dataset["group"].values if group != TRAIN]
    runs = dataset["converged"]
    broken = int((dataset["diverged_at"] >= 0).sum())
    sentences = [
        f"{runs.size} transformers were trained; {int(runs.size - runs.sum())} did not converge (to "
        f"{CONVERGED:.0%} of the training examples wholly right)"
        + (f", {broken} of them diverged" if broken else "")
        + ". Accuracies are of whole answers, at the last checkpoint."
    ]
    for arm in dataset["arm"].values:
        for examples in dataset["examples"].values:
            at = {"arm": arm, "examples": examples}
            final = dataset["accuracy"].sel(at).isel(step=-1)
            said = ", ".join(f"{_named(group)} {_spread(final.sel(group=group))}" for group in groups)
            times = dataset["steps_to_convergence"].sel(at)
            reached = int(times.notnull().sum())
            when = f"{reached} of {times.size} converged"
            when += f", after {float(times.min()):.0f} to {float(times.max()):.0f} steps" if reached else ""
            sentences.append(f"{_WORDS[str(arm)]}, {int(examples)} examples: {said}; {when}.")
    for group in groups:
        effect = described(advantage(final_accuracy(dataset, group)))
        sentences.append(f"Converged runs, {_named(group)}: {effect}.")
    for measure in ("effective_rank", "stable_rank"):
        ranks = dataset[measure].isel(step=-1).sel(matrix=QUERY)
        small, large = (_spread(ranks.sel(arm=arm), digits=1) for arm in ("small", "large"))
        sentences.append(
            f"The {measure.replace('_', ' ')} of the first block's query matrix ends at {small} from the "
            f"small start and at {large} from the large one."
        )
    return tuple(sentences)


def _compared(values: xr.DataArray, noun: str) -> str:
    means = [_mean(values.sel(arm=arm)) for arm in ("small", "large")]
    left_out = int(values.isnull().sum())
    return (
        f"of {noun} the small start with large decay has {means[0]} right, the reverse {means[1]}; "
        f"{described(advantage(values))}"
        + (f"; {left_out} of {values.size} runs did not converge and are left out" if left_out else "")
    )


def _mean(values: xr.DataArray) -> str:
    return (
        f"{float(values.mean()):.2f}"
        if bool(values.notnull().any())
        else "an unknown share (no run converged)"
    )


def _median(times: xr.DataArray) -> str:
    median = float(times.fillna(np.inf).median())
    return f"{median:.0f} steps" if np.isfinite(median) else "more steps than there were"


def _spread(values: xr.DataArray, digits: int = 2) -> str:
    """Mean and range over the runs that did not diverge."""
    if not bool(values.notnull().any()):
        return "unknown (all runs diverged)"
    mean, low, high = (f"{float(value):.{digits}f}" for value in (values.mean(), values.min(), values.max()))
    return f"{mean} ({low}-{high})"


def _named(group: str) -> str:
    return group.replace("_", " ")
