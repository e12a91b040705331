from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from experiments.hypotheses.observables import MissingObservableError, known, observables

FRACTIONS = [0.0, 0.1, 0.5, 1.0]


def _dataset() -> xr.Dataset:
    """Two γ, two seeds; every value names where it stands; one run diverges half way."""
    runs = np.arange(4.0).reshape(2, 2)
    time = runs[..., None] + np.array([0, 100, 500, 1000])
    time[1, 1, 2:] = np.nan
    per_matrix = time[..., None] + np.array([0.0, 0.25, 0.5])
    per_matrix[0, :, :, 2] = np.nan
    dims = ("gamma", "seed", "step")
    return xr.Dataset(
        {
            "phase": (
                dims[:2],
                np.array([["symmetric", "neither"], ["inferential", "not converged"]], dtype=object),
            ),
            "stable_rank": ((*dims, "layer"), per_matrix),
            "accuracy": ((*dims, "group"), np.stack((time / 10, time / 20), -1)),
            "training_loss": (dims, time),
            "shift_equivariant_share": ((*dims, "pairs"), np.full((2, 2, 4, 1), 0.75)),
            "offset_variance": ((*dims, "component"), np.broadcast_to([1.0, 2.0, 3.0, 4.0], (2, 2, 4, 4))),
            "token_map_power": (("gamma", "step", "pairs", "frequency"), np.ones((2, 4, 1, 5))),
            "trajectory_dimension": (dims[:2], runs),
        },
        coords={
            "gamma": [0.5, 0.8],
            "seed": [0, 1],
            "fraction": ("step", FRACTIONS),
            "layer": ["embedding", "block 1 query", "block 2 query"],
            "group": ["inferential", "symmetric"],
            "pairs": ["unseen"],
            "component": [
                "additive_symmetric",
                "additive_antisymmetric",
                "interaction_symmetric",
                "interaction_antisymmetric",
            ],
            "frequency": [0.0, 1.0, 2.0, 3.0, 4.0],
        },
        attrs={"study": "planted"},
    )


def test_one_row_a_run_with_its_fields_and_phase() -> None:
    table = observables(_dataset(), ["stable_rank: block 1 query", "inferential", "gamma"])
    assert list(table.columns) == ["gamma", "seed", "phase", "stable_rank: block 1 query", "inferential"]
    assert table["gamma"].tolist() == [0.5, 0.5, 0.8, 0.8]
    assert table["phase"].tolist() == ["symmetric", "neither", "inferential", "not converged"]
    np.testing.assert_allclose(table["stable_rank: block 1 query"], [1000.25, 1001.25, 1002.25, np.nan])
    np.testing.assert_allclose(table["inferential"], [100, 100.1, 100.2, np.nan])


@pytest.mark.parametrize("labels", [None, [0, 10, 50, 100]])
def test_a_fraction_of_training(labels: list[int] | None) -> None:
    dataset = _dataset()
    if labels is not None:
        dataset = dataset.assign_coords(step=labels)
    table = observables(dataset, ["training_loss"], fraction=0.1)
    np.testing.assert_allclose(table["training_loss"], [100, 101, 102, 103])
    with pytest.raises(ValueError, match=r"fraction: expected one of 0, 0.1, 0.5, 1, got 0.2"):
        observables(dataset, ["training_loss"], fraction=0.2)


def test_a_mean_is_over_the_matrices_that_the_run_has() -> None:
    table = observables(
        _dataset(), ["stable_rank: mean over matrices", "stable_rank: mean over query matrices"]
    )
    np.testing.assert_allclose(
        table["stable_rank: mean over matrices"], [1000.125, 1001.125, 1002.25, np.nan]
    )
    np.testing.assert_allclose(
        table["stable_rank: mean over query matrices"], [1000.25, 1001.25, 1002.375, np.nan]
    )
    lost = _dataset()
    lost["stable_rank"][1, 0, -1, 0] = np.nan
    assert np.isnan(observables(lost, ["stable_rank: mean over matrices"]).iloc[2, -1])


def test_distance_from_the_rank_near_which_runs_composed() -> None:
    dataset = _dataset()
    rank = dataset["stable_rank"]
    dataset["stable_rank"] = xr.zeros_like(rank) + np.array([10.0, 2.5])[:, None, None, None]
    found = observables(dataset, ["distance from stable rank 5: block 1 query"])
    assert found["distance from stable rank 5: block 1 query"].tolist() == [1, 1, 1, 1]


def test_shares_of_the_function() -> None:
    names = [
        "non-shift-equivariant share: unseen",
        "interaction share of offsets",
        "symmetric interaction share of offsets",
        "antisymmetric interaction share of offsets",
        "antisymmetric share of offsets",
    ]
    row = observables(_dataset(), names)[names].iloc[0]
    np.testing.assert_allclose(row.astype(float), [0.25, 0.7, 0.3, 0.4, 0.6])
    every = _dataset()
    every["token_map_power"] = every["token_map_power"].expand_dims(seed=[0, 1])
    name = "token map high-frequency share: unseen"
    np.testing.assert_allclose(observables(every, [name])[name], 0.5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("depth", "do not differ in it"),
        ("effective_rank: embedding", "lacks effective_rank"),
        ("stable_rank: block 4 key", "no layer 'block 4 key'"),
        ("token map high-frequency share: unseen", "expected one value per run, over gamma, seed"),
    ],
)
def test_what_a_dataset_does_not_hold_of_each_run(name: str, message: str) -> None:
    with pytest.raises(MissingObservableError, match=message):
        observables(_dataset(), [name])


def test_names_times_and_types_are_checked() -> None:
    with pytest.raises(ValueError, match="did you mean 'stable_rank: embedding'"):
        observables(_dataset(), ["stable_rank: embeding"])
    with pytest.raises(ValueError, match="known at the end of training only"):
        observables(_dataset(), ["trajectory_dimension"], fraction=0.1)
    parts = _dataset().assign_coords(gamma=["embedding", "all"])
    with pytest.raises(ValueError, match="expected a field of numbers"):
        observables(parts, ["gamma"])
    assert len(set(known())) == len(known())
