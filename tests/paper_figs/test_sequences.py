"""Findings of the studies of sequences, from planted runs."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import synthetic_sequences
from experiments.sequences.findings import advantage
from paper_figs._sequences import accuracy, accuracy_and_time, status_of


def _planted(small: np.ndarray, large: np.ndarray) -> xr.DataArray:
    coords = {"arm": ["large", "small"]}
    return xr.DataArray(np.stack((large, small)), dims=("arm", "examples", "seed"), coords=coords)


def test_no_difference_is_rarely_called_one() -> None:
    generator = np.random.default_rng(0)
    said = [status_of(advantage(_planted(*generator.random((2, 3, 3))))) for _ in range(30)]
    # Five in a hundred are expected; more than six of thirty have probability .0006.
    assert said.count("open") >= 24


@pytest.mark.parametrize(("ahead", "word"), [(0.4, "Agrees"), (-0.15, "Disagrees"), (0.0, "Undecided")])
def test_the_finding_follows_the_data(ahead: float, word: str) -> None:
    dataset = synthetic_sequences.runs("scan_generalization", advantage=ahead)
    said = accuracy(dataset, "out_of_distribution", "the held-out commands")
    assert said.agreement.value == word
    assert "1 of 18 runs did not converge" in said.text
    small = dataset["accuracy"].isel(step=-1).sel(arm="small", group="out_of_distribution").mean()
    assert (
        f"of the held-out commands the small start with large decay has {float(small):.2f} right" in said.text
    )


def test_accuracy_and_time_are_judged_one_by_one() -> None:
    dataset = synthetic_sequences.runs("ontology_reasoning")
    # The small start is planted to be sooner, and no better on new questions.
    said = accuracy_and_time(dataset, "in_distribution", "new questions")
    assert said.agreement.value == "In part"
    slower = dataset.assign(
        steps_to_convergence=dataset["steps_to_convergence"][::-1].values + 0 * dataset["gamma"]
    )
    said = accuracy_and_time(slower, "unseen_rules", "rules")
    assert said.agreement.value == "In part"
    both = accuracy_and_time(dataset, "unseen_rules", "rules")
    assert both.agreement.value == "Agrees"


def test_a_run_that_did_not_converge_took_longer_than_all_others() -> None:
    dataset = synthetic_sequences.runs("ontology_reasoning", seeds=1)
    dataset["steps_to_convergence"][:] = 50.0
    dataset["steps_to_convergence"].loc[{"arm": "large"}] = np.nan
    assert "100%" in accuracy_and_time(dataset, "in_distribution", "new questions").text


@pytest.mark.parametrize("study", tuple(synthetic_sequences.GROUPS))
def test_findings_hold_from_one_seed_and_from_diverged_runs(study: str) -> None:
    one = synthetic_sequences.runs(study, seeds=1).isel(examples=[-1])
    broken = synthetic_sequences.diverged(synthetic_sequences.runs(study))
    group = synthetic_sequences.GROUPS[study][-1]
    for dataset in (one, broken):
        assert "nan" not in accuracy(dataset, group, "questions").text
        assert "nan" not in accuracy_and_time(dataset, group, "questions").text
    assert accuracy(one, group, "questions").agreement.value == "Undecided"
