"""Results of weights that training leaves as they are, which are measured once."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_WHOLE = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Frozen:
    """Remembers the results of frozen weights until the weights change after all."""

    def __init__(self) -> None:
        self._marks: dict[int, Tensor] = {}
        self._results: dict[int, dict[str, float]] = {}

    def known(self, layer: int, weights: Tensor) -> Mapping[str, float] | None:
        """The results of a layer, if its weights are those for which they were kept.

        Args:
            layer: Number of the layer.
            weights: (..., out, in) frozen weights; they are read once, which costs far less than a
                decomposition.
        """
        mark = _mark(weights)
        kept = self._marks.get(layer)
        if kept is not None and kept.device == mark.device and torch.equal(kept, mark):
            return self._results.get(layer)
        self._marks[layer] = mark
        self._results.pop(layer, None)
        return None

    def keep(self, layer: int, results: Mapping[str, float]) -> None:
        """Remember the results of the weights of which `known` was asked last."""
        self._results[layer] = dict(results)


def _mark(weights: Tensor) -> Tensor:
    """Sums of the bits over rows and over columns, which change with any single entry and with any order."""
    values = torch.view_as_real(weights) if weights.is_complex() else weights
    bits = values.contiguous().view(_WHOLE[values.element_size()])
    rows = bits.sum(-1, dtype=torch.int64).flatten()
    columns = bits.sum(-2, dtype=torch.int64).flatten()
    return torch.cat([rows, columns])
