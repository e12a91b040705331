from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import synthetic_anchor
from paper_figs._answers import points_over_gamma
from paper_figs._finding import Agreement, Finding, Point, conclude
from paper_figs._judged import contrast, rise, trend

SEEDS = 6


def _runs(means: dict[float, float], noise: float = 0.03) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"gamma": gamma, "accuracy": mean + noise * rng.normal(), "phase": "inferential"}
        for gamma, mean in means.items()
        for _ in range(SEEDS)
    )


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        (("yes", "yes"), "Agrees"),
        (("yes", "no"), "In part"),
        (("yes", "open"), "In part"),
        (("no", "open"), "Disagrees"),
        (("open", "open"), "Undecided"),
    ],
)
def test_the_verdict_is_that_of_all_points(statuses: tuple[str, ...], verdict: str) -> None:
    points = [Point(status, status) for status in statuses]
    found = conclude(points, "a note")
    assert str(found) == f"{verdict}: {'; '.join(statuses)}; a note."
    assert Finding.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_no_points_no_verdict() -> None:
    with pytest.raises(ValueError, match="points"):
        conclude([])


def test_a_rise_agrees_and_its_contrary_disagrees() -> None:
    up, down = _runs({0.4: 0.1, 0.6: 0.5, 0.8: 0.9}), _runs({0.4: 0.9, 0.6: 0.5, 0.8: 0.1})
    assert [point.status for point in rise(up, down)] == ["yes", "yes"]
    assert trend(up, "gamma", "it", "γ", expected=-1).status == "no"
    assert {point.status for point in rise(down)} <= {"no", "open"}


def test_a_hump_is_a_rise_and_a_fall() -> None:
    points = rise(_runs({0.4: 0.1, 0.6: 0.5, 0.8: 0.9, 0.9: 0.3}))
    assert [point.status for point in points] == ["yes", "no"]
    assert "up to 0.8" in points[0].words
    assert "0.8" in points[1].words.split("falls again")[1]
    assert conclude(points).agreement is Agreement.IN_PART


def test_a_fall_from_the_smallest_rate_is_no_hump() -> None:
    (point,) = rise(_runs({0.7: 0.8, 0.8: 0.5, 0.9: 0.1}), where="here ")
    assert point.status == "no"
    assert point.words.startswith("here the composed share falls with γ (")


def test_noise_alone_is_undecided() -> None:
    """The rule rejects at a level of 5 %: of 60 samples without an effect, 3 or so."""
    rng = np.random.default_rng(1)
    decided = 0
    for _ in range(60):
        runs = pd.DataFrame({"gamma": np.repeat([0.4, 0.6, 0.8], 4), "accuracy": rng.random(12)})
        decided += trend(runs, "gamma", "it", "γ", expected=1).status != "open"
    assert decided <= 9


def test_four_runs_prove_nothing() -> None:
    runs = pd.DataFrame({"gamma": [0.4, 0.4, 0.8, 0.8], "accuracy": [0.0, 0.1, 0.9, 1.0]})
    assert trend(runs, "gamma", "it", "γ", expected=1).status == "open"
    assert "too few runs" in trend(runs[:2], "gamma", "it", "γ", expected=1).words


def test_strata_cannot_make_a_trend() -> None:
    """Within each depth the accuracy is noise; the deeper networks are better, and had the larger γ."""
    rng = np.random.default_rng(0)
    depth = np.repeat([2, 3], 12)
    gamma = np.where(depth == 2, rng.choice([0.4, 0.5], 24), rng.choice([0.7, 0.8], 24))
    runs = pd.DataFrame({"gamma": gamma, "depth": depth, "accuracy": depth / 4 + 0.01 * rng.normal(size=24)})
    assert trend(runs, "gamma", "it", "γ", expected=1).status == "yes"
    assert trend(runs, "gamma", "it", "γ", expected=1, within=("depth",)).status == "open"


@pytest.mark.parametrize(("second", "status"), [(0.5, "yes"), (0.88, "open"), (1.3, "no")])
def test_a_contrast_needs_a_difference(second: float, status: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (pd.Series(mean + 0.02 * rng.normal(size=3)) for mean in (0.9, second))
    assert contrast(a, b, ("these", "those")).status == status
    assert contrast(a[:1], b, ("these", "those")).status == "open"


def test_runs_that_did_not_converge_do_not_count() -> None:
    dataset = synthetic_anchor.runs(gamma=[0.4, 0.6, 0.8], seed=range(6))
    points = points_over_gamma(dataset)
    assert [point.status for point in points] == ["yes", "yes"]
    failed = int((dataset["phase"] == "not converged").sum())
    assert failed > 0
    assert f"{18 - failed} runs" in points[0].words
