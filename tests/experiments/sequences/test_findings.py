from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import synthetic_sequences
from experiments.sequences.findings import accuracy_and_time, advantage, findings, judged, verdict

STUDIES = tuple(synthetic_sequences.GROUPS)


def _values(small: np.ndarray, large: np.ndarray) -> xr.DataArray:
    sizes, seeds = small.shape
    return xr.DataArray(
        np.stack((large, small)),
        dims=("arm", "examples", "seed"),
        coords={"arm": ["large", "small"], "examples": range(sizes), "seed": range(seeds)},
    )


def test_advantage_counts_pairs_of_runs_with_as_many_examples() -> None:
    small = np.array([[0.1, 0.3, 0.5], [0.7, 0.8, 0.9]])
    large = np.array([[0.2, 0.4, 0.6], [0.1, 0.2, 0.3]])
    wins = sum((s > b) + 0.5 * (s == b) for i in range(2) for s in small[i] for b in large[i])
    assert advantage(_values(small, large)).estimate == pytest.approx(wins / 18)
    small[0, 2] = np.nan
    wins = sum((s > b) for i in range(2) for s in small[i][np.isfinite(small[i])] for b in large[i])
    effect = advantage(_values(small, large))
    assert (effect.estimate, effect.runs) == (pytest.approx(wins / 15), 11)


def test_no_difference_is_rarely_called_one() -> None:
    generator = np.random.default_rng(0)
    said = [judged(advantage(_values(*generator.random((2, 3, 3))))) for _ in range(30)]
    # Five in a hundred are expected; more than six of thirty have probability .0006.
    assert said.count("Undecided") >= 24


@pytest.mark.parametrize(("ahead", "word"), [(0.4, "Agrees"), (-0.15, "Disagrees"), (0.0, "Undecided")])
def test_the_verdict_follows_the_data(ahead: float, word: str) -> None:
    dataset = synthetic_sequences.runs("scan_generalization", advantage=ahead)
    said = verdict(dataset, "out_of_distribution", "the held-out commands")
    assert said.startswith(f"{word}: ")
    assert "1 of 18 runs did not converge" in said
    small = dataset["accuracy"].isel(step=-1).sel(arm="small", group="out_of_distribution").mean()
    assert f"of the held-out commands the small start with large decay has {float(small):.2f} right" in said


def test_accuracy_and_time_are_judged_one_by_one() -> None:
    dataset = synthetic_sequences.runs("ontology_reasoning")
    # The small start is planted to be sooner, and no better on new questions.
    said = accuracy_and_time(dataset, "in_distribution", "new questions")
    assert said.startswith("In part: ")
    slower = dataset.assign(
        steps_to_convergence=dataset["steps_to_convergence"][::-1].values + 0 * dataset["gamma"]
    )
    said = accuracy_and_time(slower, "unseen_rules", "rules")
    assert said.startswith("In part: ")
    both = accuracy_and_time(dataset, "unseen_rules", "rules")
    assert both.startswith("Agrees: ")


def test_a_run_that_did_not_converge_took_longer_than_all_others() -> None:
    dataset = synthetic_sequences.runs("ontology_reasoning", seeds=1)
    dataset["steps_to_convergence"][:] = 50.0
    dataset["steps_to_convergence"].loc[{"arm": "large"}] = np.nan
    assert "100%" in accuracy_and_time(dataset, "in_distribution", "new questions")


@pytest.mark.parametrize("study", STUDIES)
def test_sentences_hold_from_one_seed_and_from_diverged_runs(study: str) -> None:
    one = synthetic_sequences.runs(study, seeds=1).isel(examples=[-1])
    broken = synthetic_sequences.diverged(synthetic_sequences.runs(study))
    for dataset in (one, broken):
        sentences = findings(dataset)
        assert len(sentences) > 5
        assert "nan" not in " ".join(sentences)
        group = synthetic_sequences.GROUPS[study][-1]
        assert "nan" not in verdict(dataset, group, "questions")
        assert "nan" not in accuracy_and_time(dataset, group, "questions")
    assert verdict(one, group, "questions").startswith("Undecided")
    assert "diverged" in " ".join(findings(broken))
