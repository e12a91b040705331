"""Findings of the figures of answers, on data that agree with a claim and on data that do not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import synthetic
from experiments.hypotheses.observables import COMPOSING_RANK
from paper_figs import figure
from paper_figs._finding import Finding


def _finding(name: str, dataset: xr.Dataset) -> Finding:
    finding = figure(name).finding
    assert finding is not None
    return finding(dataset)


def _composing(dataset: xr.Dataset, share: xr.DataArray) -> xr.Dataset:
    """The same runs with another share of composed answers at the end; all converged."""
    dataset = dataset.copy(deep=True)
    dataset["accuracy"].loc[{"step": 2000, "group": "inferential"}] = share
    return dataset.assign(phase=xr.full_like(dataset["phase"], "neither"))


@pytest.mark.parametrize(("sign", "verdict"), [(1, "Agrees"), (-1, "Disagrees")])
def test_a_hump_in_the_rank_is_told_from_a_trough(sign: int, verdict: str) -> None:
    dataset = synthetic.dataset("anchor_weight_decay")
    phase = dataset["phase"]
    rank = phase.copy(data=np.geomspace(1, 25, phase.size).reshape(phase.shape))
    dataset["stable_rank"].loc[{"step": 2000, "layer": "block 1 query"}] = rank.astype(float)
    away = abs(np.log(rank.astype(float) / COMPOSING_RANK))
    planted = _composing(dataset, 0.5 + sign * (0.4 - 0.4 * away / away.max()))
    assert _finding("rank_and_composition_decay", planted).agreement.value == verdict


@pytest.mark.parametrize(("whole", "verdict"), [(0.9, "Agrees"), (0.1, "Disagrees"), (0.5, "Undecided")])
def test_all_parts_are_compared_with_none_and_with_each(whole: float, verdict: str) -> None:
    dataset = synthetic.dataset("anchor_parts")
    share = xr.full_like(dataset["phase"], 0.5, dtype=float)
    share.loc[{"part": "all"}] = whole
    assert _finding("parts", _composing(dataset, share)).agreement.value == verdict


@pytest.mark.parametrize(("sign", "verdict"), [(1, "Agrees"), (-1, "Disagrees")])
def test_noise_and_depth_are_judged_at_the_large_gamma_alone(sign: int, verdict: str) -> None:
    dataset = synthetic.dataset("anchor_data_complexity")
    at = sign * (100 * dataset["noise_groups"] - 100 * dataset["depth"]) + 0 * dataset["steps_to_loss"]
    small = dataset["gamma"] < dataset["gamma"].max()
    dataset["steps_to_loss"] = 1000 + at.where(~small, -at) + dataset["seed"]
    assert _finding("p2_fig8ab_convergence", dataset).agreement.value == verdict


def test_a_dimension_that_only_falls_in_training_is_not_what_the_paper_says() -> None:
    dataset = synthetic.dataset("anchor_gamma")
    assert "fell and then rose in 0 of" in _finding("p1_fig12ab_embedding_covariance", dataset).text
    turned = dataset["embedding_dimension"].copy()
    turned[{"step": -1}] = turned.max() + 0 * turned.isel(step=-1)
    turning = dataset.assign(embedding_dimension=turned)
    assert "and then rose in 0 of" not in _finding("p1_fig12ab_embedding_covariance", turning).text
