"""Outcomes of effects against their thresholds, and of hypotheses by their rules."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.hypotheses.outcome import Outcome, Rule, of_effect, overall
from lowcomplex.statistics import Estimate


@pytest.mark.parametrize(
    ("estimate", "low", "high", "p", "expected"),
    [
        (0.6, 0.4, 0.7, 0.001, "supported"),
        (0.6, 0.4, 0.7, 0.2, "undecided"),
        (0.2, 0.1, 0.25, 0.001, "refuted"),
        (0.2, -0.1, 0.5, 0.2, "undecided"),
        (-0.6, -0.7, -0.4, 0.001, "refuted"),
        (0.1, 0.0, 0.3 - 1e-16, 0.5, "undecided"),
        (0.3 - 1e-16, 0.1, 0.7, 0.001, "supported"),
        (np.nan, np.nan, np.nan, np.nan, "undecided"),
    ],
)
def test_of_effects(estimate: float, low: float, high: float, p: float, expected: str) -> None:
    effect = Estimate(estimate, low, high, p=p)
    assert of_effect(effect, p, threshold=0.3, direction=1) is Outcome(expected)
    mirrored = Estimate(-estimate, -high, -low, p=p)
    assert of_effect(mirrored, p, threshold=-0.3, direction=-1) is Outcome(expected)


@pytest.mark.parametrize(
    ("estimate", "low", "high", "p", "expected"),
    [
        (0.1, -0.1, 0.25, 0.3, "supported"),
        (0.2, 0.1, 0.25, 0.001, "supported"),
        (0.1, -0.1, 0.4, 0.3, "undecided"),
        (0.5, 0.1, 0.7, 0.1, "undecided"),
        (0.5, 0.2, 0.7, 0.001, "refuted"),
        (-0.5, -0.7, -0.2, 0.001, "refuted"),
        (np.nan, np.nan, np.nan, np.nan, "undecided"),
    ],
)
def test_of_effects_where_no_effect_is_expected(
    estimate: float, low: float, high: float, p: float, expected: str
) -> None:
    assert of_effect(Estimate(estimate, low, high, p=p), p, threshold=0.3, direction=0) is Outcome(expected)
    area = Estimate(0.5 + estimate / 2, 0.5 + low / 2, 0.5 + high / 2, p=p)
    assert of_effect(area, p, threshold=0.65, direction=0, null=0.5) is Outcome(expected)


@pytest.mark.parametrize(
    ("rule", "outcomes", "expected"),
    [
        ("all", "sss", "supported"),
        ("all", "ssu", "undecided"),
        ("all", "ssr", "refuted"),
        ("all", "ssn", "undecided"),
        ("any", "suu", "supported"),
        ("any", "rrr", "refuted"),
        ("any", "rrn", "undecided"),
        ("majority", "ssu", "supported"),
        ("majority", "ssuu", "undecided"),
        ("majority", "rrn", "refuted"),
        ("majority", "rsn", "undecided"),
        ("all", "nnn", "not run"),
        ("any", "nnn", "not run"),
    ],
)
def test_rules(rule: Rule, outcomes: str, expected: str) -> None:
    of_letter = {outcome.value[0]: outcome for outcome in Outcome}
    assert overall(rule, [of_letter[letter] for letter in outcomes]) is Outcome(expected)
