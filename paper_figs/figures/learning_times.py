"""When each frequency was learned, at each γ."""

from __future__ import annotations

import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.frequency import learning_time_table, plot_learning_times


def caption(dataset: xr.Dataset) -> str:
    """The step at which each frequency was learned, over γ, with lines through the medians."""
    table = learning_time_table(dataset)
    never = int((~table["learned"]).sum())
    return (
        "The frequency principle over γ. First recorded step from which each frequency of the target had a "
        f"relative error below {dataset.attrs['learned_below']:g}: "
        f"{counted(dataset.sizes['seed'], 'seed')}, lines through their medians. "
        f"{never} of {len(table)} were not learned within the run" + (" (open triangles)." if never else ".")
    )


FIGURE = Figure(
    "learning_times", "frequency_principle", caption, plot_learning_times, learning_time_table, order=60
)
