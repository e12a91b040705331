"""Small datasets in the shape of the studies on sequences, with planted numbers."""

from __future__ import annotations

import numpy as np
import xarray as xr

GROUPS = {
    "scan_generalization": ("in_distribution", "out_of_distribution"),
    "ontology_reasoning": ("in_distribution", "unseen_rules", "longer_chains"),
    "addition_block": ("in_distribution", "held_out_block"),
}
MATRICES = ("embedding", "positions", "block 1 query", "block 1 key", "output head")


def runs(study: str, *, advantage: float = 0.4, seeds: int = 3, failed: bool = True) -> xr.Dataset:
    """The small start is ahead by `advantage` on every unseen group; one large start does not converge."""
    arms, sizes, steps = ("small", "large"), np.array([1000, 2000, 4000]), np.arange(0, 101, 4)
    shape = (2, len(sizes), seeds)
    size = np.log2(sizes / 1000)[None, :, None]
    spread = 0.02 * np.arange(seeds) + np.zeros(shape)
    ahead = np.array([advantage, 0.0])[:, None, None]
    final = [np.ones(shape), 0.6 + 0.15 * size + spread]
    final += [0.2 + 0.1 * size + ahead + spread] * (len(GROUPS[study]) - 1)
    accuracy = np.clip(np.stack(final, -1), 0, 1)[..., None, :] * np.linspace(0, 1, len(steps))[:, None]
    converged = np.ones(shape, dtype=bool)
    times = 40.0 + 12 * size + np.array([0.0, 24.0])[:, None, None] + 4 * np.arange(seeds)
    if failed:
        converged[1, 0, 0], times[1, 0, 0] = False, np.nan
        accuracy[1, 0, 0, :, 0] *= 0.5
    per_run = ("arm", "examples", "seed")
    rank = np.array([8.0, 30.0])[:, None, None, None, None] * np.ones((*shape, len(steps), len(MATRICES)))
    dataset = xr.Dataset(
        {
            "accuracy": ((*per_run, "step", "group"), accuracy),
            "training_loss": ((*per_run, "step"), np.ones(shape)[..., None] / (1 + steps)),
            "effective_rank": ((*per_run, "step", "layer"), 2 * rank),
            "stable_rank": ((*per_run, "step", "layer"), rank),
            "converged": (per_run, converged),
            "steps_to_convergence": (per_run, times),
            "diverged_at": (per_run, np.full(shape, -1)),
            "gamma": (per_run, np.array([0.8, 0.5])[:, None, None] * np.ones(shape)),
            "weight_decay": (per_run, np.array([1.0, 0.01])[:, None, None] * np.ones(shape)),
        },
        coords={
            "arm": list(arms),
            "examples": sizes,
            "seed": range(seeds),
            "step": steps,
            "group": ["train", *GROUPS[study]],
            "layer": list(MATRICES),
        },
    )
    if study == "scan_generalization":
        return dataset.assign_attrs(most_actions=8)
    if study == "addition_block":
        tens = np.ones((*shape, 10, 10))
        tens[..., 4:6, 4:6] = np.array([0.8, 0.2])[:, None, None, None, None]
        by_tens = xr.DataArray(tens, dims=(*per_run, "first_tens", "second_tens"))
        dataset = dataset.assign(accuracy_by_tens=by_tens)
        return dataset.assign_coords(first_tens=range(10), second_tens=range(10)).assign_attrs(
            block_first=40, block_last=60
        )
    return dataset


def diverged(dataset: xr.Dataset) -> xr.Dataset:
    """The first run of the large start broke off after three records."""
    changed = dataset.copy(deep=True)
    run = {"arm": "large", "examples": dataset["examples"].values[0], "seed": 0}
    for name in ("accuracy", "training_loss", "effective_rank", "stable_rank"):
        changed[name].loc[run | {"step": changed["step"].values[3:]}] = np.nan
    if "accuracy_by_tens" in changed:
        changed["accuracy_by_tens"].loc[run] = np.nan
    changed["steps_to_convergence"].loc[run] = np.nan
    changed["converged"].loc[run] = False
    changed["diverged_at"].loc[run] = 9
    return changed
