"""Harmonics on the circle

`circle_harmonics`, at any angles.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, circle
from pictures._drawing import ACCENT, DARK, say

ORDER = 150
NETWORK = circle
CAPTION = "Harmonics of a map on the circle"


def draw(axis: Axes, run: Run) -> None:
    theta = torch.linspace(0, 2 * torch.pi, 181)[:-1]
    found = measures.circle_harmonics(theta, run.outputs[-1], 12)
    axis.bar(range(13), found.amplitude, color=DARK)
    axis.plot([1, 4], [1, 0.5], "o", color=ACCENT, markersize=3)
    axis.set(xlabel="harmonic", ylabel="amplitude")
    say(axis, f"residual {float(found.residual):.1g}")
