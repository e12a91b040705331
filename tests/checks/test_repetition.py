from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from scipy.stats import binom

from lowcomplex import checks, theorems
from lowcomplex.checks import Check, Comparison
from lowcomplex.predictions import gamma_law


def _plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks that fail at known seeds."""

    def observe(seed: int, *, shift: float = 0.0, fails: int = 0) -> tuple[float, int]:
        if fails == 2 and seed == 5:
            raise ArithmeticError("planted")
        wrong = fails == 1 and seed % 4 == 0
        return shift + wrong, 1 + seed % 2

    def judge(found: tuple[float, int], law: float) -> tuple[Comparison, ...]:
        return (Comparison("value", law, found[0], 0.5, "exact", draws=found[1]),)

    def planted_check(
        controls: dict[str, dict[str, float]], fails: int = 0
    ) -> Check[tuple[float, int], float]:
        failing = partial(observe, fails=fails)
        return Check(gamma_law, failing, judge, law=0.0, mutants={"one": 1.0}, controls=controls)

    planted = {
        "sound": planted_check({"shifted": {"shift": 1.0}}),
        "flawed": planted_check({"shifted": {"shift": 2.0}}, fails=1),
        "broken": planted_check({"shifted": {"shift": 1.0}}, fails=2),
        "blind": planted_check({"nothing": {}}),
    }
    monkeypatch.setattr(theorems, "check", planted.__getitem__)
    monkeypatch.setattr(theorems, "names", lambda: tuple(planted))
    monkeypatch.setattr("lowcomplex.theorems._check.Check.run", _named_run(planted, Check.run))


def _named_run(
    planted: dict[str, Check], run: Callable[[Check, int], checks.Verdict]
) -> Callable[[Check, int], checks.Verdict]:
    """Verdicts carry the planted name, not their shared prediction's."""

    def named(self: Check, seed: int = 0) -> checks.Verdict:
        (name,) = [name for name, check in planted.items() if check is self]
        return replace(run(self, seed), name=name)

    return named


def test_rates_over_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    _plant(monkeypatch)
    ended: list[tuple[str, int]] = []
    sound, flawed, broken, blind = checks.repeat(
        seeds=20, first=1, workers=1, progress=lambda *task: ended.append(task)
    )
    assert len(ended) == 80
    assert ended[0] == ("sound", 1)
    assert sound.as_expected
    assert sound.as_stated.value == sound.control_rejected.value == 1
    assert sound.hypothesis_met.value == pytest.approx(20 / 30)
    assert flawed.as_stated.value == 0.75
    assert not flawed.as_expected
    assert (broken.as_stated.value, len(broken.errors), broken.errors[0].seed) == (0.95, 1, 5)
    assert blind.control_rejected.value == 0
    assert not blind.as_expected
    assert flawed.to_dict()["as_stated"]["value"] == 0.75


def test_what_never_ran_has_shown_nothing() -> None:
    nothing = checks.Repetition("sound", (), (checks.CheckError("sound", 0, "planted"),))
    assert not nothing.as_expected
    assert math.isnan(nothing.hypothesis_met.value)


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (7, 20), (99, 100), (100, 100)])
def test_wilson_interval_solves_its_equation(successes: int, trials: int) -> None:
    rate = checks.wilson(successes, trials)
    for end in (rate.low, rate.high):
        if 0 < end < 1:
            deviation = abs(rate.value - end) / math.sqrt(end * (1 - end) / trials)
            assert deviation == pytest.approx(1.959964, abs=1e-5)


def test_a_hundred_seeds_tell_99_in_100_from_9_in_10() -> None:
    refused = max(k for k in range(101) if checks.wilson(k, 100).high < 0.99)
    assert binom.cdf(refused, 100, 0.99) < 0.1
    assert binom.cdf(refused, 100, 0.9) > 0.99


def test_bad_numbers() -> None:
    with pytest.raises(ValueError, match="seeds: expected a positive number"):
        checks.repeat(seeds=0)
    with pytest.raises(ValueError, match="did you mean"):
        checks.repeat(["gama_law"], seeds=2)


@pytest.mark.parametrize(("seed", "message"), [(-1, "got -1"), (2**70, "got 1180"), ("x", "got 'x'")])
def test_a_seed_is_an_integer_that_generators_take(seed: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"seed: expected an integer.*{message}"):
        checks.run("gamma_law", seed)
