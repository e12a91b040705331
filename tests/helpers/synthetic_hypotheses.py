"""Hypotheses of every kind, judged by simulated runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from experiments.hypotheses import evidence, table
from experiments.hypotheses.evidence import Judgment
from experiments.hypotheses.registered import Hypothesis

RANK = "stable_rank: block 1 query"


def judgments() -> tuple[Judgment, ...]:
    """A supported, a refuted and an undecided hypothesis, one that expects nothing, and one not run."""
    correlation = {"statistic": "rank correlation", "x": "gamma", "direction": -1, "threshold": 0.4}
    area = {"statistic": "area under curve", "x": RANK, "direction": -1, "threshold": 0.7}
    registered = [
        _hypothesis("H1", correlation | {"y": RANK}, correlation | {"y": "embedding_dimension"}),
        _hypothesis("H1 of noise", correlation | {"y": "training_loss", "direction": 1, "threshold": 0.6}),
        _hypothesis(
            "H2", correlation | {"x": RANK, "y": "inferential", "strata": ["gamma", "training_loss"]}
        ),
        _hypothesis("H3", correlation | {"x": "weight_decay", "y": "training_loss", "direction": 0}),
        _hypothesis("H6", area | {"x_fraction": 0.5}, area | {"strata": ["gamma"], "negative": "symmetric"}),
        _hypothesis("H8", *(correlation | {"y": RANK, "bins": 2 + n} for n in range(9))),
        _hypothesis("H9", correlation | {"y": RANK, "study": "anchor_three"}),
    ]
    return evidence.evaluate(registered, {"simulated": runs()}, resamples=199)


def judged() -> xr.Dataset:
    """The same, as a dataset."""
    return table.dataset(judgments())


def runs() -> xr.Dataset:
    """Ranks fall and composition rises with γ; two runs did not converge, one of them diverged."""
    rng = np.random.default_rng(0)
    gammas, decays, seeds = np.array([0.4, 0.6, 0.8, 0.9]), np.array([0.0, 0.01, 1.0]), np.arange(4)
    shape = (len(gammas), len(decays), len(seeds))
    rank = 14 - 12 * gammas[:, None, None] + rng.normal(0, 0.8, shape)
    composed = np.clip(1.2 * gammas[:, None, None] - 0.4 + rng.normal(0, 0.12, shape), 0, 1)
    phase = np.where(composed > 0.5, "inferential", np.where(composed < 0.35, "symmetric", "neither")).astype(
        object
    )
    phase[0, 0, 0] = phase[3, 2, 1] = "not converged"
    final = np.stack((np.full(shape, 14.0), rank), -1)[..., None]
    final[3, 2, 1] = np.nan
    dims = ("gamma", "weight_decay", "seed")
    return xr.Dataset(
        {
            "phase": (dims, phase),
            "stable_rank": ((*dims, "step", "layer"), final),
            "accuracy": (
                (*dims, "step", "group"),
                np.broadcast_to(composed[..., None, None], (*shape, 2, 1)),
            ),
            "training_loss": ((*dims, "step"), rng.lognormal(-3, 0.5, (*shape, 2))),
        },
        coords={
            "gamma": gammas,
            "weight_decay": decays,
            "seed": seeds,
            "step": [1, 2],
            "fraction": ("step", [0.5, 1.0]),
            "layer": ["block 1 query"],
            "group": ["inferential"],
        },
        attrs={"study": "simulated"},
    )


def _hypothesis(name: str, *tests: dict[str, Any]) -> Hypothesis:
    named = [test | {"name": f"test {index + 1} of {test['x']}"} for index, test in enumerate(tests)]
    fields = {"name": name, "title": f"What {name} says.", "study": "simulated", "unit": "run"}
    return Hypothesis.model_validate({**fields, "sample": 48, "rule": "all", "test": named})
