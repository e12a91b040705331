from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from experiments._layers import QUERY
from experiments.seeds.findings import findings, share_of_seeds


def _dataset(composed: np.ndarray, phases: np.ndarray, rank: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "accuracy": (("gamma", "seed", "step", "group"), composed[..., None, None]),
            "phase": (("gamma", "seed"), phases),
            "stable_rank": (("gamma", "seed", "step", "layer"), rank[..., None, None]),
        },
        coords={
            "gamma": [0.7, 0.8],
            "seed": range(10),
            "step": [5],
            "group": ["inferential"],
            "layer": [QUERY],
        },
    )


def test_shares_of_seeds_and_their_intervals() -> None:
    composed = np.tile([0.9] * 8 + [0.1, 0.5], (2, 1))
    composed[1, 9] = np.nan
    phases = np.where(composed > 0.6, "inferential", "symmetric").astype(object)
    phases[1, 9] = "not converged"
    rank = np.tile(np.linspace(9, 2, 10), (2, 1))
    dataset = _dataset(composed, phases, rank)
    table = share_of_seeds(dataset).set_index(["gamma", "phase"])
    row = table.loc[(0.7, "inferential")]
    # The roots of (p - x)² = z² x (1 - x) / n, at p = 8 / 10 (Wilson, J. Amer. Stat. Assoc. 22, 1927).
    z2 = 1.959963985**2 / 10
    roots = np.sort(np.roots([1 + z2, -(2 * 0.8 + z2), 0.8**2]))
    assert (row["seeds"], row["share"]) == (8, 0.8)
    assert (row["low"], row["high"]) == pytest.approx(roots, abs=1e-8)
    assert table.loc[(0.8, "not converged"), "seeds"] == 1
    assert table["share"].groupby("gamma").sum().tolist() == pytest.approx([1, 1])
    first, at_seven, at_eight, of_rank = findings(dataset)
    assert "20 transformers, 10 seeds at each γ" in first
    assert "80% of seeds compose (49% to 94%)" in at_seven
    assert "between 0.25 and 0.75 in 1 of 10" in at_seven
    assert "10% of seeds did not converge" in at_eight
    assert "of 9." in at_eight
    assert "19 converged runs" in of_rank


def test_the_rank_is_compared_within_one_rate() -> None:
    order = np.arange(10)
    composed = np.stack([order / 20, 0.5 + order / 20])
    phases = np.full((2, 10), "neither", dtype=object)
    # Over all runs the rank falls as composition rises, but within each γ it rises.
    rank = np.stack([20.0 + order, 5.0 + order])
    assert "composed share is +1.00" in findings(_dataset(composed, phases, rank))[-1]
    phases[:] = "not converged"
    assert findings(_dataset(composed, phases, rank))[-1].startswith("Too few runs")
