"""Runs of the anchor task with planted numbers, over any run dimensions, as the anchor studies keep them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from experiments.anchor.schema import WEIGHT_MEASURES

FRACTIONS = (0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1)
PARTS = ("query", "key", "value", "attention output", "feedforward in", "feedforward out")
WEIGHTS = (*WEIGHT_MEASURES, "relative_displacement")
LARGE = ("singular_values", "query_weight", "token_embedding")


def runs(
    *,
    study: str = "",
    depth_of_all: int = 3,
    large_of_all: bool = False,
    diverges: bool = False,
    **dimensions: Any,
) -> xr.Dataset:
    """Ranks fall with γ and in time; answers turn from symmetric to inferential with γ and back at .9.

    The first run of the last seed did not converge; with `diverges`, the first run of the second seed did.
    """
    rng = np.random.default_rng(0)
    dims, values = tuple(dimensions), [np.asarray(v) for v in dimensions.values()]
    shape = tuple(len(v) for v in values)
    mesh = dict(zip(dims, np.meshgrid(*values, indexing="ij"), strict=True))
    gamma = np.asarray(mesh["gamma"], float) if "gamma" in mesh else np.full(shape, 0.5)
    seed = np.asarray(mesh["seed"], float) if "seed" in mesh else np.zeros(shape)
    jitter = rng.normal(size=shape) * 0.03
    depth = int(max(values[dims.index("depth")])) if "depth" in dims else depth_of_all
    matrices = ["embedding", "positions"]
    matrices += [f"block {b} {part}" for b in range(1, depth + 1) for part in PARTS] + ["output head"]
    time = np.array(FRACTIONS, float)
    grown = 1 - np.exp(-4 * time)

    def over(values_: np.ndarray, *sizes: int) -> np.ndarray:
        """Broadcast one number per run over further dimensions."""
        return np.broadcast_to(values_.reshape(*shape, *(1 for _ in sizes)), (*shape, *sizes)).copy()

    inferential = np.clip(2.2 * (gamma - 0.4) * (gamma < 0.85) + 0.15 * (gamma > 0.85) + jitter, 0, 0.95)
    symmetric = np.clip(0.9 - inferential, 0, 1) * 0.8
    final = np.stack((np.full(shape, 0.998), np.full(shape, 0.97), inferential, symmetric), -1)
    accuracy = final[..., None, :] * grown[:, None] / grown[-1]
    loss = 5 * np.exp(-6 * over(gamma, len(time)) * time) + 0.01
    phase = np.where(inferential > 0.5, "inferential", np.where(symmetric > 0.5, "symmetric", "neither"))
    phase = phase.astype(object)
    fall = np.exp(-2 * over(gamma, len(time), len(matrices)) * grown[:, None]) * (
        1 + over(jitter, len(time), 1)
    )
    per_matrix = 40 * fall * (1 + np.arange(len(matrices)) / 50)
    weights = {name: per_matrix / (index + 1) for index, name in enumerate(WEIGHTS)}
    weights["condensed_directions"] = np.floor(
        over(4 * (gamma > 0.65), len(time), len(matrices)) * grown[:, None]
    )
    weights["relative_displacement"] = grown[:, None] * 64 ** (over(gamma, len(time), len(matrices)) - 0.5)
    eigenvalues = over(gamma, len(time), 64) ** 2 * np.exp(-np.arange(64) * over(gamma, len(time), 64) / 4)
    power = np.exp(-np.arange(41) / 5) * over(gamma, len(time), 2, 41)
    share = over(gamma, len(time), 2) * grown[:, None] * np.array([1.0, 0.7])
    offsets = np.add.outer([5, 1, -2, -8], [5, 1, -2, -8]) * over(np.ones(shape), len(time), 4, 4)
    offsets[..., 2, 3] += 4
    offsets[..., 3, 2] += 4 * over(1 - inferential, len(time))
    components = np.array([30.0, 0.1, 1.0, 0.5])
    variance = components * over(1 + jitter, len(time), 4)
    pair = over(np.ones(shape), len(time), 4, 4) * grown[:, None, None]
    blocks = range(1, depth + 1)
    gaps = over(gamma, len(time), depth, 3) * grown[:, None, None] * np.array([0.9, 0.5, 0.3])
    deviation = np.zeros((*shape, 41))
    deviation[..., 10], deviation[..., 14] = inferential, symmetric
    learned = np.where(gamma > 0.35, 300 + 1000 * gamma + 10 * seed, np.nan)
    direction = rng.normal(size=64)
    mixture = over(gamma, 64, 64) ** 4
    query = rng.normal(size=(*shape, 64, 64)) * (1 - mixture) + 3 * mixture * direction
    tokens = np.arange(20, 100)
    ramp = np.outer((tokens - tokens.mean()) / 20, rng.normal(size=64))
    embedding = rng.normal(size=(*shape, 80, 64)) + 3 * over(gamma, 80, 64) ** 4 * ramp
    spectra = np.sort(rng.random((*shape, len(matrices), 64)), axis=-1)[..., ::-1]
    spectra = spectra * np.exp(-np.arange(64) / 64 * 8 * over(gamma, len(matrices), 64))
    t = ("step",)
    dataset = xr.Dataset(
        {
            "accuracy": ((*dims, *t, "group"), accuracy),
            "loss": ((*dims, *t), loss),
            "training_loss": ((*dims, *t), loss * 1.02),
            **{name: ((*dims, *t, "layer"), array) for name, array in weights.items()},
            "embedding_dimension": ((*dims, *t), 60 * fall[..., 0]),
            "embedding_ordinality": ((*dims, *t), over(gamma, len(time)) * grown),
            "embedding_covariance": ((*dims, *t, "index"), eigenvalues),
            "shift_equivariant_share": ((*dims, *t, "pairs"), share),
            "token_map_power": ((*dims, *t, "pairs", "frequency"), power),
            "mean_offset": ((*dims, *t, "first_anchor", "second_anchor"), offsets),
            "pair_accuracy": ((*dims, *t, "first_anchor", "second_anchor"), pair),
            "offset_variance": ((*dims, *t, "component"), variance),
            "logit_variance": ((*dims, *t, "component"), 3 * variance),
            "representation_gap": ((*dims, *t, "block", "classes"), gaps),
            "phase": (dims, phase),
            "diverged_at": (dims, np.full(shape, -1)),
            "trajectory_dimension": (dims, 1 + gamma),
            "steps_to_loss": (dims, learned),
            "steps_to_accuracy": ((*dims, "first_anchor", "second_anchor"), over(learned, 4, 4)),
            "deviation_share": ((*dims, "offset"), deviation),
            "null_effective_rank": ((*dims, "layer"), np.full((*shape, len(matrices)), 45.0)),
            "null_stable_rank": ((*dims, "layer"), np.full((*shape, len(matrices)), 17.0)),
            "singular_values": ((*dims, "layer", "index"), spectra),
            "query_weight": ((*dims, "neuron", "input"), query),
            "token_embedding": ((*dims, "token", "width"), embedding),
        },
        coords={
            **dict(zip(dims, values, strict=True)),
            "step": np.round(2000 * time).astype(int),
            "fraction": ("step", list(FRACTIONS)),
            "group": ["seen_train_keys", "seen_test_keys", "inferential", "symmetric"],
            "layer": matrices,
            "pairs": ["seen", "unseen"],
            "frequency": np.arange(41.0),
            "first_anchor": [1, 2, 3, 4],
            "second_anchor": [1, 2, 3, 4],
            "component": [
                "additive_symmetric",
                "additive_antisymmetric",
                "interaction_symmetric",
                "interaction_antisymmetric",
            ],
            "block": list(blocks),
            "classes": ["target", "intermediate", "unordered_pair"],
            "offset": np.arange(-20, 21),
            "token": tokens,
            "index": np.arange(64),
        },
        attrs={"study": study} if study else {},
    )
    if "depth" in dims:
        own = xr.DataArray(
            [int(n.split()[1]) if n.startswith("block") else 1 for n in matrices], dims="layer"
        )
        there = own <= dataset["depth"]
        for name, variable in dataset.data_vars.items():
            if "layer" in variable.dims:
                dataset[name] = variable.where(there)
        dataset["representation_gap"] = dataset["representation_gap"].where(
            dataset["block"] <= dataset["depth"]
        )
    last = tuple((len(v) - 1) * (d == "seed") for d, v in zip(dims, values, strict=True))
    dataset["phase"][last] = "not converged"
    dataset["accuracy"][(*last, slice(None), 0)] *= 0.6
    dataset["steps_to_loss"][last] = np.nan
    if diverges:
        diverged = tuple(1 if d == "seed" else 0 for d in dims)
        dataset["phase"][diverged], dataset["diverged_at"][diverged] = "not converged", 900
        for name, variable in dataset.data_vars.items():
            if "step" in variable.dims:
                dataset[name] = variable.where(
                    (dataset["diverged_at"] < 0) | (dataset["step"] <= dataset["diverged_at"])
                )
            elif name in LARGE:
                dataset[name] = variable.where(dataset["diverged_at"] < 0)
    if not large_of_all:
        dataset = dataset.assign({name: dataset[name].isel(seed=0, drop=True) for name in LARGE})
    return dataset.transpose(*dims, ...)
