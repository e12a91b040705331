"""The spectrum of the learned map in time, at each γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.frequency import plot_spectrum, spectrum_table


def caption(dataset: xr.Dataset) -> str:
    """Power and relative error of the learned map over frequencies and steps, in bands over seeds."""
    return (
        "The learned map's spectrum in time. Power at each frequency (a), the target's frequencies marked by "
        f"triangles, and relative error at these (b); mean over {counted(dataset.sizes['seed'], 'seed')}, "
        "bands span them. A frequency counts as learned below the dotted line."
    )


FIGURE = Figure("learned_spectrum", "frequency_principle", caption, plot_spectrum, spectrum_table, order=50)
