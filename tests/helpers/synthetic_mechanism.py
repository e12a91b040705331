"""Datasets of the study of the mechanism with planted numbers."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

ROLES = ["before", "key", "first anchor", "second anchor", "after", "last"]
SOURCES = ["key", "first anchor", "second anchor", "other"]
TARGETS = ["first anchor", "second anchor", "last"]
GROUPS = ["seen_train_keys", "inferential", "symmetric"]
PAIRS = list(itertools.product((1, 2, 3, 4), repeat=2))
SHIFTS = {1: 5, 2: 1, 3: -2, 4: -8}


def runs(*, diverges: bool = False, depths: tuple[int, ...] = (2, 3), seeds: int = 3) -> xr.Dataset:
    """At γ = .5 the first block tells the last token which anchors there are, at .8 anchors which key.

    The first run of the last seed did not converge; with `diverges`, those of the first seed diverged.
    """
    rng = np.random.default_rng(0)
    gammas = np.array([0.5, 0.8])
    run = ("depth", "gamma", "seed")
    shape = (len(depths), len(gammas), seeds)
    blocks = max(depths)
    small = np.broadcast_to((gammas == 0.8)[:, None], shape).astype(float)

    def over(values: np.ndarray, *sizes: int) -> np.ndarray:
        return np.broadcast_to(values.reshape(*shape, *(1 for _ in sizes)), (*shape, *sizes)).copy()

    mass = np.tril(np.ones((6, 6))) * rng.uniform(0.5, 1, (*shape, blocks, 6, 6))
    mass[..., 0, 5, 2:4] += 12 * (1 - small[..., None])
    mass[..., 0, 2:4, 1] += 8 * small[..., None]
    mass /= mass.sum(-1, keepdims=True)
    lost = rng.normal(0, 0.01, (*shape, blocks, 3, 4, 3))
    lost[..., 0, 2, 1:3, 0] += 0.7 * (1 - small[..., None])
    lost[..., 0, 0:2, 0, 0] += 0.6 * small[..., None]
    lost[..., 0, 2, :] = np.nan
    lost[..., :, 0, 2, :] = np.nan
    codes = rng.normal(size=(2, 4, 2))
    keys, states = np.arange(20, 100, 10), [(a, key) for a in SHIFTS for key in range(30, 41)]
    coordinate = np.empty((len(depths), 2, 2, len(PAIRS), 6, len(keys), 2))
    for index, (a, b) in enumerate(PAIRS):
        place = codes[0, a - 1] + codes[0, b - 1] + 0.5 * np.array([0.0, 1.0])[:, None] * codes[1, a - 1]
        coordinate[..., index, :, :, :] = place[:, None, None, None, :]
    coordinate += rng.normal(0, 0.05, coordinate.shape) + (keys[:, None] - 60) / 200

    def similar(values: np.ndarray, width: float) -> np.ndarray:
        near = np.exp(-(np.subtract.outer(values, values) ** 2) / width)
        return np.stack([0.6 * near + 0.4 * np.eye(len(values)), near])[None].repeat(len(depths), 0)

    names = [f"{a}{b}" for a, b in PAIRS]
    results = np.arange(30, 51)
    dataset = xr.Dataset(
        {
            "accuracy": ((*run, "group"), np.stack([np.ones(shape), 0.9 * small, 0.9 * (1 - small)], -1)),
            "attention_mass": ((*run, "block", "asking", "asked"), mass),
            "edge_importance": ((*run, "block", "target", "source", "group"), lost),
            "mirror_coincidence": ((*run, "block"), 0.9 - 0.8 * over(small, blocks)),
            "same_target_cosine": ((*run, "block"), 0.3 + 0.6 * over(small, blocks)),
            "other_target_cosine": ((*run, "block"), 0.2 + 0.1 * over(small, blocks)),
            "intermediate_gap": ((*run, "block", "site"), 0.05 + 0.5 * over(small, blocks, 2)),
            "pair_cosine": (
                (*run[:2], "pair", "other_pair"),
                similar(np.array([SHIFTS[a] + SHIFTS[b] for a, b in PAIRS], float), 20.0),
            ),
            "value_cosine": (
                (*run[:2], "state", "other_state"),
                similar(np.array([key + SHIFTS[a] for a, key in states], float), 4.0),
            ),
            "result_cosine": ((*run[:2], "result", "other_result"), similar(results.astype(float), 9.0)),
            "coordinate": ((*run[:2], "drawn_block", "pair", "background", "key", "component"), coordinate),
            "component_share": (
                (*run[:2], "drawn_block", "component"),
                np.broadcast_to([0.6, 0.2], (*shape[:2], 2, 2)).copy(),
            ),
            "phase": (run, np.where(small > 0, "inferential", "symmetric").astype(object)),
        },
        coords={
            "depth": list(depths),
            "gamma": gammas,
            "seed": 100 + np.arange(seeds),
            "block": range(1, blocks + 1),
            "asking": ROLES,
            "asked": ROLES,
            "target": TARGETS,
            "source": SOURCES,
            "group": GROUPS,
            "site": ["value", "residual"],
            "pair": names,
            "other_pair": names,
            "state": [f"{key};{a}" for a, key in states],
            "other_state": [f"{key};{a}" for a, key in states],
            "result": results,
            "other_result": results,
            "drawn_block": [1, 2],
            "key": keys,
            "component": [1, 2],
        },
        attrs={"study": "anchor_mechanism"},
    )
    for name, variable in dataset.data_vars.items():
        if "block" in variable.dims:
            dataset[name] = variable.where(dataset["block"] <= dataset["depth"])
    dataset["phase"][0, 0, -1] = "not converged"
    if diverges:
        dataset["phase"][0, 0, 0] = "not converged"
        for name, variable in dataset.data_vars.items():
            if name != "phase":
                dataset[name][{d: 0 for d in run if d in variable.dims}] = np.nan
    return dataset
