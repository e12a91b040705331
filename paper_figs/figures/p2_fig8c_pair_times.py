"""P2, figure 8C: how long each anchor pair takes to learn where one noise group does not compose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import figure

from lowcomplex.statistics import share
from lowcomplex.tasks import AnchorTask
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, Status, conclude
from paper_figs._words import counted
from paper_figs.panels.times import pair_time_table, plot_pair_times


def _chosen(dataset: xr.Dataset) -> xr.Dataset:
    """The smallest number of noise groups that is any, at the largest γ."""
    groups = [int(k) for k in dataset["noise_groups"].values]
    noisy = min((k for k in groups if k > 0), default=groups[0])
    return dataset.sel(noise_groups=noisy, gamma=float(dataset["gamma"].max()))


def noise_pairs(noise_groups: int) -> list[tuple[int, int]]:
    """The pairs whose label is not what their anchors compose to."""
    task = AnchorTask(rule="inferential", unseen=(), noise_groups=noise_groups)
    return [(a, b) for a, b in task.words if task.function((a, b)) != task.inferential((a, b))]


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Maps of times, a panel a depth."""
    chosen = _chosen(dataset)
    return plot_pair_times(chosen, noise_pairs(int(chosen["noise_groups"])))


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Times of every pair and run."""
    chosen = _chosen(dataset)
    noisy = noise_pairs(int(chosen["noise_groups"]))
    table = pair_time_table(chosen)
    pairs = zip(table["first_anchor"], table["second_anchor"], strict=True)
    return table.assign(composes=[pair not in noisy for pair in pairs])


def caption(dataset: xr.Dataset) -> str:
    """Median updates until each anchor pair is learned, as a map, at one γ and noise."""
    chosen, table = _chosen(dataset), numbers(dataset)
    return (
        f"Pair by pair. Updates until a pair's accuracy is above 0.99 and stays there, at γ = "
        f"{float(chosen['gamma']):g} with {counted(int(chosen['noise_groups']), 'noise group')} (framed: the "
        f"pairs that do not compose). Cells: median of {counted(dataset.sizes['seed'], 'seed')}; hatched, "
        "with “>”: not reached by the end of training in the median run. Accuracy is asked 50 times in a "
        f"training. {int(table['censored'].sum())} of {len(table)} times were not reached."
    )


def finding(dataset: xr.Dataset) -> Finding:
    """In how many runs the pairs that do not compose come last; what was not reached ranks last."""
    table = numbers(dataset)
    ranked = table.assign(rank=table["steps"].where(~table["censored"], np.inf))
    medians = ranked.groupby(["depth", "seed", "composes"])["rank"].median().unstack("composes")
    if len(medians.columns) < 2:
        return conclude([Point("open", "there are no pairs that do not compose")])
    later = int((medians[False] > medians[True]).sum())
    sooner = int((medians[False] < medians[True]).sum())
    told = (
        f"the median time of the pairs that do not compose is longer than that of the others in {later} and "
        f"shorter in {sooner} of {counted(len(medians), 'run')}"
    )
    clear = later + sooner > 0 and share(later, later + sooner, null=0.5).p < 0.05
    status: Status = "open" if not clear else "yes" if later > sooner else "no"
    return conclude([Point(status, told)])


FIGURE = Figure(
    "p2_fig8c_pair_times",
    "anchor_data_complexity",
    caption,
    draw,
    numbers,
    Claim(
        "P2, figure 8C: from a small initialization, pairs that do not compose are learned later than the "
        "others.",
        row="P2 8C",
    ),
    finding,
    order=220,
)
