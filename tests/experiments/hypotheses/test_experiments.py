from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.hypotheses import experiments
from experiments.hypotheses.experiments import Experiment, Report, evaluate
from experiments.hypotheses.outcome import Outcome

TEST = {
    "name": "so it is",
    "study": "order_gamma",
    "where": {"gamma": 0.9},
    "quantity": "order gap",
    "above": 0.6,
    "seeds": 12,
    "needed": 10,
    "refuted": {"below": 0.3},
}
CONTROL = {**{k: v for k, v in TEST.items() if k != "refuted"}, "study": "order_controls", "name": "unless"}


def _experiment(**changes: object) -> Experiment:
    rows = {"primary": [TEST], "control": [CONTROL], **changes}
    return Experiment.model_validate({"name": "E", "title": "T", "unit": "seed", "level": 0.05, **rows})


def _runs(gaps: list[float]) -> xr.Dataset:
    kinds = np.full((1, len(gaps)), "order-blind", dtype=object)
    found = {"order_gap": (("gamma", "seed"), [gaps]), "phase": (("gamma", "seed"), kinds)}
    return xr.Dataset(found, coords={"gamma": [0.9], "seed": range(200, 200 + len(gaps))})


def _report(gaps: list[float], control: list[float] | None = None) -> Report:
    unlike = [0.0] * 12 if control is None else control
    return evaluate(_experiment(), {"order_gamma": _runs(gaps), "order_controls": _runs(unlike)})


@pytest.mark.parametrize(
    ("shown", "others", "outcome"),
    [
        (12, 0.0, Outcome.SUPPORTED),
        (10, 0.0, Outcome.SUPPORTED),
        (9, 0.0, Outcome.UNDECIDED),
        (2, 0.0, Outcome.REFUTED),
        (2, 0.5, Outcome.UNDECIDED),
    ],
)
def test_the_count_and_the_mean_decide(shown: int, others: float, outcome: Outcome) -> None:
    report = _report([0.9] * shown + [others] * (12 - shown))
    assert report.outcome is outcome
    assert report.primary[0].shown == shown


def test_the_chance_of_so_many_is_the_binomial_tail() -> None:
    found = _report([0.9] * 10 + [0.0] * 2).primary[0]
    assert found.p_value == pytest.approx((66 + 12 + 1) / 4096)
    assert "supported, 10 of 12 seeds above 0.6 (10 needed, p = 0.019)" in str(found)


def test_primary_tests_are_corrected_together() -> None:
    twice = _experiment(primary=[TEST, {**TEST, "name": "and so"}, {**TEST, "name": "and so again"}])
    runs = {"order_gamma": _runs([0.9] * 10 + [0.0] * 2), "order_controls": _runs([0.0] * 12)}
    report = evaluate(twice, runs)
    assert [each.corrected for each in report.primary] == pytest.approx([3 * 79 / 4096] * 3)
    assert report.outcome is Outcome.UNDECIDED


def test_a_control_that_shows_it_too_leaves_it_undecided() -> None:
    assert _report([0.9] * 12, control=[0.9] * 10 + [0.0] * 2).outcome is Outcome.UNDECIDED
    rejected = _report([0.9] * 12, control=[0.9] * 9 + [0.0] * 3)
    assert rejected.outcome is Outcome.SUPPORTED
    assert "control: unless: the criterion fails, as it must, 9 of 12 seeds" in "\n".join(rejected.lines())


def test_a_run_that_did_not_converge_does_not_show_it() -> None:
    runs = _runs([0.9] * 12)
    runs["phase"][0, :3] = "not converged"
    report = evaluate(_experiment(), {"order_gamma": runs, "order_controls": _runs([0.0] * 12)})
    assert report.primary[0].shown == 9
    assert report.outcome is Outcome.UNDECIDED


def test_without_all_seeds_nothing_is_judged() -> None:
    report = evaluate(_experiment(), {"order_gamma": _runs([0.9] * 11), "order_controls": _runs([0.0] * 12)})
    assert report.outcome is Outcome.NOT_RUN
    assert str(report.primary[0]) == "so it is: not run"
    assert evaluate(_experiment(), {}).outcome is Outcome.NOT_RUN


def test_the_registered_experiments_are_of_fields_that_their_studies_sweep() -> None:
    from experiments import study

    for experiment in experiments.load():
        for test in (*experiment.primary, *experiment.control, *experiment.secondary):
            configs = study(test.study).sweep("full").configs
            arm = [c for c in configs if all(getattr(c, key) == value for key, value in test.where.items())]
            assert len(arm) == test.seeds, test.name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "order gab"}, "did you mean 'order gap'"),
        ({"needed": 13}, "needed: expected at most the 12 seeds, got 13"),
        ({"below": 0.2}, "above, below: expected one of both"),
        ({"sees": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_registration_that_means_nothing_is_refused(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        _experiment(primary=[{**TEST, **changes}])
    path = tmp_path / "registered.toml"
    path.write_text("[[experiment]]\nname = 3\n")
    with pytest.raises(ValueError, match=r"registered\.toml: .*"):
        experiments.load(path)


def test_an_unknown_arm_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'gamma'"):
        evaluate(_experiment(primary=[{**TEST, "where": {"gama": 0.9}}]), {"order_gamma": _runs([0.9] * 12)})
    assert np.isnan(evaluate(_experiment(), {}).primary[0].p_value)
