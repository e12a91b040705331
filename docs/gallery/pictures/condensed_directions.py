"""Condensed directions

`condensed_directions` counts the directions that neurons share, without the matrix of all pairs: a million
neurons are no problem. A direction is a cap of the sphere that holds a larger share of the neurons than a cap
of random directions would (dotted). `condensed_direction_count` returns only the number, for batches.
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
