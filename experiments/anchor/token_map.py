"""What map from key to answer a transformer has learned on the anchor task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import xarray as xr
from torch import Tensor

from experiments.anchor.pair_decomposition import pair_decomposition
from experiments.anchor.schema import COMPONENTS, PAIRS
from lowcomplex.measures import fourier_spectrum, shift_equivariant_share
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor import ANCHORS, Word
from lowcomplex.tasks.anchor_functions import FIRST_KEY, LAST_KEY

_MAP_POSITION = 3
_FURTHEST = 20


class TokenMap:
    """The learned map from key to answer, for all 16 anchor pairs on one background.

    A composite anchor function is a pure shift of the key, so its offset, answer minus key, is constant:
    its spectrum over the keys holds the zero frequency alone. Where anchors do more than shift, offsets say
    nothing, and what is made of them is NaN.

    Args:
        task: The task.
        words: The 16 pairs in lexicographic order, each with what follows it.
        generator: Source of the background.
    """

    def __init__(self, task: AnchorTask, words: Sequence[Word], generator: torch.Generator) -> None:
        background = generator.get_state()
        grids = []
        for word in words:
            generator.set_state(background)
            grids.append(task.key_grid(word, _MAP_POSITION, generator))
        self._tokens = torch.cat([grid.tokens for grid in grids])
        self._keys = grids[0].keys
        self._seen = torch.tensor([word in task.seen for word in words])
        self._shifts = task.functions == "translations"
        self._logits: Tensor | None = None

    def quantities(self, model: Transformer) -> dict[str, Callable[[], xr.DataArray]]:
        """What the tracker records of the map."""

        def refresh() -> xr.DataArray:
            with torch.no_grad():
                self._logits = model.last(self._tokens).view(len(self._seen), len(self._keys), -1)
            return self._power()

        return {
            "token_map_power": refresh,
            "shift_equivariant_share": self._shift_equivariant_share,
            "mean_offset": self._mean_offset,
            "offset_variance": self._offset_variance,
            "logit_variance": self._logit_variance,
        }

    def _offsets(self) -> Tensor:
        assert self._logits is not None
        tokens = torch.arange(self._logits.shape[-1], dtype=torch.float32)
        return self._logits.softmax(-1) @ tokens - self._keys

    def _power(self) -> xr.DataArray:
        spectrum = fourier_spectrum(self._offsets().double(), spacing=1 / len(self._keys))
        power = spectrum.power if self._shifts else torch.full_like(spectrum.power, torch.nan)
        return xr.DataArray(
            self._by_training(power).numpy(),
            dims=("pairs", "frequency"),
            coords={"pairs": list(PAIRS), "frequency": spectrum.frequencies.numpy()},
            attrs={"long_name": "power of the expected offset over keys"},
        )

    def _shift_equivariant_share(self) -> xr.DataArray:
        assert self._logits is not None
        among_keys = self._logits[:, :, FIRST_KEY : LAST_KEY + 1]
        return xr.DataArray(
            self._by_training(shift_equivariant_share(among_keys)).double().numpy(),
            dims="pairs",
            coords={"pairs": list(PAIRS)},
            attrs={"long_name": "shift-equivariant share of the logits' variance"},
        )

    def _by_training(self, values: Tensor) -> Tensor:
        """Means over the trained pairs and over the others; NaN if there are none."""
        return torch.stack((values[self._seen].mean(0), values[~self._seen].mean(0)))

    def _mean_offset(self) -> xr.DataArray:
        return xr.DataArray(
            self._offset_table().numpy(),
            dims=("first_anchor", "second_anchor"),
            coords={"first_anchor": list(ANCHORS), "second_anchor": list(ANCHORS)},
            attrs={"long_name": "expected answer minus key, averaged over keys"},
        )

    def _offset_table(self) -> Tensor:
        table = self._offsets().mean(1).view(len(ANCHORS), len(ANCHORS))
        return table if self._shifts else torch.full_like(table, torch.nan)

    def _offset_variance(self) -> xr.DataArray:
        return self._decomposed(self._offset_table()[None], "of the expected offset over anchor pairs")

    def _logit_variance(self) -> xr.DataArray:
        """Of the logit of each offset, averaged over keys; summed over the offsets of at most 20 tokens."""
        assert self._logits is not None
        offsets = torch.arange(-_FURTHEST, _FURTHEST + 1)
        columns = (self._keys[:, None] + offsets).expand(len(self._logits), -1, -1)
        centered = self._logits - self._logits.mean(-1, keepdim=True)
        table = centered.gather(2, columns).mean(1).view(len(ANCHORS), len(ANCHORS), -1).permute(2, 0, 1)
        table = table if self._shifts else torch.full_like(table, torch.nan)
        return self._decomposed(table, "of the logits of offsets over anchor pairs")

    def _decomposed(self, tables: Tensor, of: str) -> xr.DataArray:
        if self._shifts:
            parts = pair_decomposition(tables)
            values = [float(getattr(parts, name).sum()) for name in COMPONENTS]
        else:
            values = [torch.nan] * len(COMPONENTS)
        return xr.DataArray(
            values,
            dims="component",
            coords={"component": list(COMPONENTS)},
            attrs={"long_name": f"variance {of}"},
        )
