"""Neurons condensing: two-layer networks of multiplicity 1, 2, 3 at small and at large initialization.

One input and a bias make neurons two-dimensional, so that their orientation is one angle (Xu, Zhang, Zhou
2025; Zhou et al., NeurIPS 2022).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from experiments._starts import LARGE, SMALL
from experiments.condensation.config import TwoLayerCondensationConfig
from lowcomplex.measures import condensed_directions, orientation_amplitude
from lowcomplex.networks import TwoLayer, multiplicity
from lowcomplex.predictions import tensor_directions
from lowcomplex.training import Flow, LossShare, gradient_flow

SCALES = {SMALL: 1e-3, LARGE: 1.0}
_SAMPLES = 20
_WITHIN = math.radians(5)
# The loss at which a network has left its plateau, as a share of its initial value.
_ESCAPE = 0.9
# Followed until the loss has fallen this far, or for as long again.
_LATE = 0.6


def measure(config: TwoLayerCondensationConfig) -> xr.Dataset:
    """Integrate the gradient flow past the escape from the plateau, and follow every neuron."""
    stream = np.random.SeedSequence([config.seed, 7]).generate_state(1)
    generator = torch.Generator().manual_seed(int(stream[0]))
    x = torch.linspace(-1, 1, _SAMPLES, dtype=torch.float64)[:, None]
    phase = 2 * math.pi * torch.rand(2, generator=generator, dtype=torch.float64)
    y = 0.5 + torch.sin(2.0 * x.squeeze(1) + phase[0]) + 0.5 * torch.sin(5.0 * x.squeeze(1) + phase[1])
    scale = SCALES[config.initialization]
    network = TwoLayer(
        1, config.width, activation=config.activation, beta1=scale, beta2=scale, generator=generator
    )
    # The output of the large network is scaled to order one, as in the linear regime.
    network.alpha = 1.0 if config.initialization == SMALL else config.width
    start = {name: value.detach() for name, value in network.named_parameters()}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        output: Tensor = torch.func.functional_call(network, parameters, (x,))
        return (output.squeeze(1) - y).square().mean() / 2

    def integrate(times: np.ndarray, stop: float | None = None) -> Flow:
        return gradient_flow(
            loss,
            start,
            times,
            until=None if stop is None else LossShare(stop),
            rtol=1e-6,
            atol=1e-6 * scale,
            method="LSODA",
        )

    left = integrate(np.array([0.0, 1e9]), _ESCAPE)
    assert bool(left.reached)
    escape = float(left.end_times)
    late = float(integrate(np.array([0.0, 2 * escape]), _LATE).end_times)
    # Ever denser towards the escape: for multiplicity above 1 neurons grow only at the plateau's end.
    half = config.records // 2
    before = escape * (1 - np.geomspace(1, 1e-3, half))
    flow = integrate(np.concatenate((before, np.linspace(escape, late, config.records - half))))
    w, a = flow.parameters["input_weight"], flow.parameters["output_weight"][:, 0]
    orientation, amplitude = orientation_amplitude(w, a)
    caps = [condensed_directions(v, signed=True) for v in w]
    order = multiplicity(config.activation)
    assert order is not None
    inputs = np.stack((x.squeeze(1).numpy(), np.ones(_SAMPLES)), axis=1)
    predicted = tensor_directions(inputs, y.numpy(), order)
    attractive = predicted.angles[predicted.attracts != 0]
    signs = predicted.attracts[predicted.attracts != 0]
    return xr.Dataset(
        {
            "time": ("step", flow.times.numpy() / escape, {"long_name": "time", "units": "plateau lengths"}),
            "loss": ("step", flow.losses.numpy()),
            "orientation": (("step", "neuron"), orientation.numpy(), {"units": "rad"}),
            "amplitude": (("step", "neuron"), amplitude.numpy()),
            "output_sign": (("step", "neuron"), a.sign().numpy()),
            "condensed_directions": ("step", [cap.count for cap in caps]),
            "aligned_share": ("step", _aligned_share(orientation, amplitude, a, attractive, signs)),
            "predicted_orientation": (
                "line",
                np.pad(attractive, (0, 6 - len(attractive)), constant_values=np.nan),
            ),
            "predicted_sign": (
                "line",
                np.pad(signs.astype(float), (0, 6 - len(signs)), constant_values=np.nan),
            ),
            "escape_time": escape,
        },
        coords={"step": range(len(flow.times)), "neuron": range(config.width), "line": range(6)},
    )


def _aligned_share(
    orientation: Tensor, amplitude: Tensor, a: Tensor, angles: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """Share of the amplitude within 5 degrees of an orientation predicted for the neuron's sign."""
    distance = orientation[..., None] - torch.from_numpy(angles)
    distance = torch.atan2(distance.sin(), distance.cos()).abs()
    fits = a.sign()[..., None] == torch.from_numpy(signs)
    aligned = ((distance < _WITHIN) & fits).any(-1)
    share: np.ndarray = ((amplitude * aligned).sum(-1) / amplitude.sum(-1)).numpy()
    return share
