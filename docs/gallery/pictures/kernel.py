"""The neural tangent kernel

`neural_tangent_kernel`, by Jacobian contraction or by products, whichever is cheaper; `kernel_spectrum`,
`target_spectrum`, `kernel_alignment` and `kernel_drift`.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, say

ORDER = 230
NETWORK = teacher
CAPTION = "Spectra of the tangent kernel before and after training"


def draw(axis: Axes, run: Run) -> None:
    before = measures.neural_tangent_kernel(run.start.double(), run.x.double())
    after = measures.neural_tangent_kernel(run.network.double(), run.x.double())
    run.network.float(), run.start.float()
    for K, style, label in ((before, ":", "before"), (after, "-", "after")):
        rank = float(measures.effective_rank(K))
        axis.plot(
            range(1, 201), measures.kernel_spectrum(K), style, color=DARK, label=f"{label}: rank {rank:.0f}"
        )
    axis.set(xscale="log", yscale="log", ylim=(1e-9, 2), xlabel="mode", ylabel="share of the trace")
    axis.legend(loc="lower left")
    y = run.y.double()
    top = [float(measures.target_spectrum(K, y)[:10].sum()) for K in (before, after)]
    alignment = [float(measures.kernel_alignment(K, y)) for K in (before, after)]
    drift = float(measures.kernel_drift(before, after))
    say(
        axis,
        f"drift {drift:.2f}\nalignment {alignment[0]:.2f} → {alignment[1]:.2f}\n"
        f"target in top 10 {top[0]:.2f} → {top[1]:.2f}",
    )
