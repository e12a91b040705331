"""Linear pieces

`linear_pieces` of a ReLU network along a segment, counted exactly. Condensed neurons switch at nearly the
same place: few kinks are visible although there are many pieces. At γ = 1.2 this network has not left its
first plateau.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, hinges
from pictures._drawing import ACCENT, DARK, LIGHT, say

ORDER = 250
NETWORK = hinges
CAPTION = "Learned curves of ReLU networks and their breakpoints"


def draw(axis: Axes, run: Run) -> None:
    start, end = torch.tensor([-1.0]), torch.tensor([1.0])
    found = measures.linear_pieces(run.network, start, end)
    with torch.no_grad():
        axis.plot(run.grid[:, 0], run.network(run.grid).squeeze(1), color=DARK)
        at = 2 * found.breakpoints - 1
        axis.plot(at, run.network(at[:, None].float()).squeeze(1), ".", color=ACCENT, markersize=3)
    axis.plot(run.x, run.y, "x", color=LIGHT, markersize=3)
    axis.set(xlabel="x", ylabel="f(x)")
    places = 1 + int((found.breakpoints.diff() > 0.01).sum())
    say(axis, f"{found.count} linear pieces\nkinks at {places} places", top=False)
