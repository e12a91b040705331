"""Measured slopes of the relative displacement in γ beside those of the law."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from lowcomplex.predictions import gamma_law
from lowcomplex.theorems.gamma_law.formula import ARMS


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
