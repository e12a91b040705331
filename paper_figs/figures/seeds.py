"""How far the seeds of one γ differ in what they compose."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from experiments.seeds.findings import LEVEL, share_of_seeds
from paper_figs._figure import Figure
from paper_figs._words import counted, listed, unconverged
from paper_figs.panels.seeds import plot_seeds, seed_table, time_table


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Each seed's composed share, the shares of seeds with their intervals, and the shares in time."""
    tables = {"seeds": seed_table(dataset), "kinds": share_of_seeds(dataset), "times": time_table(dataset)}
    return pd.concat([table.assign(panel=name) for name, table in tables.items()], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """Composed shares of seeds over γ, shares of seeds with intervals, and shares in time."""
    in_time = time_table(dataset)["gamma"].iloc[0]
    return (
        f"Seeds at one γ. {counted(dataset.sizes['seed'], 'transformer')} at each of "
        f"γ = {listed(dataset['gamma'].values)}, which differ in their seed alone. (a) Composed share of "
        "each seed's answers on the unseen pair (4, 3), in order within a γ. (b) Share of seeds by what most "
        f"of their answers do: compose, mirror or neither; bars: Wilson intervals of {LEVEL:.0%}. "
        f"(c) Composed share in time at γ = {in_time:g}, where seeds end farthest apart, colored "
        f"by where a seed ends.{unconverged(dataset)}"
    )


FIGURE = Figure("seeds", "anchor_seeds", caption, plot_seeds, numbers, order=295)
