"""How often a check holds, and its controls are rejected, over fresh draws of data and weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lowcomplex.checks._runner import CheckError, known_names, run_tasks
from lowcomplex.theorems._verdict import Verdict

# A law that holds may fail once in a hundred draws, in the tail of an observable.
REQUIRED_RATE = 0.99


class Rate(NamedTuple):
    """A share of successes with its Wilson interval.

    Attributes:
        value: successes / trials; NaN without trials.
        low: Lower end of the 95 % interval (Wilson 1927).
        high: Upper end.
    """

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int) -> Rate:
    """Share of successes with its 95 % Wilson interval; (NaN, 0, 1) without trials.

    Example:
        >>> tuple(round(end, 3) for end in wilson(99, 100))
        (0.99, 0.946, 0.998)
    """
    from lowcomplex.statistics import share

    found = share(successes, trials)
    return Rate(found.estimate, found.low, found.high)


@dataclass(frozen=True)
class Repetition:
    """The verdicts of one check over several seeds.

    Attributes:
        name: The prediction's name.
        verdicts: One verdict per seed that ran.
        errors: One error per seed that could not run.
    """

    name: str
    verdicts: tuple[Verdict, ...]
    errors: tuple[CheckError, ...]

    @property
    def seeds(self) -> int:
        """Number of seeds that were tried."""
        return len(self.verdicts) + len(self.errors)

    def __repr__(self) -> str:
        return (
            f"<{self.name} over {self.seeds} seeds: verdict as stated {_percent(self.as_stated)}, "
            f"control rejected {_percent(self.control_rejected)}, {len(self.errors)} errors>"
        )

    @property
    def as_stated(self) -> Rate:
        """Share of seeds with the expected verdict; a seed that could not run does not count as one."""
        return wilson(sum(v.passed == (v.expected == "holds") for v in self.verdicts), self.seeds)

    @property
    def control_rejected(self) -> Rate:
        """Share of seeds at which every control was rejected."""
        return wilson(sum(v.control == "rejected" for v in self.verdicts), self.seeds)

    @property
    def hypothesis_met(self) -> Rate:
        """Share of drawn data sets that satisfy the law's hypothesis on the data; 1 if it has none."""
        return wilson(len(self.verdicts), sum(v.draws for v in self.verdicts))

    @property
    def as_expected(self) -> bool:
        """True unless an interval excludes a rate of 99 in 100, or no seed ran."""
        rates = (self.as_stated, self.control_rejected)
        return bool(self.verdicts) and all(rate.high >= REQUIRED_RATE for rate in rates)

    def to_dict(self) -> dict[str, Any]:
        """The rates and every verdict as plain JSON types."""
        return {
            "name": self.name,
            "seeds": self.seeds,
            "as_stated": self.as_stated._asdict(),
            "control_rejected": self.control_rejected._asdict(),
            "hypothesis_met": self.hypothesis_met._asdict(),
            "as_expected": self.as_expected,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "errors": [{"seed": error.seed, "error": error.error} for error in self.errors],
        }


def repeat(
    chosen: Sequence[str] | None = None,
    *,
    seeds: int,
    first: int = 0,
    workers: int = 2,
    progress: Callable[[str, int], None] | None = None,
) -> list[Repetition]:
    """Run checks at the seeds first, …, first + seeds - 1.

    Args:
        chosen: Names of checks; all of them by default.
        seeds: Number of seeds.
        first: The first of them.
        workers: Processes; 1 runs them here, one after the other.
        progress: Called with the name and seed of each run that has ended.

    Returns:
        A repetition for each name, in their order.

    Raises:
        TypeError: `chosen` is one name, not a list of them.
        ValueError: An unknown name, or `seeds` or `workers` is not positive.
    """
    if seeds < 1:
        raise ValueError(f"seeds: expected a positive number, got {seeds}")
    chosen = known_names(chosen)
    tasks = [(name, first + offset) for name in chosen for offset in range(seeds)]
    outcomes = run_tasks(tasks, workers=workers, progress=progress)
    return [
        Repetition(
            name,
            tuple(o for o in outcomes if isinstance(o, Verdict) and o.name == name),
            tuple(o for o in outcomes if isinstance(o, CheckError) and o.name == name),
        )
        for name in dict.fromkeys(chosen)
    ]


def _percent(rate: Rate) -> str:
    return f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
