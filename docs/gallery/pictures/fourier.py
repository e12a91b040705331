"""Spectrum of a learned curve

`fourier_spectrum` on a uniform grid, `spectral_centroid` and `bandwidth`; `relative_error_by_frequency`
against a target.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, curve
from pictures._drawing import DARK, outputs_of, say

ORDER = 100
NETWORK = curve
CAPTION = "Spectrum of a learned curve and of its target"


def draw(axis: Axes, run: Run) -> None:
    learned, target = outputs_of(run)
    for values, style, label in ((target, ":", "target"), (learned[-1], "-", "learned")):
        spectrum = measures.fourier_spectrum(values, spacing=1 / len(values))
        axis.plot(spectrum.frequencies[:30], spectrum.power[:30], style, color=DARK, label=label)
    axis.set(xlabel="cycles per period", ylabel="power", yscale="log", ylim=(1e-8, 1))
    axis.legend(loc="upper right")
    centroid = float(measures.spectral_centroid(learned[-1], spacing=1 / len(target)))
    band = float(measures.bandwidth(learned[-1], spacing=1 / len(target)))
    say(axis, f"centroid {centroid:.2f}\n95 % of the power below {band:.0f}", top=False, left=True)
