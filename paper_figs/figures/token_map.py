"""The learned map from key to answer: how much of it is a shift, and its spectrum."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.token_map import equivariance_table, plot_token_map, token_spectrum_table


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Shares in time, then the final spectra."""
    return pd.concat([equivariance_table(dataset), token_spectrum_table(dataset)], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """How much of the map from key to answer is a shift, over training, and its spectrum over keys."""
    return (
        "The learned map from key to answer. Share of the logits' variance that depends on answer minus key "
        "alone, in time (a, b), and final power of the expected offset over the keys (c, d): a pure shift, "
        "which every anchor pair asks for, holds frequency 0 alone. Mean over pairs and "
        f"{counted(dataset.sizes['seed'], 'seed')}; bands span the seeds."
    )


FIGURE = Figure("token_map", "anchor_gamma", caption, plot_token_map, numbers, order=130)
