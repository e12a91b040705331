"""Findings of the figures of weights, on data that agree with the papers and on data that do not."""

from __future__ import annotations

import pytest
import xarray as xr

import synthetic
from paper_figs import figure
from paper_figs._weights import matrix_shapes
from paper_figs.figures.decomposition import references

OVER_GAMMA = (
    "p1_fig5ab_query_cosines",
    "p1_fig5cd_embeddings",
    "p1_fig10_depth_condensation",
    "p1_fig11_depth_embeddings",
)


def _mirrored(dataset: xr.Dataset) -> xr.Dataset:
    """The same runs, as if each had been at the other end of the γ axis."""
    return dataset.assign_coords(gamma=dataset["gamma"].values[::-1]).sortby("gamma")


@pytest.mark.parametrize("name", OVER_GAMMA)
def test_a_finding_turns_with_the_data(name: str) -> None:
    item = figure(name)
    assert item.finding is not None
    dataset = synthetic.dataset(item.study)
    assert item.finding(dataset).agreement.value == "Agrees"
    assert item.finding(_mirrored(dataset)).agreement.value == "Disagrees"


def test_full_rank_is_said_where_it_is() -> None:
    finding = figure("trajectory").finding
    assert finding is not None
    dataset = synthetic.anchor_gamma()
    assert finding(dataset).agreement.value == "In part"
    dataset["effective_rank"][:] = 45.0
    assert finding(dataset).agreement.value == "Agrees"


def test_matrices_have_the_shapes_of_the_study_s_network() -> None:
    shapes = matrix_shapes(synthetic.anchor_gamma())
    assert shapes["embedding"] == (201, 64)
    assert shapes["block 3 feedforward in"] == (128, 64)
    assert list(shapes) == list(map(str, synthetic.anchor_gamma()["layer"].values))


def test_only_composing_leaves_an_antisymmetric_interaction() -> None:
    shares = references()
    for parts in shares.values():
        assert sum(parts.values()) == pytest.approx(1)
    assert shares["composes"]["interaction_antisymmetric"] > 0
    assert shares["mirrors"]["interaction_antisymmetric"] == 0
    assert shares["mirrors"]["additive_antisymmetric"] == 0
