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
        layers: Name pattern or patterns of the layers.

    Raises:
        ValueError: An unknown measure, or layers that cannot be measured.
    """

    def __init__(
        self,
        module: nn.Module | Members,
        measures: str | Sequence[str] | Mapping[str, Measure],
        layers: str | Sequence[str],
    ) -> None:
        self._chosen = ChosenMeasures(measures)
        self._layers = Layers(module, layers)
        self._frozen = Frozen()
        self._module = module
        self.measures = self._chosen.names
        self.layers = self._layers.names
        self.members = None if isinstance(module, nn.Module) else module
        self.diverged = False

    @property
    def sharded(self) -> bool:
        """Whether each process holds a part of the weights."""
        return self._layers.sharded

    @property
    def is_rank_zero(self) -> bool:
        """Whether this process is the only one that holds the network, or the first of several."""
        if not self.sharded and not self._layers.copied:
            return True
        return torch.distributed.get_rank() == 0

    def nulls(self) -> dict[str, list[float]]:
        """Mean of each of the library's measures on random weights of each layer's shape, by name."""
        return self._chosen.nulls(self._layers.shapes)

    def warm_up(self) -> None:
        """Load what the first record would load, to count only the cost that recurs."""
        import xarray  # noqa: F401

        devices = (value.device for _, value in self._module.named_parameters() if not value.is_meta)
        self._chosen.warm_up(next(devices, torch.device("cpu")))

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
        one_by_one = self.sharded  # Together, gathered matrices need not fit into one process.
        groups: dict[Any, list[tuple[Tensor, int, Tensor]]] = {}
        frozen: list[int] = []
        for layer, (weights, is_frozen) in self._layers.present():
            known = self._frozen.known(layer, weights) if is_frozen else None
            if known is not None:
                for name, value in known.items():
                    results[name][0, layer] = value
                continue
            if is_frozen:
                frozen.append(layer)
            kept = torch.isfinite(weights).all((1, 2)).cpu() & healthy
            self.diverged |= not bool(kept.all())
            (members,) = kept.nonzero(as_tuple=True)
            if len(members) < rows:
                weights = weights[members.to(weights.device)]
            key = (weights.shape[1:], weights.dtype, weights.device)
            groups.setdefault(key, []).append((members, layer, weights))
            if one_by_one:
                self._measure(groups.pop(key), results)
        for group in groups.values():
            self._measure(group, results)
        for layer in frozen:
            self._frozen.keep(layer, {name: float(values[0, layer]) for name, values in results.items()})
        return results if self.members is not None else {n: v.squeeze(0) for n, v in results.items()}

    def _measure(self, group: list[tuple[Tensor, int, Tensor]], results: dict[str, Tensor]) -> None:
        """Measure matrices of one shape, and enter the results at their members and layers."""
        stacked = torch.cat([weights for _, _, weights in group])
        if not len(stacked):
            return
        members = torch.cat([members for members, _, _ in group])
        layers = torch.cat([torch.full_like(members, layer) for members, layer, _ in group])
        for name, values in self._chosen(stacked).items():
            results[name][members, layers] = values.double().cpu()

    @torch.no_grad()
    def gather(self) -> None:
        """Take part in gathering sharded weights that another process measures."""
        for _ in self._layers.present():
            pass
