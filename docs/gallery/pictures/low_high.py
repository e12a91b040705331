"""High dimension: low and high

`low_high_parts` splits a map on samples at the scale δ of a filter; `low_high_error` is the error of each
part.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK

ORDER = 170
NETWORK = teacher
CAPTION = "Errors of the low and of the high part over the filter's scale"


def draw(axis: Axes, run: Run) -> None:
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(400, 10, generator=generator)
    y = torch.sin(2 * x[:, 0]) + 0.5 * torch.sin(x[:, 1] - x[:, 2])
    with torch.no_grad():
        learned = run.network(x).squeeze(1)
    deltas = np.geomspace(0.5, 4, 12)
    errors = [measures.low_high_error(x, learned, y, float(delta)) for delta in deltas]
    axis.plot(deltas, [e.low for e in errors], color=DARK, label="low")
    axis.plot(deltas, [e.high for e in errors], ":", color=DARK, label="high")
    axis.set(xlabel="δ", ylabel="relative error on new data", ylim=(0, None))
    axis.legend()
