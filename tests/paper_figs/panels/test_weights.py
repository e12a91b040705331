"""Tables of weights from planted numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

import synthetic
import synthetic_anchor
from lowcomplex import measures, nulls
from paper_figs.panels.chosen_runs import runs_near
from paper_figs.panels.complexity_control import matrix_rank_table
from paper_figs.panels.cosines import cosine_summary_table, cosine_table
from paper_figs.panels.decomposition import decomposition_table
from paper_figs.panels.embeddings import component_table
from paper_figs.panels.quantity_maps import quantity_table
from paper_figs.panels.runs import at_end
from paper_figs.panels.spectra import covariance_table, singular_value_table
from paper_figs.panels.trajectory import trajectory_table


@pytest.fixture(scope="module")
def over_decay() -> xr.Dataset:
    return synthetic.dataset("anchor_both_unseen")


def test_the_nearest_runs_that_did_not_diverge_are_chosen(over_decay: xr.Dataset) -> None:
    points = ({"weight_decay": 0.4, "gamma": 0.6}, {"weight_decay": 1.0, "gamma": 0.9})
    runs = runs_near(over_decay, "query_weight", points)
    assert [run.point for run in runs] == [
        {"weight_decay": 0.01, "gamma": 0.5},
        {"weight_decay": 1.0, "gamma": 0.8},
    ]
    assert runs[0].label == "weight decay = 0.01, γ = 0.5"
    assert runs[1].values.dims == ("neuron", "input")
    lost = over_decay.assign(query_weight=over_decay["query_weight"].where(over_decay["gamma"] > 0.6))
    assert [run.point["gamma"] for run in runs_near(lost, "query_weight", points)] == [0.8, 0.8]
    same = runs_near(lost, "query_weight", points[1:] * 2)
    assert len(same) == 1


def test_another_seed_stands_in_for_a_diverged_run() -> None:
    dataset = synthetic.anchor_gamma()
    dataset["query_weight"][0, 0] = np.nan
    (run,) = runs_near(dataset, "query_weight", ({"gamma": 0.4},))
    assert (run.point, run.seed) == ({"gamma": 0.4}, 1)


@pytest.mark.parametrize(
    ("points", "message"),
    [((), "points: expected at least one"), (({"depth": 2.0},), "lacks \\['depth'\\]")],
)
def test_points_that_are_not_there(points: tuple[dict[str, float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        runs_near(synthetic.anchor_gamma(), "query_weight", points)


def test_runs_that_all_diverged_are_refused() -> None:
    dataset = synthetic.anchor_gamma()
    dataset["query_weight"][:] = np.nan
    with pytest.raises(ValueError, match="every one diverged"):
        cosine_table(dataset)


def test_parallel_pairs_are_counted() -> None:
    dataset = synthetic.anchor_gamma()
    directions = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 2)))[0].T
    dataset["query_weight"][2, 0] = directions[np.arange(64) % 2]
    (row,) = cosine_summary_table(dataset, ({"gamma": 0.8},)).to_dict("records")
    assert row["parallel_share"] == pytest.approx(2 * (32 * 31) / (64 * 63))
    assert row["mean_absolute_cosine"] == pytest.approx(row["parallel_share"])
    assert (row["gamma"], row["condensed_directions"]) == (0.8, 3)


def test_ordinality_of_drawn_embeddings_is_the_measure(over_decay: xr.Dataset) -> None:
    point = {"weight_decay": 1.0, "gamma": 0.8}
    table = component_table(over_decay, (point,), range(40, 80))
    assert table["token"].tolist() == list(range(40, 80))
    rows = torch.from_numpy(over_decay["token_embedding"].sel(point).sel(token=slice(40, 79)).values)
    expected = measures.ordinality(rows, torch.arange(40.0, 80.0))
    np.testing.assert_allclose(table["ordinality"], float(expected))
    with pytest.raises(ValueError, match="at least three"):
        component_table(over_decay, (point,), range(40, 42))


def test_shares_of_the_embeddings_variance() -> None:
    dataset = synthetic.diverged(synthetic.anchor_gamma())
    table = covariance_table(dataset)
    assert table["fraction"].max() == 1
    np.testing.assert_allclose(table.groupby(["gamma", "fraction"])["share"].sum(), 1)
    last = table[(table["fraction"] == 1) & (table["index"] == 1)].set_index("gamma")
    assert last["runs"].to_dict() == {0.4: 2, 0.6: 3, 0.8: 3, 0.9: 3}


def test_a_random_matrix_has_random_singular_values(over_decay: xr.Dataset) -> None:
    dataset = over_decay.copy(deep=True)
    random = np.random.default_rng(0).normal(size=(201, 64))
    dataset["singular_values"].loc[{"layer": "embedding"}] = np.linalg.svd(random, compute_uv=False)
    shapes = {"embedding": (201, 64), "positions": (9, 64)}
    table = singular_value_table(dataset, shapes, ({"weight_decay": 0.01, "gamma": 0.5},))
    embedding = table[table["layer"] == "embedding"]
    np.testing.assert_allclose(embedding["value"], embedding["null"], atol=0.06)
    # Neither a shape that does not fit nor none at all gives a null.
    assert table.loc[table["layer"] != "embedding", "null"].isna().all()
    assert table["value"].notna().all()


@pytest.mark.parametrize("shape", [(64, 64), (201, 64), (64, 128), (9, 64), (1, 5)])
def test_singular_values_of_random_matrices(shape: tuple[int, int]) -> None:
    drawn = np.random.default_rng(1).normal(size=(60, *shape))
    values = np.linalg.svd(drawn, compute_uv=False)
    values /= np.sqrt((values**2).mean(-1, keepdims=True))
    np.testing.assert_allclose(nulls.random_singular_values(*shape), values.mean(0), atol=0.05)


def test_means_of_cells_leave_out_what_diverged() -> None:
    dataset = synthetic.dataset("anchor_depth")
    dataset = dataset.assign(embedding_ordinality=at_end(dataset)["embedding_ordinality"])
    dataset["embedding_ordinality"][0, 0] = [np.nan, 0.2, 0.4]
    table = quantity_table(dataset, ("embedding_ordinality",), "depth", "gamma")
    first = table[(table["depth"] == 2) & (table["gamma"] == 0.4)].iloc[0]
    failed = int((dataset["phase"][0, 0] == "not converged").sum())
    assert first["embedding_ordinality"] == pytest.approx(0.3)
    assert (first["runs"], first["not_converged"]) == (3, failed)
    assert failed > 0


def test_ranks_over_decay_keep_their_matrix(over_decay: xr.Dataset) -> None:
    table = matrix_rank_table(over_decay)
    row = table[
        (table["layer"] == "block 2 value") & (table["gamma"] == 0.8) & (table["weight_decay"] == 1.0)
    ].iloc[0]
    place = {"layer": "block 2 value", "gamma": 0.8, "weight_decay": 1.0}
    expected = over_decay["stable_rank"].sel(place).isel(step=-1).mean()
    assert row["stable_rank"] == pytest.approx(float(expected))
    assert (row["part"], row["block"], row["null"]) == ("value", 2, 17.0)


def test_components_of_the_answers_sum_to_one() -> None:
    table = decomposition_table(synthetic.diverged(synthetic.anchor_gamma()))
    totals = table.groupby(["gamma", "fraction", "quantity"])["share"].sum()
    np.testing.assert_allclose(totals, 1)


def test_ranks_along_the_path_are_relative_to_random_ones() -> None:
    dataset = synthetic_anchor.runs(gamma=[0.5, 0.8], seed=range(3))
    table = trajectory_table(dataset)
    row = table[(table["layer"] == "block 1 key") & (table["gamma"] == 0.8) & (table["seed"] == 0)].iloc[0]
    rank = dataset["effective_rank"].sel(gamma=0.8, seed=0, layer="block 1 key").isel(step=-1)
    assert row["relative_rank"] == pytest.approx(float(rank) / 45)
    assert row["trajectory_dimension"] == pytest.approx(1.8)
