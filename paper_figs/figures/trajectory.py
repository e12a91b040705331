"""Do weights stay full-rank while the path that training took is low-dimensional?"""

from __future__ import annotations

import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._words import counted, unconverged
from paper_figs.panels.trajectory import plot_trajectory, trajectory_table

# A matrix counts as full-rank from this share of a random matrix's effective rank.
_FULL = 0.9


def caption(dataset: xr.Dataset) -> str:
    """Dimension of the path, rank at its end and distance moved, over γ."""
    return (
        "Path and end point of training against γ. (a) Dimension of the path of all weights, as the "
        "participation ratio of its principal components; dashed: 5/2, that of a random walk. (b) Effective "
        "rank of the matrices after training, over that of a random matrix of the same shape, mean of blocks "
        f"and {counted(dataset.sizes['seed'], 'seed')}. (c) How far they moved, relative to their initial "
        f"norm.{unconverged(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether paths are low-dimensional, and whether ranks at their ends fall with γ."""
    table = trajectory_table(dataset)
    table = table[table["phase"] != NOT_CONVERGED]
    if table.empty:
        return conclude([Point("open", "no run converged")])
    runs = table.drop_duplicates(["gamma", "seed"])
    paths = runs["trajectory_dimension"]
    low = int((paths < 2.5).sum())
    path = Point(
        "yes" if low == len(paths) else "no" if low == 0 else "open",
        f"the path's dimension is below a random walk's 2.5 in {low} of {len(paths)} runs "
        f"({paths.min():.1f} to {paths.max():.1f})",
    )
    ranks = table.groupby(["gamma", "part"], sort=False)["relative_rank"].mean().unstack("part")
    points = [path]
    for gamma in (ranks.index.min(), ranks.index.max()):
        below = ranks.columns[ranks.loc[gamma] < _FULL]
        words = (
            f"at γ = {gamma:g} {', '.join(below)} fall below {_FULL:.0%} of a random matrix's effective rank"
            if len(below)
            else f"at γ = {gamma:g} every kind of matrix keeps {_FULL:.0%} of a random one's effective rank"
        )
        points.append(Point("no" if len(below) else "yes", words))
    return conclude(points)


FIGURE = Figure(
    "trajectory",
    "anchor_gamma",
    caption,
    plot_trajectory,
    trajectory_table,
    claim=Claim(
        "arXiv 2602.18649: weights stay full-rank while the path that training takes is low-dimensional."
    ),
    finding=finding,
    order=450,
)
