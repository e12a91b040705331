"""Spectra from scattered points

`scattered_spectrum`, by non-uniform FFT (extra `nufft`) or term by term: the same map from its 150 training
points. Power below the variance over the number of points is noise.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, plane

ORDER = 140
NETWORK = plane
CAPTION = "Fourier coefficients from scattered points"


def draw(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        values = run.network(run.x).squeeze(1).double()
    found = measures.scattered_spectrum(run.x.double(), values, 4).abs().square()
    floor = float(values.var() / len(values))
    image = axis.imshow(
        found.clamp(min=1e-6).log10().T, origin="lower", extent=(-4.5, 4.5, -4.5, 4.5), cmap="magma"
    )
    axis.set(xlabel="$k_1$", ylabel="$k_2$")
    axis.figure.colorbar(image, ax=axis, label="log₁₀ power")
    axis.set_title(f"{axis.get_title()}: noise below {np.log10(floor):.1f}")
