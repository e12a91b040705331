"""When each frequency is learned

`learning_time`: the first step from which the error stays below a bound. A passing dip, such as the one near
step 20, does not count.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, curve
from pictures._drawing import LIGHT, outputs_of

ORDER = 110
NETWORK = curve
CAPTION = "Relative error of each frequency in training time"


def draw(axis: Axes, run: Run) -> None:
    outputs, target = outputs_of(run)
    errors = measures.relative_error_by_frequency(outputs, target, floor=0.05)
    times = measures.learning_time(errors, torch.tensor(run.steps))
    for k in (1, 3, 5):
        (line,) = axis.plot(np.array(run.steps) + 1, errors[:, k], label=f"{k}: {float(times[k]):.0f}")
        axis.axvline(float(times[k]) + 1, color=line.get_color(), linewidth=0.6, linestyle=":")
    axis.axhline(0.2, color=LIGHT, linestyle=":")
    axis.set(xscale="log", xlabel="step + 1", ylabel="relative error", ylim=(0, 2.2))
    axis.legend(title="frequency: learned at", loc="upper left", ncols=3)
