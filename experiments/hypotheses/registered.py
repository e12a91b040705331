"""Hypotheses as registered before their runs were seen: which effect, how large, and what refutes it.

This module reads them from `hypotheses.toml` and checks their form. `experiments.hypotheses.evidence` tests
them on the runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic

from experiments.anchor.schema import Phase
from experiments.hypotheses.observables import known, registry
from experiments.hypotheses.outcome import Rule
from lowcomplex._names import require_known

HYPOTHESES = Path(__file__).with_name("hypotheses.toml")
MATCHED = "training_loss"

Statistic = Literal["rank correlation", "area under curve"]
Choice = float | int | str
# Where runs are of every γ, seed and learning rate, these name other fields that they may be restricted to.
TEXTS = ("part", "functions")


class _Registered(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Association(_Registered):
    """One test: an association of two observables over runs.

    Attributes:
        name: The expectation in words.
        x: An observable or a field of the config; for an area under the curve, the predictor.
        y: An observable; for an area under the curve, the final phase, and left out.
        statistic: Spearman's rank correlation of x and y, or how often x is larger in a positive run.
        strata: Fields of the config within which runs are compared; "training_loss" compares runs of like
            final training loss, `bins` equal parts of the runs of each combination of the other strata.
        bins: Number of those parts.
        where: Restricts runs to a value, or to one of several, of fields of the config. The key `fraction`
            is the fraction of training at which x and y are taken.
        x_fraction: At which fraction of training x is taken.
        y_fraction: At which fraction of training y is taken. The phase is always the final one.
        positive: For an area: the final phase that counts as positive.
        negative: For an area: the phase that counts as negative; by default every other.
        direction: 1 if the effect is expected to be positive (an area above 1/2), -1 if negative, 0 if it is
            expected to be none.
        threshold: Least size of the effect that counts, whatever its direction: of a correlation in (0, 1),
            of an area in (1/2, 1).
        study: Whose runs; those of the hypothesis if left out.
        sample: Registered number of runs; that of the hypothesis if left out.
    """

    name: str = pydantic.Field(min_length=1)
    x: str
    y: str = "phase"
    statistic: Statistic
    strata: tuple[str, ...] = ()
    bins: int = pydantic.Field(default=3, ge=2)
    where: Mapping[str, Choice | tuple[Choice, ...]] = {}
    x_fraction: float = pydantic.Field(default=1.0, ge=0, le=1)
    y_fraction: float = pydantic.Field(default=1.0, ge=0, le=1)
    positive: Phase = "inferential"
    negative: Phase | None = None
    direction: Literal[1, -1, 0]
    threshold: float
    study: str
    sample: int = pydantic.Field(ge=4)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _one_fraction(cls, data: Any) -> Any:
        """Move `where.fraction`, which is no field of a run, to where it acts."""
        if not isinstance(data, dict) or "fraction" not in (data.get("where") or {}):
            return data
        if {"x_fraction", "y_fraction"} & data.keys():
            raise ValueError("where.fraction: expected it, or x_fraction and y_fraction, got both")
        where = dict(data["where"])
        fraction = where.pop("fraction")
        y = {"y_fraction": fraction} if data.get("statistic") == "rank correlation" else {}
        return {**data, "where": where, "x_fraction": fraction, **y}

    @pydantic.model_validator(mode="after")
    def _meaningful(self) -> Association:
        names = [("x", self.x)]
        if self.statistic == "area under curve":
            low, kind = 0.5, "an area, whatever the direction,"
            if self.y != "phase":
                raise ValueError(
                    f"y: an area under the curve predicts the phase; leave y out, got {self.y!r}"
                )
            if self.negative == self.positive:
                raise ValueError(
                    f"negative: expected another phase than the positive one, got {self.negative!r}"
                )
        else:
            low, kind = 0.0, "the size of a correlation, whatever its direction,"
            names.append(("y", self.y))
            if "positive" in self.model_fields_set or "negative" in self.model_fields_set:
                raise ValueError("positive: phases are for an area under the curve, got a rank correlation")
        if not low < self.threshold < 1:
            raise ValueError(f"threshold: expected {kind} in ({low:g}, 1), got {self.threshold:g}")
        for argument, name in names:
            require_known(argument, name, known())
        for argument, name, fraction in (("x", self.x, self.x_fraction), ("y", self.y, self.y_fraction)):
            found = registry().get(name)
            if found is not None and found.final and fraction < 1:
                raise ValueError(f"{argument}: {name} is known at the end of training only, got {fraction:g}")
        for name in (*self.strata, *self.where):
            require_known("strata or where", name, (*known(), *TEXTS))
            if name in registry() and not (name == MATCHED and name in self.strata):
                raise ValueError(
                    f"strata or where: expected fields of the config, got the observable {name!r}"
                )
        return self

    @property
    def null(self) -> float:
        """The statistic without an association."""
        return 0.5 if self.statistic == "area under curve" else 0.0

    @property
    def bound(self) -> float:
        """The threshold as a value of the statistic: where no effect is expected, that of a positive one."""
        return self.null + (self.direction or 1) * (self.threshold - self.null)

    @property
    def refuted_if(self) -> str:
        """What refutes it, in words."""
        if self.direction:
            return "the whole 95 % interval falls short of the threshold"
        return "the estimate is at or beyond the threshold, on either side, and the corrected p is below .05"


class Hypothesis(_Registered):
    """One hypothesis and its tests.

    Attributes:
        name: Short, such as "H1".
        title: One sentence.
        study: Whose runs.
        unit: The unit of replication.
        sample: Registered number of runs.
        rule: What makes it supported: all its tests are, any of them is, or more than half of them are.
        test: The tests.
    """

    name: str = pydantic.Field(min_length=1)
    title: str = pydantic.Field(min_length=1)
    study: str
    unit: Literal["run"]
    sample: int = pydantic.Field(ge=4)
    rule: Rule
    test: tuple[Association, ...] = pydantic.Field(min_length=1)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _filled(cls, data: Any) -> Any:
        """Give the tests what they leave to the hypothesis."""
        if not isinstance(data, dict) or not isinstance(data.get("test"), list):
            return data
        given = {name: data[name] for name in ("study", "sample") if name in data}
        return {**data, "test": [{**given, **t} if isinstance(t, dict) else t for t in data["test"]]}

    @pydantic.model_validator(mode="after")
    def _one_name_each(self) -> Hypothesis:
        names = [test.name for test in self.test]
        if len(set(names)) < len(names):
            raise ValueError(f"test: expected one test per name, got {names}")
        return self


def load(path: Path = HYPOTHESES) -> tuple[Hypothesis, ...]:
    """Read and check registered hypotheses.

    Args:
        path: A TOML file, `[[hypothesis]]` with `[[hypothesis.test]]` each.

    Returns:
        The hypotheses in the file's order; each test knows its study and its sample.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no TOML, a field is missing, unknown or out of range, or two hypotheses have
            one name; the message says where.
    """
    try:
        content = tomllib.loads(path.read_text())
        found = _File.model_validate(content).hypothesis
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    names = [hypothesis.name for hypothesis in found]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: expected one hypothesis per name, got {names}")
    return found


class _File(_Registered):
    hypothesis: tuple[Hypothesis, ...] = pydantic.Field(min_length=1)
    experiment: tuple[Any, ...] = ()  # experiments.hypotheses.experiments reads these
