"""Registered experiments whose unit is a seed: how many seeds must show what, and how many do."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import xarray as xr
from scipy.stats import binomtest

from experiments.anchor.schema import NOT_CONVERGED
from experiments.hypotheses.outcome import Outcome
from experiments.hypotheses.registered import HYPOTHESES
from lowcomplex._names import require_known
from lowcomplex.statistics import holm

# What is read off one run, from the variables of its study's dataset.
_QUANTITIES = {
    "order gap": lambda runs: runs["order_gap"],
    "size of the order gap": lambda runs: abs(runs["order_gap"]),
}


class _Registered(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bound(_Registered):
    """Values above a number, or below one.

    Attributes:
        above: Values above it are meant.
        below: Values below it are meant.
    """

    above: float | None = None
    below: float | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> Bound:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"above, below: expected one of both, got {self.above} and {self.below}")
        return self

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Which values are meant; NaN never is."""
        return values > self.above if self.above is not None else values < self.below

    def __str__(self) -> str:
        """In words."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"


class Count(_Registered):
    """One test: so many seeds of one arm show what is expected.

    Attributes:
        name: The expectation in words.
        study: Whose runs.
        where: The arm: values of fields in which the study's runs differ.
        quantity: What is read off a run.
        expected: What a seed must show.
        seeds: Registered number of seeds.
        needed: How many of them must show it.
        refuted: Where the mean over seeds refutes the test; None if nothing but the count decides.
    """

    name: str = pydantic.Field(min_length=1)
    study: str
    where: Mapping[str, float | int | str]
    quantity: str
    expected: Bound
    seeds: int = pydantic.Field(ge=1)
    needed: int = pydantic.Field(ge=1)
    refuted: Bound | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _gathered(cls, data: Any) -> Any:
        """Write the bound beside the test's other fields."""
        if not isinstance(data, dict):
            return data
        bound = {key: data[key] for key in ("above", "below") if key in data}
        return {**{key: value for key, value in data.items() if key not in bound}, "expected": bound}

    @pydantic.model_validator(mode="after")
    def _meaningful(self) -> Count:
        require_known("quantity", self.quantity, _QUANTITIES)
        if self.needed > self.seeds:
            raise ValueError(f"needed: expected at most the {self.seeds} seeds, got {self.needed}")
        return self

    def __str__(self) -> str:
        """The criterion and its arm, in words."""
        arm = ", ".join(f"{field} = {value}" for field, value in self.where.items())
        return f"{self.quantity} {self.expected} in at least {self.needed} of {self.seeds} seeds ({arm})"


class Experiment(_Registered):
    """One experiment.

    Attributes:
        name: Short, such as "E1".
        title: What is expected, in one sentence.
        unit: The unit of replication.
        level: Level of Holm's correction over the primary tests.
        primary: The tests that decide.
        control: Arms in which the same criterion must fail.
        secondary: Expectations that decide nothing.
    """

    name: str = pydantic.Field(min_length=1)
    title: str = pydantic.Field(min_length=1)
    unit: str = pydantic.Field(pattern="^seed$")
    level: float = pydantic.Field(gt=0, lt=1)
    primary: tuple[Count, ...] = pydantic.Field(min_length=1)
    control: tuple[Count, ...] = pydantic.Field(min_length=1)
    secondary: tuple[Count, ...] = ()

    @property
    def studies(self) -> tuple[str, ...]:
        """Whose runs its tests ask for, each once."""
        return tuple(dict.fromkeys(t.study for t in (*self.primary, *self.control, *self.secondary)))


@dataclass(frozen=True)
class Counted:
    """What the runs show of one test.

    Attributes:
        test: As registered.
        values: The quantity by seed; NaN where a run did not converge.
        p_value: Chance of so many seeds or more, were each as likely to show it as not.
        corrected: The same after Holm's correction; as it is outside the primary tests.
        outcome: What the registered rule says; `NOT_RUN` without all seeds.
    """

    test: Count
    values: np.ndarray
    p_value: float = np.nan
    corrected: float = np.nan
    outcome: Outcome = Outcome.NOT_RUN

    @property
    def shown(self) -> int:
        """How many seeds show what is expected."""
        return int(self.test.expected.holds(self.values).sum())

    def __str__(self) -> str:
        """Outcome, count, and mean."""
        if self.outcome is Outcome.NOT_RUN:
            return f"{self.test.name}: not run"
        chance = f"p = {self.corrected:.2g}"
        return f"{self.test.name}: {self.outcome.value}, {self._count()}, {chance}); {self._mean()}"

    def as_control(self) -> str:
        """Whether the criterion fails, as it must where the hypothesis does not hold; count, and mean."""
        if self.outcome is Outcome.NOT_RUN:
            return f"{self.test.name}: not run"
        said = "the criterion holds, and should fail" if self.holds else "the criterion fails, as it must"
        return f"{self.test.name}: {said}, {self._count()}); {self._mean()}"

    @property
    def holds(self) -> bool:
        """Whether as many seeds as needed show it."""
        return self.shown >= self.test.needed

    def _count(self) -> str:
        return f"{self.shown} of {len(self.values)} seeds {self.test.expected} ({self.test.needed} needed"

    def _mean(self) -> str:
        finite = self.values[np.isfinite(self.values)]
        if not len(finite):
            return f"no run converged, so that there is no {self.test.quantity}"
        return f"{self.test.quantity} {finite.mean():.2f} ({finite.min():.2f} to {finite.max():.2f})"


