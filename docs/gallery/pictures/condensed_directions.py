"""Condensed directions

`condensed_directions` counts the directions that neurons share, up to a million of them without the matrix of
all pairs; a direction is a cap of the sphere whose share of the neurons random directions would not reach
(dotted). `condensed_direction_count` is the number alone, for batches.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, LIGHT, layers_of, say

ORDER = 60
NETWORK = teacher
CAPTION = "Shares of the condensed directions"


def draw(axis: Axes, run: Run) -> None:
    W = layers_of(run)[1]
    found = measures.condensed_directions(W)
    axis.bar(range(1, found.count + 1), found.shares, color=DARK)
    axis.axhline(found.null_share, color=LIGHT, linestyle=":")
    axis.set(xlabel="condensed direction", ylabel="share of neurons", xlim=(0.2, 12.8), ylim=(0, 1))
    say(axis, f"{found.count} condensed directions")
