"""What many seeds at one γ answer: each seed's share, the kinds of solution, and when seeds part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.anchor.schema import NOT_CONVERGED, PHASES
from experiments.seeds.findings import KINDS, share_of_seeds
from lowcomplex.plots.page import MARKERS, Color, canvas, categorical, panel_letters, style
from paper_figs.panels.axes import gamma_ticks, require
from paper_figs.panels.runs import GROUP_LABELS, accuracy_table

# How far the seeds of one γ are spread sideways, as a share of the distance between two γ.
_SPREAD = 0.3
_COLORS: dict[str, Color] = {
    **dict(zip(PHASES, categorical(len(PHASES)), strict=True)),
    NOT_CONVERGED: (0.0, 0.0, 0.0),
}


def seed_table(dataset: xr.Dataset) -> pd.DataFrame:
    """The composed share of each seed's last answers, with its kind of solution.

    Args:
        dataset: `accuracy` over gamma, seed, `step` and `group`; `phase` over gamma and seed.

    Returns:
        Columns gamma, seed, composed, phase: one row per run; the share is NaN for a run that diverged.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    table = accuracy_table(dataset)
    composed = table[table["group"] == "inferential"].rename(columns={"accuracy": "composed"})
    return composed[["gamma", "seed", "composed", "phase"]].reset_index(drop=True)


def time_table(dataset: xr.Dataset) -> pd.DataFrame:
    """The composed share in time at the γ whose seeds end farthest apart.

    Args:
        dataset: As for `seed_table`, with a coordinate `fraction` over `step`.

    Returns:
        Columns gamma, seed, fraction, composed, phase: one row per run and record.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("accuracy", "phase", "fraction"), ("gamma", "seed", "step", "group"))
    composed = dataset["accuracy"].sel(group="inferential", drop=True)
    apart = composed.isel(step=-1).std("seed").fillna(-1.0)
    gamma = float(dataset["gamma"][int(apart.argmax("gamma"))])
    at = xr.Dataset(
        {
            "composed": composed.sel(gamma=gamma).swap_dims(step="fraction").reset_coords(drop=True),
            "phase": dataset["phase"].sel(gamma=gamma, drop=True),
        }
    )
    table = at.to_dataframe().reset_index().assign(gamma=gamma)
    return table[["gamma", "seed", "fraction", "composed", "phase"]]


@style()
def plot_seeds(dataset: xr.Dataset) -> Figure:
    """Each seed's composed share over γ, how many seeds find which solution, and when seeds part.

    Args:
        dataset: As for `time_table`.

    Returns:
        The figure.
    """
    figure = canvas(1, 3, height=2.7, width_ratios=(1.0, 1.0, 1.0), sharey=True)
    seeds, kinds, times = figure.axes
    drawn = _draw_seeds(seeds, seed_table(dataset))
    shares = share_of_seeds(dataset)
    _draw_kinds(kinds, shares[shares["phase"].isin(drawn)])
    _draw_times(times, time_table(dataset))
    for axis in figure.axes:
        axis.tick_params(labelleft=True)
    seeds.set_ylim(-0.04, 1.04)
    handles = [
        seeds.plot([], [], linestyle="none", marker=_marker(kind), color=_COLORS[kind])[0] for kind in drawn
    ]
    labels = [GROUP_LABELS.get(kind, kind) for kind in drawn]
    figure.legend(handles, labels, loc="outside upper center", ncols=len(drawn))
    panel_letters(figure.axes)
    return figure


def _draw_seeds(axis: Axes, table: pd.DataFrame) -> list[str]:
    """One mark per seed, seeds of one γ beside each other in order; returns the kinds that there are."""
    gammas = np.unique(table["gamma"])
    gap = float(np.diff(gammas).min()) if len(gammas) > 1 else 0.1
    place = table.groupby("gamma")["composed"].rank(method="first", pct=True)
    at = table["gamma"] + 2 * _SPREAD * gap * (place - 0.5)
    drawn = [kind for kind in KINDS if (table["phase"] == kind).any()]
    for kind in drawn:
        own = table["phase"] == kind
        axis.plot(
            at[own], table.loc[own, "composed"], linestyle="none", marker=_marker(kind), color=_COLORS[kind]
        )
    gamma_ticks(axis, gammas)
    axis.set_xlim(gammas[0] - gap / 2, gammas[-1] + gap / 2)
    axis.set_ylabel("composed share of a seed's answers")
    return drawn


def _draw_kinds(axis: Axes, shares: pd.DataFrame) -> None:
    """The share of seeds of each kind with its interval, kinds of one γ side by side."""
    gammas = np.unique(shares["gamma"])
    gap = float(np.diff(gammas).min()) if len(gammas) > 1 else 0.1
    kinds = list(dict.fromkeys(shares["phase"]))
    for index, kind in enumerate(kinds):
        rows = shares[shares["phase"] == kind]
        error = np.abs(rows[["low", "high"]].to_numpy() - rows[["share"]].to_numpy()).T
        axis.errorbar(
            rows["gamma"] + 0.15 * gap * (index - (len(kinds) - 1) / 2),
            rows["share"],
            error,
            linestyle="none",
            marker=_marker(kind),
            color=_COLORS[kind],
            capsize=2,
            linewidth=0.9,
        )
    gamma_ticks(axis, gammas)
    axis.set_xlim(gammas[0] - gap / 2, gammas[-1] + gap / 2)
    axis.set_ylabel("share of seeds")


def _draw_times(axis: Axes, table: pd.DataFrame) -> None:
    """One line per seed, colored by the solution in which it ends."""
    for _, run in table.groupby("seed"):
        kind = str(run["phase"].iloc[0])
        axis.plot(run["fraction"], run["composed"], color=_COLORS[kind], linewidth=0.8, alpha=0.8)
    axis.set_xlabel("share of the updates")
    axis.set_ylabel(f"composed share, γ = {table['gamma'].iloc[0]:g}")


def _marker(kind: str) -> str:
    return "x" if kind == NOT_CONVERGED else MARKERS[KINDS.index(kind)]
