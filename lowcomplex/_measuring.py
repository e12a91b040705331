"""What a tracker measures: all chosen layers of a network or of an ensemble, in batches of one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lowcomplex._chosen_measures import ChosenMeasures, Measure
from lowcomplex._frozen import Frozen
from lowcomplex._layers import Layers, Members


class Measuring:
    """Measures the chosen layers of one module; frozen weights once.

    Attributes:
        measures: Names of the measures.
        layers: Names of the layers.
        members: The ensemble, or None if the module is one network.
        diverged: Whether any weight has been NaN or infinite.

    Args:
        module: The network, or an ensemble.
        measures: Name or names of weight measures, or a mapping from names to functions of
            (..., out, in) matrices → (...).
        patterns: Name patterns of the layers.

    Raises:
        ValueError: An unknown measure, or layers that cannot be measured.
    """

    def __init__(
        self,
        module: nn.Module | Members,
        measures: str | Sequence[str] | Mapping[str, Measure],
        patterns: tuple[str, ...],
    ) -> None:
        self._chosen = ChosenMeasures(measures)
        self._layers = Layers(module, patterns)
        self._frozen = Frozen()
        self.measures = self._chosen.names
        self.layers = self._layers.names
        self.members = None if isinstance(module, nn.Module) else module
        self.diverged = False

    def nulls(self) -> dict[str, list[float]]:
        """Mean of each of the library's measures on random weights of each layer's shape, by name."""
        return self._chosen.nulls(self._layers.shapes)

    @torch.no_grad()
    def now(self) -> dict[str, Tensor]:
        """Measure all layers. Those of one shape form one batch; what measures share is computed once.

        Returns:
            (layers,) values of each measure, or (members, layers) for an ensemble.
        """
        rows = 1 if self.members is None else len(self.members)
        healthy = torch.ones(rows, dtype=torch.bool, device="cpu")
        if self.members is not None:
            healthy = self.members.diverged_at < 0
        shape = (rows, len(self.layers))
        results = {
            name: torch.full(shape, torch.nan, dtype=torch.float64, device="cpu") for name in self.measures
        }
        by_shape: dict[tuple[Any, ...], list[tuple[Tensor, int, Tensor]]] = {}
        frozen: list[int] = []
        for layer, (weights, is_frozen) in enumerate(self._layers.present()):
            if is_frozen:
                known = self._frozen.known(layer, weights)
                if known is not None:
                    for name, value in known.items():
                        results[name][0, layer] = value
                    continue
                frozen.append(layer)
            kept = torch.isfinite(weights).all((1, 2)).cpu() & healthy
            self.diverged |= not bool(kept.all())
            (members,) = kept.nonzero(as_tuple=True)
            if len(members) < rows:
                weights = weights[members.to(weights.device)]
            key = (weights.shape[1:], weights.dtype, weights.device)
            by_shape.setdefault(key, []).append((members, layer, weights))
        for group in by_shape.values():
            stacked = torch.cat([weights for _, _, weights in group])
            if not len(stacked):
                continue
            members = torch.cat([members for members, _, _ in group])
            layers = torch.cat([torch.full_like(members, layer) for members, layer, _ in group])
            for name, values in self._chosen(stacked).items():
                results[name][members, layers] = values.double().cpu()
        for layer in frozen:
            self._frozen.keep(layer, {name: float(values[0, layer]) for name, values in results.items()})
        return results if self.members is not None else {n: v.squeeze(0) for n, v in results.items()}
