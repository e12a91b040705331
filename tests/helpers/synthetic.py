"""Small datasets in the studies' shapes, with planted numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

import synthetic_anchor
import synthetic_hypotheses
import synthetic_mechanism
import synthetic_sequences

ACTIVATIONS = ("tanh", "xtanh", "x2tanh")


ANCHOR_RUNS: dict[str, dict[str, Any]] = {
    "anchor_depth": {"depth": [2, 3], "gamma": [0.4, 0.6, 0.8], "seed": range(3)},
    "anchor_heads": {"gamma": [0.5, 0.8], "seed": range(3)},
    "anchor_weight_decay": {"weight_decay": [0.0, 0.01, 1.0], "gamma": [0.5, 0.8], "seed": range(3)},
    "anchor_learning_rate": {"learning_rate": [1e-3, 3e-3], "gamma": [0.5, 0.8], "seed": range(3)},
    "anchor_steps": {"steps": [1000, 2000], "gamma": [0.7, 0.8], "seed": range(3)},
    "anchor_rate_decay": {"learning_rate": [1e-3, 3e-3], "weight_decay": [0.01, 1.0], "seed": range(3)},
    "anchor_both_unseen": {"weight_decay": [0.01, 1.0], "gamma": [0.5, 0.8], "seed": range(3)},
    "anchor_parts": {"part": ["none", "embedding", "query-key", "all"], "gamma": [0.8], "seed": range(3)},
    "anchor_non_commuting": {
        "functions": ["translations", "dihedral"],
        "gamma": [0.5, 0.8],
        "seed": range(3),
    },
    "anchor_data_complexity": {
        "noise_groups": [0, 5],
        "depth": [2, 3],
        "gamma": [0.5, 0.8],
        "seed": range(3),
    },
    "anchor_finite_data": {"sequences": ["100", "1,000", "fresh"], "gamma": [0.5, 0.8], "seed": range(3)},
    "anchor_three": {"gamma": [0.5, 0.8], "seed": range(3)},
    "anchor_key_split": {"modulus": [7, 9], "gamma": [0.5, 0.8], "seed": range(3)},
}


def dataset(study: str) -> xr.Dataset:
    if study in ANCHOR_RUNS:
        return synthetic_anchor.runs(study=study, **ANCHOR_RUNS[study])
    if study in synthetic_sequences.GROUPS:
        return synthetic_sequences.runs(study)
    return {
        "": xr.Dataset,
        "anchor_mechanism": synthetic_mechanism.runs,
        "gamma_axis": gamma_axis,
        "two_layer_condensation": two_layer_condensation,
        "frequency_principle": frequency_principle,
        "anchor_gamma": anchor_gamma,
        "hypotheses": synthetic_hypotheses.judged,
    }[study]()


def gamma_axis() -> xr.Dataset:
    """Displacements exactly on the law, with seeds a constant factor apart; one run not converged."""
    gammas = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5])
    depths, seeds = np.array([2, 3]), np.arange(3)
    below = depths[:, None] * gammas - (depths[:, None] + 1) / 2
    exponent = np.where(gammas <= 0.5, below, gammas - 1)
    displacement = 128 ** exponent[..., None] * np.exp(0.05 * (seeds - 1))
    converged = np.ones(displacement.shape, dtype=bool)
    converged[1, -1, 2] = False
    dims = ("depth", "gamma", "seed")
    return xr.Dataset(
        {
            "relative_displacement": (dims, displacement),
            "relative_displacement_first": (dims, displacement * 1.1),
            "loss_ratio": (dims, np.where(converged, 0.019, 0.4)),
            "converged": (dims, converged),
        },
        coords={"depth": depths, "gamma": gammas, "seed": seeds},
        attrs={"width": 128, "samples": 8},
    )


def two_layer_condensation(neurons: int = 60, steps: int = 9) -> xr.Dataset:
    """Neurons that drift to planted orientations from a small start, and stay put from a large one."""
    rng = np.random.default_rng(0)
    starts, seeds = ("small", "large"), np.arange(2)
    shape = (len(ACTIVATIONS), len(starts), len(seeds), steps, neurons)
    planted = np.full((len(ACTIVATIONS), 6), np.nan)
    for index in range(len(ACTIVATIONS)):
        planted[index, : 2 * (index + 1)] = 0.4 + np.pi * np.arange(2 * (index + 1)) / (index + 1)
    begin = rng.uniform(-np.pi, np.pi, (*shape[:3], 1, neurons))
    goal = np.take_along_axis(
        planted[:, None, None, None, :],
        rng.integers(0, 2, (*shape[:3], 1, neurons)) % 2,
        axis=-1,
    )
    progress = np.linspace(0, 1, steps)[:, None] * np.array([1.0, 0.0])[:, None, None, None]
    orientation = begin + (goal - begin) * progress[None]
    scale = np.array([1e-6, 1.0])[:, None, None, None]
    growth = np.exp(np.linspace(0, np.log(1e5), steps))[:, None] ** np.array([1.0, 0.0])[:, None, None, None]
    amplitude = rng.lognormal(0, 1, (*shape[:3], 1, neurons)) * scale * growth
    output = np.where(rng.random((*shape[:3], 1, neurons)) < 0.5, -1.0, 1.0) * np.ones_like(amplitude)
    count = np.where(progress[None, ..., 0] > 0.7, 2.0, 0.0) * np.ones((3, 1, 2, 1))
    times = np.concatenate(([0.0], np.geomspace(0.1, 100, steps - 1)))
    dims = ("activation", "initialization", "seed", "step")
    return xr.Dataset(
        {
            "time": (dims, np.broadcast_to(times, shape[:4])),
            "orientation": ((*dims, "neuron"), orientation),
            "amplitude": ((*dims, "neuron"), amplitude),
            "output_sign": ((*dims, "neuron"), output),
            "loss": (dims, np.broadcast_to(np.geomspace(0.3, 1e-3, steps), shape[:4])),
            "condensed_directions": (dims, count),
            "aligned_share": (dims, np.broadcast_to(progress[None, ..., 0], shape[:4])),
            "predicted_orientation": (("activation", "line"), planted),
            "predicted_sign": (("activation", "line"), np.where(np.arange(6) % 2, -1.0, 1.0) + 0 * planted),
        },
        coords={"activation": list(ACTIVATIONS), "initialization": list(starts), "seed": seeds},
    )


def frequency_principle() -> xr.Dataset:
    """Low frequencies first; at the smallest γ the highest is never learned."""
    gammas, seeds = np.array([0.4, 0.6, 0.8]), np.arange(2)
    steps = np.array([0, 1, 3, 10, 30, 100, 300, 1000, 3000])
    frequencies = np.arange(64 // 2 + 1) / 2.0
    asked = np.isin(frequencies, (0.5, 1.5, 2.5, 5.0))
    target = np.where(asked, 1 / (1 + frequencies), 0.0)
    rate = 0.3 * np.exp(-frequencies[None, :] * (1.6 - gammas[:, None]))
    error = np.exp(-rate[:, None, None, :] * steps[:, None] * (1 + 0.1 * seeds[:, None, None]))
    learned = np.where((error < 0.5).any(2) & asked, steps[(error < 0.5).argmax(2)].astype(float), np.nan)
    dims = ("gamma", "seed", "step", "frequency")
    ranks = 30 * np.exp(-gammas)[:, None, None, None] * np.ones((3, 2, len(steps), 3))
    return xr.Dataset(
        {
            "power": (dims, (1 - error) ** 2 * target + 1e-12),
            "target_power": ("frequency", target),
            "relative_error": (dims, np.where(asked, error, np.nan)),
            "loss": (dims[:3], error.mean(-1)),
            "spectral_centroid": (dims[:3], error.mean(-1)),
            "time_learned": (("gamma", "seed", "frequency"), learned),
            "effective_rank": (("gamma", "seed", "step", "layer"), ranks),
            "stable_rank": (("gamma", "seed", "step", "layer"), ranks / 3),
        },
        coords={"gamma": gammas, "seed": seeds, "step": steps, "frequency": frequencies},
        attrs={"learned_below": 0.5},
    )


def anchor_gamma() -> xr.Dataset:
    """Ranks that fall with γ; answers that turn from symmetric to inferential; one run not converged."""
    return synthetic_anchor.runs(
        study="anchor_gamma", gamma=[0.4, 0.6, 0.8, 0.9], seed=range(3), large_of_all=True
    )


def diverged(record: xr.Dataset) -> xr.Dataset:
    """The anchor dataset with its first run diverged after three records."""
    run = {"gamma": record["gamma"].values[0], "seed": record["seed"].values[0]}
    changed = record.copy(deep=True)
    for name, variable in changed.data_vars.items():
        if variable.dtype.kind == "f" and "gamma" in variable.dims and not str(name).startswith("null"):
            late = {"step": changed["step"].values[3:]} if "step" in variable.dims else {}
            changed[name].loc[run | late] = np.nan
    changed["phase"].loc[run] = "not converged"
    return changed
