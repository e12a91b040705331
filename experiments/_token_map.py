"""What map from key to answer a transformer has learned on the anchor task."""

from __future__ import annotations

from collections.abc import Callable

import torch
import xarray as xr
from torch import Tensor

from lowcomplex.measures import fourier_spectrum, shift_equivariant_share
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor import ALL_PAIRS, ANCHORS, FIRST_KEY, LAST_KEY

_MAP_POSITION = 3


class TokenMap:
    """The learned map from key to answer, for all 16 anchor pairs on one background.

    A composite anchor function is a pure shift of the key, so its offset, answer minus key, is constant:
    its spectrum over the keys holds the zero frequency alone.
    """

    def __init__(self, task: AnchorTask, generator: torch.Generator) -> None:
        background = generator.get_state()
        grids = []
        for pair in ALL_PAIRS:
            generator.set_state(background)
            grids.append(task.key_grid(pair, _MAP_POSITION, generator))
        self._tokens = torch.cat([grid.tokens for grid in grids])
        self._keys = grids[0].keys
        self._seen = torch.tensor([pair in task.seen for pair in ALL_PAIRS])
        self._logits: Tensor | None = None

    def quantities(self, model: Transformer) -> dict[str, Callable[[], xr.DataArray]]:
        """What the tracker records of the map."""

        def refresh() -> xr.DataArray:
            with torch.no_grad():
                self._logits = model.last(self._tokens).view(len(ALL_PAIRS), len(self._keys), -1)
            return self._power()

        return {
            "token_map_power": refresh,
            "shift_equivariant_share": self._shift_equivariant_share,
            "mean_offset": self._mean_offset,
        }

    def _offsets(self) -> Tensor:
        assert self._logits is not None
        tokens = torch.arange(self._logits.shape[-1], dtype=torch.float32)
        return self._logits.softmax(-1) @ tokens - self._keys

    def _power(self) -> xr.DataArray:
        spectrum = fourier_spectrum(self._offsets().double(), spacing=1 / len(self._keys))
        both = torch.stack((spectrum.power[self._seen].mean(0), spectrum.power[~self._seen].mean(0)))
        return xr.DataArray(
            both.numpy(),
            dims=("pairs", "frequency"),
            coords={"pairs": ["seen", "unseen"], "frequency": spectrum.frequencies.numpy()},
            attrs={"long_name": "power of the expected offset over keys"},
        )

    def _shift_equivariant_share(self) -> xr.DataArray:
        assert self._logits is not None
        among_keys = self._logits[:, :, FIRST_KEY : LAST_KEY + 1]
        shares = shift_equivariant_share(among_keys)
        return xr.DataArray(
            [float(shares[self._seen].mean()), float(shares[~self._seen].mean())],
            dims="pairs",
            coords={"pairs": ["seen", "unseen"]},
            attrs={"long_name": "shift-equivariant share of the logits' variance"},
        )

    def _mean_offset(self) -> xr.DataArray:
        table = self._offsets().mean(1).view(len(ANCHORS), len(ANCHORS))
        return xr.DataArray(
            table.numpy(),
            dims=("first_anchor", "second_anchor"),
            coords={"first_anchor": list(ANCHORS), "second_anchor": list(ANCHORS)},
            attrs={"long_name": "expected answer minus key, averaged over keys"},
        )
