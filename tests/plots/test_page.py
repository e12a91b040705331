"""Plots change no settings."""

from __future__ import annotations

import matplotlib as mpl
import xarray as xr

from lowcomplex import plots


def test_styles_do_not_leak() -> None:
    before = mpl.rcParams["font.size"], mpl.rcParams["svg.fonttype"]
    rank = xr.DataArray([[8.0, 6.0]], {"gamma": [0.5], "seed": [0, 1]})
    plots.plot_sweep(xr.Dataset({"effective_rank": rank}), "effective_rank")
    assert (mpl.rcParams["font.size"], mpl.rcParams["svg.fonttype"]) == before
