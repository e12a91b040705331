"""Condensation in time

`followed_directions` gives one identity to a direction that persists from step to step. Here the neurons
first gather on one line, and then split.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import say

ORDER = 70
NETWORK = teacher
CAPTION = "Condensed directions in training time"


def draw(axis: Axes, run: Run) -> None:
    found = measures.followed_directions(torch.stack(run.weights))
    steps = np.array(run.steps) + 1
    if found.shares.shape[1]:
        axis.stackplot(steps, found.shares.T.numpy(), linewidth=0)
    axis.set(xscale="log", xlabel="step + 1", ylabel="share of neurons", ylim=(0, 1), xlim=(1, steps[-1]))
    say(axis, f"{found.shares.shape[1]} directions ever,\n{int(found.counts[-1])} at the end", left=True)
