"""Decay of a spectrum

`decay_exponent`, with its confidence interval; `centroid_of` and `bandwidth_of` summarize any spectrum.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, curve
from pictures._drawing import ACCENT, DARK, outputs_of, say

ORDER = 120
NETWORK = curve
CAPTION = "Power law fitted to the learned curve's spectrum"


def draw(axis: Axes, run: Run) -> None:
    learned, _ = outputs_of(run)
    spectrum = measures.fourier_spectrum(learned[-1])
    f, power = torch.arange(len(spectrum.power), dtype=torch.float64), spectrum.power
    fit = measures.decay_exponent(f, power, band=(6, 60))
    axis.plot(f[1:], power[1:], color=DARK)
    line = power[6:61].log().mean().exp() * (f / f[6:61].log().mean().exp()) ** -fit.exponent
    axis.plot(f[6:61], line[6:61], color=ACCENT)
    axis.set(xscale="log", yscale="log", xlabel="cycles per period", ylabel="power")
    say(axis, f"exponent {fit.exponent:.1f} ({fit.low:.1f} to {fit.high:.1f})")
