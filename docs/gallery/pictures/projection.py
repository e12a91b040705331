"""High dimension: projection

`projected_spectrum` along chosen directions of the input space.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK

ORDER = 160
NETWORK = teacher
CAPTION = "Coefficients along two directions"


def draw(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        values = run.network(run.x).squeeze(1)
    along = torch.eye(10)[[0, 5]]
    frequencies = torch.linspace(0.05, 1, 40)
    found = measures.projected_spectrum(run.x, values, along, frequencies).abs()
    axis.plot(frequencies, found[0], color=DARK, label="along $x_1$, in the target")
    axis.plot(frequencies, found[1], ":", color=DARK, label="along $x_6$, not in it")
    axis.set(xlabel="cycles per unit", ylabel="|coefficient|", ylim=(0, 0.6))
    axis.legend()
