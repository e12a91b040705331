"""What the runs say of the registered hypotheses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED, PHASES
from experiments.hypotheses.observables import MissingObservableError, observables, run_dimensions
from experiments.hypotheses.outcome import Outcome, of_effect, overall
from experiments.hypotheses.registered import MATCHED, Association, Choice, Hypothesis
from lowcomplex._names import require_known
from lowcomplex.statistics import (
    Estimate,
    area_under_curve,
    benjamini_hochberg,
    power_of_area,
    power_of_rank_correlation,
    rank_correlation,
)

_ONE_KIND = "in a stratum of one kind"
_NO_EFFECT = Estimate(np.nan, np.nan, np.nan)
_RULES = {"all": "all are", "any": "any is", "majority": "more than half are"}


@dataclass(frozen=True)
class Result:
    """What the runs say of one test.

    Attributes:
        test: As registered.
        runs: One row per run that the test asks for: the run's fields, `phase`, `x`, `y` (for an area under
            the curve 1 in the positive phase, else 0), `stratum`, and `left_out`: why the test leaves the
            run out, empty if it does not.
        effect: The statistic, its interval, its p-value and the number of runs it is of.
        corrected: The p-value corrected for the number of tests of all hypotheses.
        power: How often the registered sample would show an effect as large as the threshold, were its runs
            spread over the strata, and phases as frequent, as those found; NaN without runs.
        outcome: Supported, refuted, undecided, or not run.
        reason: Why it was not run, or why there is no estimate.
    """

    test: Association
    runs: pd.DataFrame
    effect: Estimate = _NO_EFFECT
    corrected: float = np.nan
    power: float = np.nan
    outcome: Outcome = Outcome.NOT_RUN
    reason: str = ""

    @property
    def left_out(self) -> dict[str, int]:
        """How many runs were left out, by reason."""
        counts = self.runs["left_out"].value_counts().sort_index()
        return {str(reason): int(count) for reason, count in counts.items() if reason}


@dataclass(frozen=True)
class Judgment:
    """What the runs say of one hypothesis.

    Attributes:
        hypothesis: As registered.
        outcome: By the hypothesis's rule.
        results: The results of its tests, in order.
    """

    hypothesis: Hypothesis
    outcome: Outcome
    results: tuple[Result, ...]

    @property
    def sentence(self) -> str:
        """The outcome, on how many of the registered runs, and how the tests came out."""
        outcomes = [result.outcome.value for result in self.results]
        parts = ", ".join(f"{outcomes.count(kind)} {kind}" for kind in dict.fromkeys(outcomes))
        found = _range([result.effect.n for result in self.results])
        asked = _range([result.test.sample for result in self.results])
        return (
            f"{self.outcome.value.capitalize()}, on {found} of {asked} registered runs: of {len(outcomes)} "
            f"test{'' if len(outcomes) == 1 else 's'}, {parts} (the hypothesis is supported if "
            f"{_RULES[self.hypothesis.rule]})."
        )


def evaluate(
    hypotheses: Sequence[Hypothesis],
    datasets: Mapping[str, xr.Dataset],
    *,
    alpha: float = 0.05,
    resamples: int = 2000,
) -> tuple[Judgment, ...]:
    """Test every hypothesis; p-values are corrected over all tests of all hypotheses.

    Args:
        hypotheses: As registered.
        datasets: By study. A test of a study that is not among them is not run.
        alpha: Level of the corrected tests.
        resamples: Number of bootstrap samples, and of permutations.

    Returns:
        A judgment a hypothesis, in order. Equal arguments give equal judgments.

    Raises:
        ValueError: A test restricts or divides the runs by a field in which its study's runs do not differ,
            or takes an observable at a fraction of training that was not recorded.
    """
    results = []
    for test in (test for hypothesis in hypotheses for test in hypothesis.test):
        if test.study in datasets:
            results.append(_result(test, datasets[test.study], resamples))
        else:
            results.append(Result(test, _no_runs(), reason=f"no dataset of {test.study}"))
    p_values = benjamini_hochberg([result.effect.p for result in results])
    judged = iter([_judged(result, float(p), alpha) for result, p in zip(results, p_values, strict=True)])
    judgments = []
    for hypothesis in hypotheses:
        own = tuple(next(judged) for _ in hypothesis.test)
        outcome = overall(hypothesis.rule, tuple(result.outcome for result in own))
        judgments.append(Judgment(hypothesis, outcome, own))
    return tuple(judgments)


def _result(test: Association, dataset: xr.Dataset, resamples: int) -> Result:
    try:
        runs = _runs(test, dataset)
    except MissingObservableError as error:
        return Result(test, _no_runs(), reason=str(error))
    used = runs[runs["left_out"] == ""]
    if used.empty:
        why = "no run is of the fields that it asks for" if runs.empty else "every run is left out"
        return Result(test, runs, reason=why)
    area = test.statistic == "area under curve"
    x, y, strata = used["x"].to_numpy(), used["y"].to_numpy(), used["stratum"].to_numpy(dtype=str)
    compute = area_under_curve if area else rank_correlation
    effect = compute(x, y, strata, resamples=resamples)
    defined = bool(np.isfinite(effect.estimate))
    within = "no stratum holds both kinds of run" if area else "x or y does not vary within strata"
    reason = "" if defined else within if len(used) > 2 else "fewer than three runs"
    share = float(y.mean()) if area else np.nan
    # Runs of strata that cannot inform are as frequent in the registered sample as in this one.
    sample = max(4, round(test.sample * len(used) / (len(used) + (runs["left_out"] == _ONE_KIND).sum())))
    power = _power(test, sample, min(len(np.unique(strata)), sample // 2), share)
    return Result(test, runs, effect, power=power, outcome=Outcome.UNDECIDED, reason=reason)


def _judged(result: Result, p_value: float, alpha: float) -> Result:
    if result.outcome is Outcome.NOT_RUN:
        return result
    test = result.test
    outcome = of_effect(
        result.effect,
        p_value,
        threshold=test.bound,
        direction=test.direction,
        null=test.null,
        alpha=alpha,
    )
    return replace(result, corrected=p_value, outcome=outcome)


def _power(test: Association, sample: int, strata: int, positive: float) -> float:
    if test.statistic == "rank correlation":
        return power_of_rank_correlation(test.bound, sample, strata=strata, draws=1000)
    if not 0 < positive < 1:
        return 0.0
    return power_of_area(test.bound, sample, positive, strata=strata, draws=1000)


def _runs(test: Association, dataset: xr.Dataset) -> pd.DataFrame:
    """The runs that a test asks for, and why it leaves some of them out."""
    area = test.statistic == "area under curve"
    fields = list(run_dimensions(dataset))
    x = observables(dataset, [test.x], fraction=test.x_fraction)
    y = observables(dataset, [] if area else [test.y], fraction=test.y_fraction)
    runs = x[[*fields, "phase"]].assign(
        x=x[test.x].astype(float),
        y=(y["phase"] == test.positive).astype(float) if area else y[test.y].astype(float),
    )
    if MATCHED in test.strata:
        runs["matched"] = observables(dataset, [MATCHED])[MATCHED]
    for field, choices in test.where.items():
        require_known(f"where of {test.name!r}", field, fields)
        runs = runs[_among(runs[field], choices if isinstance(choices, tuple) else (choices,))]
    runs = runs.reset_index(drop=True)
    finite = np.isfinite(runs[["x", "y", *(["matched"] if "matched" in runs else [])]]).all(axis=1)
    compared = (test.positive, test.negative) if test.negative else PHASES
    other = ~runs["phase"].isin(compared) if area else pd.Series(False, runs.index)
    runs["left_out"] = np.select(
        [runs["phase"] == NOT_CONVERGED, ~finite, other], [NOT_CONVERGED, "no value", "another phase"], ""
    )
    used = runs["left_out"] == ""
    runs["stratum"] = ""
    runs.loc[used, "stratum"] = _strata(test, runs[used], fields)
    alone = used & (runs.groupby(["stratum", "left_out"])["x"].transform("size") == 1)
    runs.loc[alone, "left_out"] = "alone in its stratum"
    if area:
        kinds = runs[runs["left_out"] == ""].groupby("stratum")["y"].transform("nunique")
        # Where no stratum holds both kinds there is nothing to estimate, and all are kept to say so.
        if (kinds > 1).any():
            runs.loc[kinds.index[kinds == 1], "left_out"] = _ONE_KIND
    return runs.drop(columns="matched", errors="ignore")


def _strata(test: Association, runs: pd.DataFrame, fields: Sequence[str]) -> pd.Series:
    labels = pd.Series("", runs.index)
    for field in (name for name in test.strata if name != MATCHED):
        require_known(f"strata of {test.name!r}", field, fields)
        labels = (
            labels
            + field
            + " = "
            + runs[field].map(lambda v: f"{v:g}" if isinstance(v, float) else str(v))
            + ", "
        )
    if MATCHED in test.strata:
        loss = runs["matched"].groupby(labels)
        part = np.ceil(loss.rank(method="first") * test.bins / loss.transform("size")).astype(int)
        labels = labels + "training loss, part " + part.astype(str)
    return labels.str.removesuffix(", ")


def _among(values: pd.Series, choices: Sequence[Choice]) -> pd.Series:
    found = pd.Series(False, values.index)
    for choice in choices:
        if isinstance(choice, str) or not pd.api.types.is_numeric_dtype(values):
            found |= values.astype(str) == str(choice)
        else:
            found |= np.isclose(values, choice, rtol=1e-9, atol=0)
    return found


def _no_runs() -> pd.DataFrame:
    return pd.DataFrame({"phase": [], "x": [], "y": [], "left_out": [], "stratum": []}).astype(
        {"left_out": str}
    )


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
