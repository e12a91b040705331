"""Boolean functions too large to list

`sampled_coefficients` and `sampled_total_influence`, unbiased, with their standard errors (the bars are two
standard errors long to each side).
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from torch import Tensor

from lowcomplex import measures
from networks import Run, boolean
from pictures._drawing import ACCENT, DARK

ORDER = 220
NETWORK = boolean
CAPTION = "Sampled total influence against the exact one"


def draw(axis: Axes, run: Run) -> None:
    def function(x: Tensor) -> Tensor:
        with torch.no_grad():
            return run.network(x.float()).squeeze(1).double()

    exact = float(measures.total_influence(run.outputs[-1].double()))
    counts = [2**k for k in range(6, 15)]
    for n in counts:
        found = measures.sampled_total_influence(
            function, 8, samples=n, generator=torch.Generator().manual_seed(n)
        )
        axis.errorbar(n, float(found.value), yerr=2 * float(found.standard_error), fmt="o", color=DARK)
    axis.axhline(exact, color=ACCENT, linestyle=":")
    axis.set(xscale="log", xlabel="samples", ylabel="total influence")
