"""What registered designs can detect, from their numbers alone: before, and whatever, the runs show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache, partial

from experiments._studies import study
from experiments.hypotheses.experiments import Count, Experiment
from experiments.hypotheses.registered import MATCHED, Association, Hypothesis
from lowcomplex._names import require_known
from lowcomplex.statistics import least_effect, power_of_area, power_of_count, power_of_rank_correlation

_CHANCES = (0.6, 0.7, 0.8, 0.9, 0.95)
_LEAST_POWER = 0.8
_LEVEL = 0.05


def lines(name: str, hypotheses: Sequence[Hypothesis], experiments: Sequence[Experiment]) -> Iterator[str]:
    """What one registered design can detect.

    Args:
        name: Name of a hypothesis or of an experiment.
        hypotheses: All that are registered.
        experiments: All that are registered.

    Returns:
        Lines of text.

    Raises:
        ValueError: Nothing of that name is registered.
    """
    known: dict[str, Hypothesis | Experiment] = {each.name: each for each in hypotheses}
    known.update({each.name: each for each in experiments})
    require_known("name", name, known)
    found = known[name]
    return _of_experiment(found) if isinstance(found, Experiment) else _of_hypothesis(found)


def sufficient(test: Count, level: float, tests: int) -> int | None:
    """How many seeds must show what a test expects for it to be supported, however Holm orders the tests.

    Args:
        test: A primary test.
        level: Level of Holm's correction.
        tests: Number of primary tests.

    Returns:
        The least number from `needed` on whose chance, were each seed as likely to show it as not, is below
        level / tests; None if not even that of all seeds is.
    """
    counts = range(test.needed, test.seeds + 1)
    return next((k for k in counts if tests * power_of_count(0.5, test.seeds, k) < level), None)


def _of_experiment(experiment: Experiment) -> Iterator[str]:
    tests = len(experiment.primary)
    yield f"{experiment.name}: {experiment.title}"
    yield (
        f"Unit: a seed. Level {experiment.level:g}, with Holm's correction over "
        f"{_counted(tests, 'primary test')}: the smallest p must be below {experiment.level / tests:.3g}."
    )
    enough = []
    for test in experiment.primary:
        needed = sufficient(test, experiment.level, tests)
        enough.append((test, needed))
        yield ""
        yield f"primary: {test.name}"
        yield f"  {test}; by chance, were each seed as likely as not: p = {_by_chance(test):.2g}"
        if needed is None:
            yield (
                f"  not decidable with these runs: the smallest possible p is {0.5**test.seeds:.2g}, of all "
                f"{test.seeds} seeds, not below {experiment.level / tests:.3g}"
            )
        else:
            yield from _power_of(test, needed)
    if all(needed is not None for _, needed in enough) and tests > 1:
        joint = [
            math.prod(power_of_count(chance, test.seeds, needed or 0) for test, needed in enough)
            for chance in _CHANCES
        ]
        yield ""
        yield f"all primary tests, were their arms independent: {_table(joint)}"
    for kind, others in (("control", experiment.control), ("secondary", experiment.secondary)):
        for test in others:
            yield ""
            yield f"{kind}: {test.name}"
            yield f"  {test}; by chance: p = {_by_chance(test):.2g}"


def _by_chance(test: Count) -> float:
    return power_of_count(0.5, test.seeds, test.needed)


def _power_of(test: Count, needed: int) -> Iterator[str]:
    if needed > test.needed:
        yield f"  after Holm's correction {needed} of {test.seeds} seeds are needed"
    power = partial(power_of_count, seeds=test.seeds, needed=needed)
    yield f"  power by the share of seeds that show it: {_table([power(chance) for chance in _CHANCES])}"
    least = least_effect(power, 0.5, 1.0, least_power=_LEAST_POWER)
    spare = test.seeds - needed
    yield (
        f"  found with power {_LEAST_POWER:g}: a share of {least:.2f}; at most {_counted(spare, 'seed')} may "
        "fail to converge or to show it"
    )


def _table(powers: Sequence[float]) -> str:
    return ", ".join(f"{power:.2f} at {chance:g}" for chance, power in zip(_CHANCES, powers, strict=True))


def _of_hypothesis(hypothesis: Hypothesis) -> Iterator[str]:
    tests = hypothesis.test
    yield f"{hypothesis.name}: {hypothesis.title}"
    yield (
        f"Unit, as registered: a run. Level {_LEVEL:g}, before the correction over the tests of all "
        "hypotheses. The registered number of runs is spread evenly over the strata."
    )
    if any(test.statistic == "area under curve" for test in tests):
        yield "Half of the runs are taken to be of the positive phase."
    for test in tests:
        strata = _strata(test)
        end = 0.999 if test.bound > test.null else 2 * test.null - 0.999
        power = partial(_power_of_association, test.statistic, test.null, end, test.sample, strata)
        least = least_effect(power, 0.01, 1.0, least_power=_LEAST_POWER)
        found = "nothing" if math.isnan(least) else _effect(test, test.null + least * (end - test.null))
        yield ""
        yield test.name
        yield (
            f"  {test.statistic} {_effect(test, test.bound)} over {_counted(test.sample, 'run')} in "
            f"{_counted(strata, 'stratum', 'strata')}: power "
            f"{power((test.bound - test.null) / (end - test.null)):.2f}; found with power {_LEAST_POWER:g}: "
            f"{found}"
        )


def _effect(test: Association, value: float) -> str:
    return f"{value:+.2f}" if test.null == 0 else f"{value:.2f}"


@cache
def _power_of_association(
    statistic: str, null: float, end: float, runs: int, strata: int, share: float
) -> float:
    """Power for an effect at a share of the way from none to the largest one."""
    power_of = power_of_rank_correlation if statistic == "rank correlation" else power_of_area
    return power_of(null + share * (end - null), runs, strata=strata, alpha=_LEVEL, draws=500)


def _strata(test: Association) -> int:
    """Into how many strata the study's full grid is divided."""
    grid = study(test.study).presets["full"]
    number = test.bins if MATCHED in test.strata else 1
    for field in test.strata:
        values = test.where.get(field, grid.get(field))
        number *= len(values) if isinstance(values, tuple) else 1
    return min(number, test.sample // 2)


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"
