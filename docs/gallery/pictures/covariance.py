"""Dimensions of activations and embeddings

`covariance_spectrum` and `covariance_dimensions` of samples: how many dimensions a representation fills.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, say

ORDER = 30
NETWORK = teacher
CAPTION = "Principal components of hidden activations"


def draw(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        hidden = torch.tanh(run.network.layers[1](torch.tanh(run.network.layers[0](run.x))))
    shares = measures.covariance_spectrum(hidden)
    axis.bar(range(1, 13), shares[:12], color=DARK)
    axis.set(xlabel="principal component", ylabel="share of variance")
    found = measures.covariance_dimensions(hidden)
    lines = [f"{name.replace('_', ' ')} {float(value):.1f}" for name, value in found.items()]
    say(axis, "\n".join(lines))
