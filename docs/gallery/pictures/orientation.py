"""Neurons in the plane

`orientation_amplitude`: one input and a bias make a neuron two-dimensional. From the small initialization,
all neurons that grew point along two directions.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, hinges
from pictures._drawing import DARK

ORDER = 90
NETWORK = hinges
CAPTION = "Orientation and amplitude of ReLU neurons"


def draw(axis: Axes, run: Run) -> None:
    first, last = run.network.layers
    W = torch.cat((first.weight, first.bias[:, None]), 1).detach()
    found = measures.orientation_amplitude(W, last.weight.detach().squeeze(0))
    axis.plot(found.orientation, found.amplitude, "o", color=DARK, markersize=2, alpha=0.5)
    axis.set(xlabel="orientation of (w, b)", ylabel="amplitude", xlim=(-np.pi, np.pi))
