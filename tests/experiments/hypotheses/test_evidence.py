"""The whole pipeline on simulated studies: planted effects are found, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from experiments.hypotheses.evidence import Judgment, evaluate
from experiments.hypotheses.outcome import Outcome
from experiments.hypotheses.registered import Hypothesis

GAMMAS = np.array([0.4, 0.6, 0.8])
RANK = "stable_rank: embedding"


def _study(
    rng: np.random.Generator, *, effect: float = 0.0, confounder: float = 0.0, seeds: int = 12
) -> xr.Dataset:
    """Ranks and composed shares with a planted correlation within γ, and a drift of both over γ."""
    shape = (len(GAMMAS), seeds)
    rank, noise, loss = rng.standard_normal((3, *shape))
    composed = effect * rank + np.sqrt(1 - effect**2) * noise
    drift = confounder * np.arange(len(GAMMAS))[:, None]
    phase = np.where(composed > 0, "inferential", "symmetric").astype(object)
    dims = ("gamma", "seed")
    return xr.Dataset(
        {
            "phase": (dims, phase),
            "stable_rank": ((*dims, "step", "layer"), (rank + drift)[..., None, None]),
            "accuracy": ((*dims, "step", "group"), (composed + drift)[..., None, None]),
            "training_loss": ((*dims, "step"), loss[..., None]),
        },
        coords={
            "gamma": GAMMAS,
            "seed": np.arange(seeds),
            "fraction": ("step", [1.0]),
            "layer": ["embedding"],
            "group": ["inferential"],
        },
        attrs={"study": "simulated"},
    )


def _test(**changes: Any) -> dict[str, Any]:
    test = {"name": str(changes), "x": RANK, "y": "inferential", "statistic": "rank correlation"}
    return {**test, "direction": 1, "threshold": 0.3, **changes}


def _area(**changes: Any) -> dict[str, Any]:
    test = _test(statistic="area under curve", threshold=0.65, **changes)
    del test["y"]
    return test


def _hypothesis(*tests: dict[str, Any], sample: int = 36, rule: str = "all") -> Hypothesis:
    return Hypothesis.model_validate(
        {
            "name": "H",
            "title": "A hypothesis.",
            "study": "simulated",
            "unit": "run",
            "sample": sample,
            "rule": rule,
            "test": list(tests),
        }
    )


def _judge(dataset: xr.Dataset, *tests: dict[str, Any], **options: Any) -> Judgment:
    return evaluate([_hypothesis(*tests, **options)], {"simulated": dataset}, resamples=499)[0]


def test_a_planted_effect_is_supported_and_its_opposite_refuted() -> None:
    dataset = _study(np.random.default_rng(0), effect=0.8)
    judgment = _judge(
        dataset,
        _test(),
        _area(),
        _test(strata=["gamma"]),
        _area(strata=["gamma", "training_loss"], bins=2),
        _test(direction=-1),
        _area(direction=-1),
        rule="majority",
    )
    assert [result.outcome for result in judgment.results] == 4 * [Outcome.SUPPORTED] + 2 * [Outcome.REFUTED]
    assert judgment.outcome is Outcome.SUPPORTED
    first = judgment.results[0]
    reference = stats.spearmanr(first.runs["x"], first.runs["y"])
    assert first.effect.estimate == pytest.approx(reference.statistic)
    assert first.effect.low < first.effect.estimate < first.effect.high
    assert 0 < first.effect.p <= first.corrected < 0.05
    assert 0.3 < first.power < 0.6
    assert judgment.sentence == (
        "Supported, on 36 of 36 registered runs: of 6 tests, 4 supported, 2 refuted (the hypothesis is "
        "supported if more than half are)."
    )


def test_no_effect_is_supported_where_none_is_and_enough_runs_show_it() -> None:
    none = _test(direction=0, threshold=0.3, strata=["gamma"])
    dataset = _study(np.random.default_rng(12), seeds=60, confounder=5.0)
    assert _judge(dataset, none, sample=180).outcome is Outcome.SUPPORTED
    assert _judge(dataset.isel(seed=slice(6)), none).outcome is Outcome.UNDECIDED
    assert _judge(_study(np.random.default_rng(13), effect=0.8), none).outcome is Outcome.REFUTED


def test_nothing_is_found_where_nothing_is() -> None:
    """The share of studies without an effect in which an effect is found stays below the level."""
    rng = np.random.default_rng(1)
    found, outcomes = 0, []
    for _ in range(50):
        hypothesis = _hypothesis(_test(strata=["gamma"]), _area(strata=["gamma"]))
        (judgment,) = evaluate([hypothesis], {"simulated": _study(rng, seeds=6)}, resamples=199)
        found += any(result.corrected < 0.05 for result in judgment.results)
        outcomes += [result.outcome for result in judgment.results]
    assert stats.binomtest(found, 50, 0.05).pvalue > 0.001
    assert outcomes.count(Outcome.SUPPORTED) / len(outcomes) < 0.05


def test_many_tests_are_paid_for() -> None:
    dataset = _study(np.random.default_rng(2), effect=0.5)
    alone = _judge(dataset, _test()).results[0]
    noise = [_test(name=f"noise {i}", x="training_loss") for i in range(12)]
    among = _judge(dataset, _test(), *noise).results[0]
    assert among.effect == alone.effect
    assert among.corrected > alone.corrected == alone.effect.p


def test_a_difference_between_strata_neither_makes_nor_hides_an_effect() -> None:
    made = _judge(
        _study(np.random.default_rng(3), confounder=5.0), _test(), _test(strata=["gamma"], threshold=0.5)
    )
    assert [result.outcome for result in made.results] == [Outcome.SUPPORTED, Outcome.REFUTED]
    hidden = _study(np.random.default_rng(4), effect=0.85, confounder=5.0)
    hidden["accuracy"] = hidden["accuracy"] - 10.0 * xr.DataArray(np.arange(3.0), dims="gamma")
    judged = _judge(hidden, _test(), _test(strata=["gamma"]))
    assert judged.results[0].effect.estimate < 0
    assert judged.results[1].outcome is Outcome.SUPPORTED


def test_matching_at_the_training_loss_takes_its_effect_away() -> None:
    """Both follow the loss, and each other only through it."""
    dataset = _study(np.random.default_rng(5), seeds=30)
    loss = dataset["training_loss"] * 5
    for name in ("stable_rank", "accuracy"):
        dataset[name] = dataset[name] + loss
    free, matched = _judge(
        dataset, _test(strata=["gamma"]), _test(strata=["gamma", "training_loss"], bins=10), sample=90
    ).results
    assert free.effect.estimate > 0.8
    assert matched.effect.estimate < 0.5 * free.effect.estimate
    assert matched.runs["stratum"].nunique() == 30
    assert matched.runs.groupby("stratum").size().eq(3).all()


def test_runs_that_cannot_count_are_left_out_and_counted() -> None:
    dataset = _study(np.random.default_rng(6), effect=0.8)
    dataset["phase"][0, :3] = "not converged"
    dataset["stable_rank"][1, 0] = np.nan
    dataset["phase"][2, :2] = "neither"
    plain, area = _judge(dataset, _test(), _area(negative="symmetric")).results
    assert plain.left_out == {"no value": 1, "not converged": 3}
    assert plain.effect.n == 32
    assert area.left_out == {"another phase": 2, "no value": 1, "not converged": 3}
    assert area.effect.n == 30
    assert len(plain.runs) == 36
    lone = dataset.isel(seed=[0, 3])
    (result,) = _judge(lone, _test(strata=["gamma"])).results
    assert result.left_out["alone in its stratum"] == 2


def test_strata_of_one_kind_inform_no_area_and_are_not_counted() -> None:
    dataset = _study(np.random.default_rng(14), effect=0.8)
    all_strata = _judge(dataset, _area(strata=["gamma"])).results[0]
    dataset["phase"][0] = "inferential"
    (result,) = _judge(dataset, _area(strata=["gamma"])).results
    assert result.left_out == {"in a stratum of one kind": 12}
    assert result.effect.n == 24
    assert result.power < all_strata.power


def test_a_test_is_of_the_runs_that_it_names() -> None:
    dataset = _study(np.random.default_rng(7), effect=0.8)
    (result,) = _judge(dataset, _test(where={"gamma": 0.6}, sample=12)).results
    assert (len(result.runs), result.effect.n) == (12, 12)
    (several,) = _judge(dataset, _test(where={"gamma": [0.4, 0.8]})).results
    assert sorted(set(several.runs["gamma"])) == [0.4, 0.8]
    assert "on 24 of 36 registered runs" in _judge(dataset, _test(where={"gamma": [0.4, 0.8]})).sentence


def test_without_data_a_test_is_not_run_and_never_passes() -> None:
    dataset = _study(np.random.default_rng(8), effect=0.8)
    elsewhere = evaluate(
        [_hypothesis(_test(), _test(study="other", name="other"), rule="all")],
        {"simulated": dataset},
        resamples=499,
    )[0]
    assert [result.outcome for result in elsewhere.results] == [Outcome.SUPPORTED, Outcome.NOT_RUN]
    assert elsewhere.results[1].reason == "no dataset of other"
    assert elsewhere.outcome is Outcome.UNDECIDED
    nowhere = _judge(
        dataset,
        _test(x="effective_rank: embedding"),
        _test(where={"gamma": 0.5}),
        _test(name="none converged"),
    )
    assert [result.reason for result in nowhere.results[:2]] == [
        "effective_rank: embedding: the dataset of simulated lacks effective_rank",
        "no run is of the fields that it asks for",
    ]
    dataset["phase"][:] = "not converged"
    judgment = _judge(dataset, _test())
    assert (judgment.outcome, judgment.results[0].reason) == (Outcome.NOT_RUN, "every run is left out")
    assert judgment.results[0].effect.n == 0


def test_what_does_not_vary_is_undecided() -> None:
    dataset = _study(np.random.default_rng(9))
    dataset["phase"][:] = "inferential"
    (result,) = _judge(dataset, _area()).results
    assert (result.outcome, result.reason, result.power) == (
        Outcome.UNDECIDED,
        "no stratum holds both kinds of run",
        0,
    )


def test_fields_that_the_runs_do_not_differ_in_are_refused() -> None:
    dataset = _study(np.random.default_rng(10))
    with pytest.raises(ValueError, match=r"strata of .*expected one of gamma, seed, got 'depth'"):
        _judge(dataset, _test(name="t", strata=["depth"]))
    with pytest.raises(ValueError, match=r"where of .*got 'depth'"):
        _judge(dataset, _test(name="t", where={"depth": 3}))
    with pytest.raises(ValueError, match=r"fraction: expected one of 1, got 0\.1"):
        _judge(dataset, _test(name="t", x_fraction=0.1))


def test_equal_data_give_equal_judgments() -> None:
    dataset = _study(np.random.default_rng(11), effect=0.4)
    first, second = (_judge(dataset, _test(strata=["gamma"]), _area()) for _ in range(2))
    assert [r.effect for r in first.results] == [r.effect for r in second.results]
    assert first.sentence == second.sentence
