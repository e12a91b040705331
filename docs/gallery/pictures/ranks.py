"""Ranks of a matrix

`effective_rank`, `stable_rank`, `participation_ratio`, `nuclear_rank`, `spectral_entropy`, `numerical_rank`,
or all of them from one decomposition by `rank_measures`; they are computed from `singular_values`. In single
precision these come from a Gram matrix accumulated in double precision; where its rounding could show, they
come from a singular value decomposition. The picture shows a hidden layer of 64 neurons, and a random matrix
(dotted and in brackets).
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, LIGHT, layers_of, say

ORDER = 10
NETWORK = teacher
CAPTION = "Singular values of a hidden layer"


def draw(axis: Axes, run: Run) -> None:
    W = layers_of(run)[1]
    s = measures.singular_values(W)
    random = measures.singular_values(torch.randn(W.shape, generator=torch.Generator().manual_seed(0)))
    axis.plot(s / s[0], color=DARK)
    axis.plot(random / random[0], ":", color=LIGHT)
    axis.set(xlabel="index", ylabel="singular value", yscale="log", ylim=(1e-4, 1.5))
    found = measures.rank_measures(W)
    lines = [
        f"{name.replace('_', ' ')} {float(found[name]):.1f} ({measures.null_of(name, *W.shape).value:.1f})"
        for name in ("effective_rank", "stable_rank", "participation_ratio", "nuclear_rank")
    ]
    say(axis, "\n".join(lines), top=False, left=True)
