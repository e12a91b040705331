"""Condensation without a threshold

`effective_directions`, `mean_squared_cosine` and `mean_cosine`, together `cosine_moments`, need no threshold
and no pairs.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from lowcomplex import measures, nulls
from networks import Run, teacher
from pictures._drawing import DARK, LIGHT, say

ORDER = 80
NETWORK = teacher
CAPTION = "Effective number of directions in training time"


def draw(axis: Axes, run: Run) -> None:
    found = measures.cosine_moments(torch.stack(run.weights))
    W = run.weights[0]
    null = nulls.random_effective_directions(*W.shape)
    steps = np.array(run.steps) + 1
    axis.plot(steps, found["effective_directions"], color=DARK)
    axis.axhline(null.value, color=LIGHT, linestyle=":")
    axis.set(xscale="log", xlabel="step + 1", ylabel="effective directions", ylim=(0, None))
    say(axis, f"mean squared cosine {float(found['mean_squared_cosine'][-1]):.2f}", top=False)
