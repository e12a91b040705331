"""High dimension: lines

`line_spectra` along random lines through the data.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, LIGHT, say

ORDER = 180
NETWORK = teacher
CAPTION = "Spectra along lines"


def draw(axis: Axes, run: Run) -> None:
    found = measures.line_spectra(run.network, run.x, lines=64, generator=torch.Generator().manual_seed(0))
    axis.plot(found.frequencies[1:], found.power.T[1:], color=LIGHT, linewidth=0.3)
    axis.plot(found.frequencies[1:], found.power.mean(0)[1:], color=DARK)
    axis.set(xscale="log", yscale="log", xlabel="cycles per unit", ylabel="power", ylim=(1e-14, 1))
    say(
        axis, f"centroid {float(found.centroid.nanmean()):.2f}, bandwidth {float(found.bandwidth.mean()):.2f}"
    )
