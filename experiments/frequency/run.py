"""Low frequencies first: the spectrum of a learned map in time, over the initialization rate.

Networks of two hidden layers fit a sum of three sines (Xu, Zhang, Luo, Xiao, Ma 2020); γ is swept on the
hidden fan-ins. The one-dimensional input layer is set explicitly: at d_in = 1, γ has no effect.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from experiments.frequency.config import FrequencyPrincipleConfig
from experiments.frequency.schema import CURVE, LEARNED
from lowcomplex import initialize
from lowcomplex.measures import (
    fourier_spectrum,
    learning_time,
    relative_error_by_frequency,
    spectral_centroid,
)
from lowcomplex.networks import MLP
from lowcomplex.tracking import Tracker, log_linear_steps
from lowcomplex.training import Ensemble


def measure(configs: tuple[FrequencyPrincipleConfig, ...]) -> list[xr.Dataset]:
    """Fit the curve on a coarse grid and record the learned maps' spectra on a dense one."""
    shared = configs[0]
    ensemble = Ensemble(
        [_network(config) for config in configs], optimizer="adam", learning_rate=shared.learning_rate
    )
    coarse, dense = CURVE.positions(shared.points), CURVE.positions(shared.dense_points)
    targets, target = CURVE.values(coarse), CURVE.values(dense)
    highest = 2 * max(CURVE.frequencies) + 3

    def fit(networks: Ensemble) -> Tensor:
        return (networks(coarse[:, None]).squeeze(-1) - targets).square().mean(-1)

    @torch.no_grad()
    def of_maps(measure: Callable[[Tensor], Tensor]) -> np.ndarray:
        """Measure what each network has learned; NaN for those that have diverged."""
        healthy = ensemble.diverged_at < 0
        values = measure(ensemble(dense[:, None]).squeeze(-1)[healthy])
        result = values.new_full((len(configs), *values.shape[1:]), torch.nan)
        result[healthy] = values
        return result.numpy()

    def over_frequency(measure: Callable[[Tensor], Tensor]) -> xr.DataArray:
        values = of_maps(lambda maps: measure(maps)[..., :highest])
        return xr.DataArray(values, dims=("member", "frequency"), coords={"frequency": range(highest)})

    tracker = Tracker(
        ensemble,
        ("effective_rank", "stable_rank"),
        layers="layers.1.weight",
        steps=log_linear_steps(shared.steps, early=40, late=60),
        quantities={
            "power": lambda: over_frequency(lambda maps: fourier_spectrum(maps).power),
            "relative_error": lambda: over_frequency(lambda maps: relative_error_by_frequency(maps, target)),
            "spectral_centroid": lambda: xr.DataArray(
                of_maps(lambda maps: spectral_centroid(maps, spacing=1 / len(dense))), dims="member"
            ),
            "learned_map": lambda: xr.DataArray(
                of_maps(lambda maps: maps), dims=("member", "position"), coords={"position": dense.numpy()}
            ),
            "loss": lambda: xr.DataArray(fit(ensemble).detach().numpy(), dims="member"),
        },
    )
    ensemble.train(fit, steps=shared.steps, before_step=lambda step: tracker.step())
    record = tracker.dataset(nulls=False).assign(
        target_power=("frequency", fourier_spectrum(target).power[:highest].numpy()),
        target=("position", target.numpy()),
    )
    record = record.assign(time_learned=_time_learned(record["relative_error"]))
    record = record.assign_attrs(learned_below=LEARNED)
    return [record.isel(member=index).drop_vars("member") for index in range(len(configs))]


def _network(config: FrequencyPrincipleConfig) -> MLP:
    generator = torch.Generator().manual_seed(config.seed)
    network = MLP((1, config.width, config.width, 1))
    initialize(network, config.gamma, parts={"layers.0.weight": None}, generator=generator)
    first = network.layers[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        first.weight.copy_(config.input_scale * torch.randn(config.width, 1, generator=generator))
        first.bias.copy_(-first.weight.squeeze(1) * torch.rand(config.width, generator=generator))
    return network


def _time_learned(error: xr.DataArray) -> xr.DataArray:
    """First recorded step from which a frequency's relative error stays below `LEARNED`; NaN if none does."""
    error = error.transpose("step", "member", "frequency")
    steps = torch.tensor(error["step"].values)
    times = learning_time(torch.tensor(error.values), steps, below=LEARNED)
    return error.isel(step=0, drop=True).copy(data=times.numpy())
