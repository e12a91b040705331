"""Which way information goes through the attention of transformers on the anchor task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from experiments.anchor.schema import NOT_CONVERGED
from lowcomplex.plots.page import canvas, categorical, panel_letters, style
from paper_figs.panels.axes import ends, require

_SHORT = {
    "before": "before",
    "key": "x",
    "first anchor": "a1",
    "second anchor": "a2",
    "after": "after",
    "last": "last",
    "other": "other",
}
_RUN = ("depth", "gamma", "seed")
_LEAST_MASS = 0.05
_WIDEST = 7.0


def flow_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Attention between positions, and what answers lose when edges of a kind are cut, of every run.

    Args:
        dataset: `attention_mass` over (depth, gamma, seed, block, asking, asked), `edge_importance` over
            (depth, gamma, seed, block, target, source, group), and `phase` over (depth, gamma, seed).

    Returns:
        Columns depth, gamma, seed, phase, block, target, source, quantity, value; the quantity is "attention
        mass", or "lost: " and a group of answers. Blocks and edges that do not exist are left out.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    variables = ("attention_mass", "edge_importance", "phase")
    require(dataset, variables, (*_RUN, "block", "asking", "asked", "target", "source", "group"))
    mass = dataset["attention_mass"].rename(asking="target", asked="source").to_dataframe(name="value")
    lost = dataset["edge_importance"].to_dataframe(name="value")
    mass, lost = mass.reset_index(), lost.reset_index()
    mass["quantity"] = "attention mass"
    lost["quantity"] = "lost: " + lost["group"]
    columns = [*_RUN, "block", "target", "source", "quantity", "value"]
    both = pd.concat([mass[columns], lost[columns]])
    acausal = (both["target"] == "first anchor") & (both["source"] == "second anchor")
    both = both[(both["block"] <= both["depth"]) & ~acausal]
    phase = dataset["phase"].to_dataframe(name="phase").reset_index()[[*_RUN, "phase"]]
    return both.merge(phase, on=list(_RUN))[[*_RUN, "phase", *columns[3:]]]


@style()
def plot_information_flow(dataset: xr.Dataset) -> Figure:
    """Attention as a diagram at small and at large γ, and the answers that each kind of edge carries.

    Networks with fewest blocks. Means over the seeds that converged; over all where none did, which the
    title says.

    Args:
        dataset: As for `flow_table`.

    Returns:
        The figure.
    """
    depth = int(dataset["depth"].values.min())
    gammas = ends(dataset)
    figure = canvas(len(gammas), 3, height=0.5 + 2.2 * len(gammas), width_ratios=[1.9, 1, 1])
    axes = list(figure.axes)
    for row, gamma in zip((axes[i : i + 3] for i in range(0, len(axes), 3)), gammas, strict=True):
        runs = dataset[["attention_mass", "edge_importance", "phase"]].sel(depth=depth, gamma=gamma)
        converged = (runs["phase"] != NOT_CONVERGED).values
        note = "" if converged.all() else f" ({converged.sum()} of {len(converged)} runs converged)"
        kept = runs.isel(seed=converged) if converged.any() else runs
        _draw_diagram(row[0], kept["attention_mass"].mean("seed"), depth)
        row[0].set_title(f"γ = {gamma:g}{note}")
        for axis, group, name in (
            (row[1], "seen_train_keys", "trained pairs"),
            (row[2], "inferential", "composed, unseen pair"),
        ):
            image = _draw_losses(axis, kept["edge_importance"].sel(group=group).mean("seed"), depth)
            axis.set_title(name)
        row[2].set_yticklabels([])
        figure.colorbar(image, ax=row[2], label="share lost, edge cut", pad=0.02)
    panel_letters(figure.axes[: 3 * len(gammas)])
    return figure


def _draw_diagram(axis: Axes, mass: xr.DataArray, depth: int) -> None:
    """Positions as nodes, one row per block; edges as wide as the attention that they carry."""
    roles = [str(name) for name in mass["asked"].values]
    anchors = {"first anchor", "second anchor"}
    special, plain = categorical(2), (0.6, 0.6, 0.6)
    for block in range(1, depth + 1):
        for to, asking in enumerate(roles):
            for start, asked in enumerate(roles):
                width = float(mass.sel(block=block, asking=asking, asked=asked))
                if not width >= _LEAST_MASS:
                    continue
                color = plain
                if asked == "key" and asking in anchors:
                    color = special[0]
                elif asked in anchors and asking == "last":
                    color = special[1]
                axis.plot(
                    [start, to],
                    [block - 1, block],
                    color=color,
                    linewidth=_WIDEST * width,
                    alpha=0.8 if color != plain else 0.45,
                    solid_capstyle="butt",
                    zorder=1 if color == plain else 2,
                )
    for level in range(depth + 1):
        axis.plot(range(len(roles)), [level] * len(roles), "o", color="0.15", markersize=4.5, zorder=3)
    axis.set_xticks(range(len(roles)), [_SHORT[name] for name in roles])
    axis.set_yticks(range(depth + 1), ["tokens", *(f"block {block}" for block in range(1, depth + 1))])
    axis.set_xlabel("position")
    axis.set_xlim(-0.4, len(roles) - 0.6)
    axis.set_ylim(-0.2, depth + 0.2)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if not np.isfinite(mass.sel(block=1).values).any():
        axis.text(0.5, 0.5, "diverged", transform=axis.transAxes, ha="center", va="center")


def _draw_losses(axis: Axes, lost: xr.DataArray, depth: int) -> QuadMesh:
    """Losses of kinds of edges, one row per block and target; nobody reads what the last tells anchors."""
    sources = [str(name) for name in lost["source"].values]
    targets = [str(name) for name in lost["target"].values]
    rows = [(block, name) for block in range(1, depth + 1) for name in targets]
    rows = [(block, name) for block, name in rows if block < depth or name == "last"]
    grid = np.array([lost.sel(block=block, target=name).values for block, name in rows])
    axis.set_facecolor("0.88")
    image = axis.pcolormesh(np.ma.masked_invalid(grid), cmap="vlag", vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(grid):
        said = f"{value:.2f}".replace("-0.00", "0.00") if np.isfinite(value) else "–"
        color = "white" if abs(value) > 0.7 else "black"
        axis.text(column + 0.5, row + 0.5, said, ha="center", va="center", color=color, fontsize=7)
    axis.set_xticks(np.arange(len(sources)) + 0.5, [_SHORT[name] for name in sources])
    axis.set_yticks(np.arange(len(rows)) + 0.5, [f"{block} → {_SHORT[name]}" for block, name in rows])
    axis.set_xlabel("from")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return image