@dataclass(frozen=True)
class Report:
    """What the runs show of one experiment.

    Attributes:
        experiment: As registered.
        primary: The tests that decide, in order.
        control: Arms in which the same criterion must fail.
        secondary: Expectations that decide nothing.
        outcome: Supported if all primary tests are and every control fails its criterion; refuted if a
            primary test is; else undecided. What a secondary test shows does not enter.
    """

    experiment: Experiment
    primary: tuple[Counted, ...]
    control: tuple[Counted, ...]
    secondary: tuple[Counted, ...]
    outcome: Outcome

    def lines(self) -> list[str]:
        """The outcome and every test, as lines of text."""
        return [
            f"{self.experiment.name}: {self.experiment.title} {self.outcome.value.capitalize()}.",
            *(f"  primary: {each}" for each in self.primary),
            *(f"  control: {each.as_control()}" for each in self.control),
            *(f"  secondary: {each}" for each in self.secondary),
        ]


def load(path: Path = HYPOTHESES) -> tuple[Experiment, ...]:
    """Read and check the registered experiments.

    Args:
        path: A TOML file with `[[experiment]]`, and `[[experiment.primary]]`, `[[experiment.control]]` each.

    Returns:
        The experiments in the file's order.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no TOML, or a field is missing, unknown or out of range.
    """
    try:
        rows = tomllib.loads(path.read_text()).get("experiment", [])
        return pydantic.TypeAdapter(tuple[Experiment, ...]).validate_python(rows)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def evaluate(experiment: Experiment, datasets: Mapping[str, xr.Dataset]) -> Report:
    """Judge an experiment by the rule that was registered with it.

    Args:
        experiment: As registered.
        datasets: By study. A test whose study is not among them, or lacks seeds, is not run.

    Returns:
        Its tests and the outcome.

    Raises:
        ValueError: A test's arm names a field or a value that its study does not have.
    """
    primary = [_counted(test, datasets) for test in experiment.primary]
    corrected = holm([each.p_value for each in primary])
    level = experiment.level
    judged = tuple(_judged(each, float(p), level) for each, p in zip(primary, corrected, strict=True))
    others = (
        [_counted(test, datasets) for test in tests] for tests in (experiment.control, experiment.secondary)
    )
    control, secondary = (tuple(_judged(each, each.p_value, level) for each in tests) for tests in others)
    return Report(experiment, judged, control, secondary, _overall(judged, control))


def _counted(test: Count, datasets: Mapping[str, xr.Dataset]) -> Counted:
    if test.study not in datasets:
        return Counted(test, np.array([]))
    dataset = datasets[test.study]
    for field in test.where:
        require_known(f"where of {test.name!r}", field, [str(name) for name in dataset["phase"].dims])
    runs = dataset.sel(test.where)
    values = _QUANTITIES[test.quantity](runs).where(runs["phase"] != NOT_CONVERGED).values.astype(float)
    if len(values) < test.seeds:
        return Counted(test, values)
    counted = Counted(test, values[: test.seeds])
    p_value = binomtest(counted.shown, test.seeds, 0.5, alternative="greater").pvalue
    return Counted(test, counted.values, float(p_value))


def _judged(counted: Counted, corrected: float, level: float) -> Counted:
    test = counted.test
    if not np.isfinite(counted.p_value):
        return counted
    finite = counted.values[np.isfinite(counted.values)]
    if counted.holds and corrected < level:
        outcome = Outcome.SUPPORTED
    elif test.refuted is not None and len(finite) and bool(test.refuted.holds(finite.mean())):
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.UNDECIDED
    return Counted(test, counted.values, counted.p_value, corrected, outcome)


def _overall(primary: Sequence[Counted], control: Sequence[Counted]) -> Outcome:
    outcomes = [each.outcome for each in (*primary, *control)]
    if Outcome.NOT_RUN in outcomes:
        return Outcome.NOT_RUN
    if any(each.outcome is Outcome.REFUTED for each in primary):
        return Outcome.REFUTED
    rejected = not any(each.holds for each in control)
    held = all(each.outcome is Outcome.SUPPORTED for each in primary)
    return Outcome.SUPPORTED if held and rejected else Outcome.UNDECIDED
