"""Curvature

`hessian_eigenvalues` with residuals (ticks), `hessian_trace` with its error, `hessian_density` (extra
`curvature`).
"""

from __future__ import annotations

from matplotlib.axes import Axes
from torch import nn

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import ACCENT, DARK, say

ORDER = 240
NETWORK = teacher
CAPTION = "Density of the Hessian's eigenvalues"


def draw(axis: Axes, run: Run) -> None:
    batches = [(run.x, run.y)]
    loss = nn.MSELoss()
    found = measures.hessian_density(run.network, loss, batches, iterations=40, repeats=2, points=400)
    top = measures.hessian_eigenvalues(run.network, loss, batches, k=3)
    trace = measures.hessian_trace(run.network, loss, batches, samples=16)
    axis.plot(found.eigenvalues, found.density.clamp(min=1e-12), color=DARK)
    axis.plot(top.values, [2e-6] * 3, "|", color=ACCENT, markersize=8)
    axis.set(yscale="log", ylim=(1e-6, None), xlabel="eigenvalue", ylabel="density")
    say(
        axis,
        f"largest {float(top.values[0]):.1f} (residual {float(top.residuals[0]):.0e})\n"
        f"trace {float(trace.value):.0f} ± {float(trace.standard_error):.0f}",
    )
