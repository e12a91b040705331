"""Norms of the Jacobian

`jacobian_norms`: how strongly the outputs respond to the inputs, at each sample.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, say

ORDER = 260
NETWORK = teacher
CAPTION = "Norms of the input-output Jacobian"


def draw(axis: Axes, run: Run) -> None:
    found = measures.jacobian_norms(run.network, run.x)
    axis.hist(found.frobenius.numpy(), bins=np.linspace(0, 4, 30), color=DARK)
    axis.set(xlabel="‖∂f/∂x‖ at a sample", ylabel="samples")
    say(axis, f"mean {float(found.frobenius.mean()):.2f}")
