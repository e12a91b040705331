"""When each frequency was learned, at each γ."""

from __future__ import annotations

import xarray as xr

from lowcomplex import plots
from paper_figs._figure import Figure
from paper_figs._words import counted


def caption(dataset: xr.Dataset) -> str:
    """What is drawn."""
    table = plots.learning_time_table(dataset)
    never = int((~table["learned"]).sum())
    return (
        "The frequency principle over γ. First recorded step from which each frequency of the target had a "
        f"relative error below {dataset.attrs['learned_below']:g}: "
        f"{counted(dataset.sizes['seed'], 'seed')}, lines through their medians. "
        f"{never} of {len(table)} were not learned within the run" + (" (open triangles)." if never else ".")
    )


FIGURE = Figure(
    "learning_times", "frequency_principle", caption, plots.plot_learning_times, plots.learning_time_table
)
