from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from lowcomplex.checks import Check, Comparison, Control, Verdict
from lowcomplex.predictions import gamma_law
from lowcomplex.theorems.observations.fits import fit_exponent, log_slope


def _comparison(measured: float, tolerance: float = 0.1) -> Comparison:
    return Comparison("slope", 1.0, measured, tolerance, "because")


def _verdict(
    measured: tuple[float, ...] = (1.0,), control: tuple[float, ...] = (2.0,), expected: str = "holds"
) -> Verdict:
    return Verdict(
        name="gamma_law",
        source="derived",
        seed=0,
        comparisons=tuple(map(_comparison, measured)),
        controls=tuple(Control("violated", (_comparison(value),)) for value in control),
        expected=expected,  # type: ignore[arg-type]
        seconds=0.1,
    )


@pytest.mark.parametrize(
    ("measured", "passed"), [(1.05, True), (0.9001, True), (1.2, False), (math.nan, False), (math.inf, False)]
)
def test_a_comparison_passes_only_within_its_tolerance(measured: float, passed: bool) -> None:
    assert _comparison(measured).passed is passed


def test_every_comparison_must_agree_and_the_worst_is_shown() -> None:
    verdict = _verdict((1.01, 1.3, 0.95))
    assert not verdict.passed
    assert not verdict.as_expected
    assert verdict.measured == 1.3
    assert verdict.error == pytest.approx(0.3)
    assert _verdict((1.01, math.nan)).measured != _verdict((1.01, math.nan)).measured


def test_a_control_that_agrees_spoils_the_verdict() -> None:
    verdict = _verdict(control=(2.0, 1.0))
    assert verdict.passed
    assert verdict.control == "not rejected"
    assert not verdict.as_expected


def test_a_refuted_prediction_is_as_expected_only_where_refutation_is() -> None:
    assert _verdict((2.0,), expected="refuted").as_expected
    assert not _verdict((1.0,), expected="refuted").as_expected


def test_a_verdict_in_one_line_and_in_a_notebook() -> None:
    expected = "<gamma_law refuted (not as expected): slope: predicted 1, measured 1.3, tolerance 0.1; "
    assert repr(_verdict((1.01, 1.3))) == f"{expected}control rejected; 0 of 0 mutants refuted>"
    shown = replace(_verdict(control=(1.0,)), source="<b>")._repr_html_()
    for part in ("gamma_law holds, not as expected", "violated: NOT rejected", "&lt;b&gt;", "0.1"):
        assert part in shown


def test_a_verdict_is_plain_json() -> None:
    record = json.loads(json.dumps(_verdict((1.3,)).to_dict()))
    assert record["passed"] is False
    assert record["control"] == "rejected"
    assert record["comparisons"][0]["measured"] == 1.3
    assert record["controls"][0]["rejected"] is True


def test_numpy_scalars_are_plain_numbers() -> None:
    comparison = Comparison("slope", np.float64(1), np.float32(1.5), np.float64(0.1), "because")
    assert type(comparison.measured) is float
    assert comparison.passed is False
    assert (comparison.error, comparison.tolerance) == (0.5, 0.1)


def test_a_check_without_a_control_or_a_mutant_is_refused() -> None:
    def check(mutants: dict[str, float], controls: dict[str, dict[str, float]]) -> Check[float, float]:
        return Check(gamma_law, lambda seed: 0.0, lambda found, law: (), 0.0, mutants, controls)

    with pytest.raises(ValueError, match="at least one control"):
        check({"one": 1.0}, {})
    with pytest.raises(ValueError, match="at least one mutant"):
        check({}, {"none": {}})
    with pytest.raises(ValueError, match="survivors"):
        replace(check({"one": 1.0}, {"none": {}}), survivors={"two": "no such mutant"})


def test_a_tolerance_that_is_not_positive_agrees_with_nothing() -> None:
    assert not Comparison("slope", 1.0, 1.0, 0.0, "because").passed
    assert not Comparison("slope", 1.0, 1.5, -0.1, "because").passed


def test_slope_of_a_power_law() -> None:
    assert log_slope([1.0, 2.0, 5.0], [3.0, 12.0, 75.0]) == pytest.approx(2.0)
    assert math.isnan(log_slope([1.0, 2.0], [0.0, 1.0]))


def test_a_measurement_vaguer_than_its_tolerance_does_not_pass() -> None:
    assert Comparison("slope", 1.0, 1.0, 0.1, "because", interval=0.09).passed
    assert not Comparison("slope", 1.0, 1.0, 0.1, "because", interval=0.2).passed
    assert not Comparison("slope", 1.0, 1.0, 0.1, "because", interval=math.nan).passed


def test_exponent_with_its_interval() -> None:
    rng = np.random.default_rng(0)
    x = np.geomspace(1, 100, 12)
    covered = 0
    for _ in range(400):
        exponent = fit_exponent(x, x**1.5 * np.exp(0.1 * rng.standard_normal(12)))
        covered += abs(exponent.slope - 1.5) <= exponent.interval
    assert 0.92 <= covered / 400 <= 0.98
    assert math.isnan(fit_exponent([1, 2, 3], [1, -1, 1]).slope)
    with pytest.raises(ValueError, match="k >= 3"):
        fit_exponent([1, 2], [1, 2])
