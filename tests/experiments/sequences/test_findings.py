from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import synthetic_sequences
from experiments.sequences.findings import advantage, findings

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
    assert (effect.estimate, effect.n) == (pytest.approx(wins / 15), 11)


@pytest.mark.parametrize("study", STUDIES)
def test_sentences_hold_from_one_seed_and_from_diverged_runs(study: str) -> None:
    one = synthetic_sequences.runs(study, seeds=1).isel(examples=[-1])
    broken = synthetic_sequences.diverged(synthetic_sequences.runs(study))
    for dataset in (one, broken):
        sentences = list(map(str, findings(dataset)))
        assert len(sentences) > 5
        assert "nan" not in " ".join(sentences)
    assert "diverged" in " ".join(map(str, findings(broken)))
