"""Outcomes: of a test against the threshold that was registered for it, and of a hypothesis by its rule."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Literal

import numpy as np

from lowcomplex._names import require_known
from lowcomplex.statistics import Estimate

Rule = Literal["all", "any", "majority"]
_ROUNDING = 1e-12


class Outcome(Enum):
    """The outcome of a registered hypothesis, or of one of its tests; the value is its word on a page."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"


def of_effect(
    effect: Estimate,
    p_value: float,
    *,
    threshold: float,
    direction: Literal[1, -1, 0],
    null: float = 0.0,
    alpha: float = 0.05,
) -> Outcome:
    """Judge an effect against the threshold that was registered for it.

    Args:
        effect: The effect that was found.
        p_value: Corrected for the number of tests.
        threshold: The least effect in the registered direction that counts.
        direction: 1 if the effect should be at least the threshold, -1 if at most, 0 if it should stay
            nearer to `null` than the threshold is.
        null: The statistic without an association.
        alpha: Level of the corrected test.

    Returns:
        With a direction: supported if the estimate is at or beyond the threshold, and the test rejects no
        association; refuted if the whole interval falls short of the threshold. Without one: supported if
        the whole interval is nearer to `null` than the threshold; refuted if the estimate is not, and the
        test rejects no association. Otherwise undecided.
    """
    if not np.isfinite(effect.estimate):
        return Outcome.UNDECIDED
    found = p_value < alpha
    if direction == 0:
        size = abs(threshold - null)
        if max(abs(effect.low - null), abs(effect.high - null)) < size:
            return Outcome.SUPPORTED
        return Outcome.REFUTED if abs(effect.estimate - null) >= size and found else Outcome.UNDECIDED
    # An estimate that differs from the threshold by rounding alone is at it.
    if direction * (effect.estimate - threshold) >= -_ROUNDING and found:
        return Outcome.SUPPORTED
    nearest = effect.high if direction == 1 else effect.low
    return Outcome.REFUTED if direction * (nearest - threshold) < -_ROUNDING else Outcome.UNDECIDED


def overall(rule: Rule, outcomes: Sequence[Outcome]) -> Outcome:
    """What a hypothesis's tests say together.

    A test that was not run counts among the tests and for no outcome.

    Args:
        rule: all: supported if every test is, refuted if one is. any: supported if one test is, refuted if
            all are. majority: supported, or refuted, if more than half of the tests are.
        outcomes: The outcome of each test.

    Returns:
        The outcome; `NOT_RUN` if no test was run.

    Raises:
        ValueError: An unknown rule.
    """
    require_known("rule", rule, ("all", "any", "majority"))
    if all(outcome is Outcome.NOT_RUN for outcome in outcomes):
        return Outcome.NOT_RUN
    tests = len(outcomes)
    supported, refuted = outcomes.count(Outcome.SUPPORTED), outcomes.count(Outcome.REFUTED)
    needed = {"all": (tests, 1), "any": (1, tests), "majority": (tests // 2 + 1, tests // 2 + 1)}[rule]
    if supported >= needed[0]:
        return Outcome.SUPPORTED
    return Outcome.REFUTED if refuted >= needed[1] else Outcome.UNDECIDED
