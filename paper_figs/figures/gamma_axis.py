"""The γ axis explained: slopes with their broken lines, and the fan-in rule in Luo et al.'s plane."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import figure

from lowcomplex.predictions import gamma_law, phase_diagram, regime_at
from paper_figs._figure import Figure
from paper_figs._words import counted, listed
from paper_figs.panels.gamma import displacement_table, slope_table
from paper_figs.panels.gamma_axis import plane_table, plot_gamma_axis

_RATES = np.linspace(0.05, 1.55, 151)
_ASPECTS = {
    "input dimension fixed": 0.0,
    "64 inputs, width 512": math.log(64) / math.log(512),
    "input dimension m": 1.0,
}


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Displacement, slopes and the plane."""
    return plot_gamma_axis(dataset, gamma_law, predicted(dataset), phase_diagram, _plane())


def predicted(dataset: xr.Dataset) -> pd.DataFrame:
    """Displacement at the dataset's sizes as the library predicts it, and where laziness ends there."""
    width, samples = int(dataset.attrs["width"]), int(dataset.attrs["samples"])
    rows = []
    for depth in dataset["depth"].values:
        for gamma in _RATES:
            # Targets are standard normal; training stops when 2 % of the loss is left.
            at = regime_at(
                float(gamma),
                width=width,
                depth=int(depth),
                dimension=width,
                target_norm=math.sqrt(samples) * (1 - math.sqrt(0.02)),
            )
            rows.append(
                {
                    "depth": int(depth),
                    "gamma": gamma,
                    "displacement": at.displacement,
                    "crossing": at.crossing,
                    "regime": at.regime,
                }
            )
    return pd.DataFrame(rows)


def _plane() -> pd.DataFrame:
    return plane_table(_ASPECTS, _RATES)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Measured displacements, local slopes beside theirs, predicted displacements, lines in the plane."""
    slopes = slope_table(dataset)
    slopes = slopes.assign(predicted_slope=gamma_law(slopes["gamma"], slopes["depth"]))
    plane = _plane()
    plane = plane.assign(exponent=phase_diagram(plane["gamma_l"], plane["gamma_prime"]))
    lines = predicted(dataset).rename(columns={"displacement": "predicted_displacement"})
    tables = {
        "measured": displacement_table(dataset),
        "slope": slopes,
        "predicted": lines,
        "plane": plane,
    }
    return pd.concat([table.assign(panel=name) for name, table in tables.items()], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """Displacements with their predictions, local slopes, and the fan-in rule in Luo et al.'s plane."""
    failed = int((~dataset["converged"].astype(bool)).sum())
    lines = predicted(dataset)
    crossings = lines.groupby("depth")["crossing"].first().round(2)
    return (
        f"The γ axis explained. (a) Relative displacement of networks of {listed(dataset['depth'].values)} "
        f"weight matrices, width and input dimension {dataset.attrs['width']}, "
        f"{counted(dataset.sizes['seed'], 'seed')} at each γ, with its prediction on the lazy and the rich "
        "side: no number is fitted. (b) Its local slope; lines: the number of matrices below γ = 1/2, 1 "
        f"above; dotted: where laziness ends at this width, γ = {listed(crossings)}. (c) Exponent of the "
        "displacement of the input weights of two-layer networks in Luo et al.'s plane, linear below 0 "
        "(solid line) and condensed above; dashed: what weights N(0, d_in^(-2γ)) run through, "
        "with γ = 0.5, 1 and 1.5 marked: always linear if the input dimension stays fixed, condensed above "
        "γ = 1/2 if it grows with the width."
        + (f" {counted(failed, 'run')} did not converge and are left out." if failed else "")
    )


FIGURE = Figure("gamma_axis", "gamma_axis", caption, draw, numbers, order=20)
