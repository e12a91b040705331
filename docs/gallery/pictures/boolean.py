"""Boolean functions

`walsh_spectrum`, `degree_weights`, `total_influence` and `sensitivity` of all 2^n values. The target (dots)
is x₁ x₂ + x₃; the networks were trained on half of its values.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, boolean
from pictures._drawing import ACCENT, DARK, say

ORDER = 210
NETWORK = boolean
CAPTION = "Spectral weight by degree"


def draw(axis: Axes, run: Run) -> None:
    values = run.outputs[-1].double()
    weights = measures.degree_weights(values)
    axis.bar(range(9), weights, color=DARK)
    axis.plot([1, 2], [1, 1], "o", color=ACCENT, markersize=3)
    axis.set(xlabel="degree", ylabel="weight")
    influence = float(measures.total_influence(values))
    largest = float(measures.sensitivity(values).max())
    sets = int((measures.walsh_spectrum(values).abs() > 0.05).sum())
    lines = (f"total influence {influence:.2f}", f"largest sensitivity {largest:.1f}")
    say(axis, "\n".join((*lines, f"coefficients above 0.05: {sets}")))
