"""Lazy to rich at γ = 1/2: how far networks move from their initialization, over γ and depth."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr

from experiments._study import Study
from lowcomplex import sweeps
from lowcomplex.predictions import gamma_law
from lowcomplex.training import relative_displacement

GAMMAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5)
# The slopes are fitted where the law claims them, on each side of its transition.
ARMS = {"lazy": (0.1, 0.3), "rich": (1.0, 1.5)}


class GammaAxisConfig(sweeps.Config):
    """One training; runs of one seed and depth share their draw, scaled by γ."""

    gamma: float
    depth: int
    seed: int
    width: int = 96
    samples: int = 8


def measure(config: GammaAxisConfig) -> xr.Dataset:
    """Train a centered ReLU network by gradient flow and measure its relative displacement."""
    state = np.random.SeedSequence([config.seed, config.depth]).generate_state(1)
    generator = torch.Generator().manual_seed(int(state[0]))

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = draw(config.samples, config.width)
    y = draw(config.samples)
    normals = [draw(config.width, config.width) for _ in range(config.depth - 1)] + [draw(1, config.width)]
    end = relative_displacement(x / x.norm(dim=1, keepdim=True), y, normals, config.gamma)
    return xr.Dataset(
        {
            "relative_displacement": end.relative_displacement,
            "relative_displacement_first": end.relative_displacement_first,
            "loss_ratio": end.loss_ratio,
            "converged": end.converged,
        },
        attrs={"width": config.width, "samples": config.samples},
    )


def slopes(dataset: xr.Dataset) -> xr.Dataset:
    """Slope of log RD / log m in γ on each arm: mean and standard error over seeds, for each depth.

    Trainings that did not converge are left out.
    """
    displacement = dataset["relative_displacement"]
    log_displacement = displacement.copy(data=np.log(displacement.values)) / math.log(dataset.attrs["width"])
    log_displacement = log_displacement.where(dataset["converged"].astype(bool))
    arms = {}
    for arm, (low, high) in ARMS.items():
        on_arm = log_displacement.sel(gamma=slice(low, high))
        fit = on_arm.polyfit("gamma", 1)["polyfit_coefficients"].sel(degree=1, drop=True)
        error = fit.std("seed", ddof=1) / math.sqrt(fit.sizes["seed"])
        arms[arm] = xr.Dataset({"slope": fit.mean("seed"), "standard_error": error})
    return xr.concat(list(arms.values()), dim="arm").assign_coords(arm=list(arms))


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """Measured slopes beside the law's."""
    fitted = slopes(dataset)
    sentences = []
    for depth in dataset["depth"].values:
        measured = fitted.sel(depth=depth)
        parts = [
            f"{float(measured['slope'].sel(arm=arm)):.3f} ± "
            f"{float(measured['standard_error'].sel(arm=arm)):.3f} for γ in [{low:g}, {high:g}] "
            f"(predicted {float(gamma_law(low, depth)):g})"
            for arm, (low, high) in ARMS.items()
        ]
        sentences.append(
            f"With {depth} weight matrices of width {dataset.attrs['width']}, log RD / log m grows in γ with "
            f"slope {' and '.join(parts)}."
        )
    unconverged = int((~dataset["converged"].astype(bool)).sum())
    if unconverged:
        sentences.append(
            f"{unconverged} of {dataset['converged'].size} trainings did not reach 2 % of the loss within "
            "their budget; they are left out."
        )
    return tuple(sentences)


STUDY = Study(
    name="gamma_axis",
    title="Is γ = 1/2 the boundary between lazy and rich training, at any depth?",
    config=GammaAxisConfig,
    measure=measure,
    presets={
        "quick": {"gamma": GAMMAS, "depth": (2, 3), "seed": (0, 1, 2)},
        "full": {"gamma": GAMMAS, "depth": (2, 3, 4), "seed": (0, 1, 2, 3, 4)},
    },
    dimensions=("depth", "gamma", "seed"),
    findings=findings,
)
