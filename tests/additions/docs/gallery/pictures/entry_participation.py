"""Entries of a matrix

`entry_participation`: the share of the entries that carry the squared norm.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import layers_of, say

ORDER = 1000
NETWORK = teacher
CAPTION = "Entries of a hidden layer"


def draw(axis: Axes, run: Run) -> None:
    W = layers_of(run)[1]
    axis.hist(W.flatten(), bins=40)
    say(axis, f"{float(measures.entry_participation(W)):.2f}")
