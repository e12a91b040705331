"""The map from key to answer that a transformer learned, seen as a signal over the keys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from lowcomplex.plots.page import canvas, panel_letters, sequential, style
from paper_figs.panels.axes import require


def equivariance_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Shift-equivariant share of the token map in time, mean and range over seeds.

    Args:
        dataset: `shift_equivariant_share` over (gamma, seed, step, pairs).

    Returns:
        Columns gamma, step, pairs, shift_equivariant_share, lowest, highest.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("shift_equivariant_share",), ("gamma", "seed", "step", "pairs"))
    share = dataset["shift_equivariant_share"]
    averaged = xr.Dataset(
        {
            "shift_equivariant_share": share.mean("seed"),
            "lowest": share.min("seed"),
            "highest": share.max("seed"),
        }
    )
    return averaged.to_dataframe(dim_order=["gamma", "step", "pairs"]).reset_index()


def token_spectrum_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Final power of the answer's expected offset over the keys, averaged over seeds.

    Args:
        dataset: `token_map_power` over (gamma, seed, step, pairs, frequency).

    Returns:
        Columns gamma, pairs, frequency, token_map_power. A pure shift of the key holds frequency 0 alone.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("token_map_power",), ("gamma", "seed", "step", "pairs", "frequency"))
    power = dataset["token_map_power"].isel(step=-1).mean("seed").drop_vars("step", errors="ignore")
    return power.to_dataframe(dim_order=["gamma", "pairs", "frequency"]).reset_index()


@style()
def plot_token_map(dataset: xr.Dataset) -> Figure:
    """Shift-equivariant share in time, and the final spectrum over the keys, for trained and unseen pairs.

    Args:
        dataset: As for `equivariance_table` and `token_spectrum_table`.

    Returns:
        The figure.
    """
    shares, spectra = equivariance_table(dataset), token_spectrum_table(dataset)
    gammas = np.unique(shares["gamma"])
    pairs = [str(name) for name in dataset["pairs"].values]
    figure = canvas(2, len(pairs), height=4.2, sharey="row")
    grid = np.array(figure.axes).reshape(2, len(pairs))
    for (top, bottom), kind in zip(grid.T, pairs, strict=True):
        for gamma, color in zip(gammas, sequential(len(gammas)), strict=True):
            run = shares[(shares["gamma"] == gamma) & (shares["pairs"] == kind)]
            top.fill_between(
                run["step"] + 1, run["lowest"], run["highest"], color=color, alpha=0.15, linewidth=0
            )
            top.plot(run["step"] + 1, run["shift_equivariant_share"], color=color, label=f"γ = {gamma:g}")
            spectrum = spectra[(spectra["gamma"] == gamma) & (spectra["pairs"] == kind)]
            bottom.plot(spectrum["frequency"], spectrum["token_map_power"], color=color, linewidth=1)
        top.set_title(f"{kind} pairs", loc="left")
        top.set_xscale("log", subs=[])
        top.set_xlabel("step + 1")
        top.set_ylim(-0.03, 1.03)
        bottom.set_yscale("log", subs=[])
        bottom.set_xlabel("frequency (cycles over all keys)")
    grid[0, 0].set_ylabel("shift-equivariant share\nof the logits' variance")
    grid[1, 0].set_ylabel("power of the expected offset\n(tokens²)")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
    panel_letters(figure.axes)
    return figure
