"""Spectra in two dimensions

`fourier_spectrum_2d` on a grid.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, plane

ORDER = 130
NETWORK = plane
CAPTION = "Spectrum of a learned map of two inputs"


def draw(axis: Axes, run: Run) -> None:
    spectrum = measures.fourier_spectrum_2d(run.outputs[-1].double().view(32, 32), spacing=(1 / 32, 1 / 32))
    shown = torch.fft.fftshift(spectrum.power, dim=0)[16 - 6 : 16 + 7, :7].clamp(min=1e-6)
    image = axis.imshow(shown.log10().T, origin="lower", extent=(-6.5, 6.5, -0.5, 6.5), cmap="magma", vmin=-5)
    axis.set(xlabel="$k_1$", ylabel="$k_2$")
    axis.figure.colorbar(image, ax=axis, label="log₁₀ power")
    centroid = float(measures.centroid_of(spectrum.radius.flatten(), spectrum.power.flatten()))
    band = float(measures.bandwidth_of(spectrum.radius.flatten(), spectrum.power.flatten()))
    axis.set_title(f"{axis.get_title()}: centroid {centroid:.1f}, bandwidth {band:.1f}")
