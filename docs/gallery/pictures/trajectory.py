"""Dimensions of training

`trajectory_spectrum`, `trajectory_dimension` and `relative_displacement`: in how many dimensions of parameter
space training moved, and how far. There are few even where each matrix keeps its full rank; but a random walk
has few large components too (dotted, `nulls.random_walk_spectrum`).
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures, nulls
from networks import Run, teacher
from pictures._drawing import DARK, LIGHT, say

ORDER = 40
NETWORK = teacher
CAPTION = "Principal components of a training trajectory"


def draw(axis: Axes, run: Run) -> None:
    path = torch.stack(run.path).double()
    spectrum = measures.trajectory_spectrum(path)
    walk = nulls.random_walk_spectrum(len(path))
    axis.plot(range(1, 11), spectrum[:10], "o-", color=DARK, label="training")
    axis.plot(range(1, 11), walk[:10], ":", color=LIGHT, label="random walk")
    axis.set(xlabel="principal component", ylabel="share of variance", yscale="log", ylim=(1e-5, 1.5))
    start = {"θ": run.path[0]}
    moved = measures.relative_displacement(start, {"θ": run.path[-1]})
    dimension = float(measures.trajectory_dimension(path))
    say(axis, f"dimension {dimension:.2f}\nrelative displacement {moved:.2f}")
