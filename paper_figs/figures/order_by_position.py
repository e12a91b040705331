"""Where the order of the anchors is in plain sight, small starts compose what they mirror elsewhere."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from paper_figs._figure import Figure
from paper_figs._words import counted, listed, unconverged
from paper_figs.panels.order import drawn_gammas, plot_order, position_table


def caption(dataset: xr.Dataset) -> str:
    """What is drawn, the shaded position, and the mean shares where the order shows and where not."""
    table, gammas = position_table(dataset), drawn_gammas(dataset)
    means = [_means(table[table["gamma"] == gamma], gamma) for gamma in gammas]
    return (
        f"Answers on the unseen pair (4, 3) by the position of the key, of "
        f"{counted(dataset.sizes['seed'], 'transformer')} at each of γ = {listed(gammas)}. At the shaded "
        "position the second anchor is the last token, so that the order of the anchors is in plain sight. "
        f"Thin lines: seeds; thick: their mean. Means over seeds: {'; '.join(means)}.{unconverged(dataset)}"
    )


def _means(runs: pd.DataFrame, gamma: float) -> str:
    shows = runs["position"] == runs["position"].max()
    hidden, shown = runs[~shows], runs[shows]
    return (
        f"γ = {gamma:g}, order hidden: {hidden['composed'].mean():.2f} composed, "
        f"{hidden['mirrored'].mean():.2f} mirrored; in plain sight: {shown['composed'].mean():.2f} and "
        f"{shown['mirrored'].mean():.2f}"
    )


FIGURE = Figure("order_by_position", "order_gamma", caption, plot_order, position_table, order=294)
