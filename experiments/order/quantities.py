"""What is asked of a network while it trains: answers by position, and ranks that no start dilutes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import xarray as xr
from torch import Tensor

from lowcomplex.matrices import weight_matrices
from lowcomplex.measures import stable_rank
from lowcomplex.networks import Transformer
from lowcomplex.networks.transformer import Block
from lowcomplex.tasks import PositionAnswers, PositionProbe
from lowcomplex.tasks.anchor import ANCHORS
from lowcomplex.tasks.anchor_positions import UNORDERED_PAIRS

# What `PositionAnswers` holds for each ordered pair.
TABLES = ("ruled", "composed", "mirrored", "offset", "offset_share")
PRODUCTS = ("query key", "value output")

Quantity = Callable[[], "float | xr.DataArray"]


class Quantities:
    """Of one network: each is asked of the answers that the first one gets.

    Args:
        model: At its initialization, from which changes are measured.
        probe: The sequences.
    """

    def __init__(self, model: Transformer, probe: PositionProbe) -> None:
        self._model = model
        self._probe = probe
        self._answers: PositionAnswers | None = None
        self._start = {each.name: each.weight.detach().clone() for each in weight_matrices(model)}

    def all(self) -> dict[str, Quantity]:
        """The quantities, to be asked in this order."""
        return {
            "accuracy": self._ask,
            **{name: partial(self._table, name) for name in TABLES},
            "swap_invariance": self._swap_invariance,
            "change_stable_rank": self._change_stable_rank,
            "product_stable_rank": self._product_stable_rank,
        }

    def _ask(self) -> float:
        self._answers = self._probe(self._model.last)
        return self._answers.seen_train_keys

    def _table(self, name: str) -> xr.DataArray:
        values: Tensor = getattr(self._answers, name)
        coords = {"first_anchor": list(ANCHORS), "second_anchor": list(ANCHORS)}
        table = values.view(len(ANCHORS), len(ANCHORS), -1).numpy()
        return xr.DataArray(table, dims=(*coords, "position"), coords=coords)

    def _swap_invariance(self) -> xr.DataArray:
        assert self._answers is not None
        pairs = [f"{a}{b}" for a, b in UNORDERED_PAIRS]
        values = self._answers.swap_invariance.numpy()
        return xr.DataArray(values, dims=("unordered_pair", "position"), coords={"unordered_pair": pairs})

    @torch.no_grad()
    def _change_stable_rank(self) -> xr.DataArray:
        """Of W - W0 of every matrix; NaN where it has not moved."""
        now = {each.name: each.weight.detach() for each in weight_matrices(self._model)}
        changes = [(now[name] - start).double() for name, start in self._start.items()]
        ranks = [float(stable_rank(change)) if change.any() else torch.nan for change in changes]
        return xr.DataArray(ranks, dims="layer", coords={"layer": list(self._start)})

    @torch.no_grad()
    def _product_stable_rank(self) -> xr.DataArray:
        """Of W_Q^T W_K and W_O W_V of every head, which no change of its basis alters."""
        ranks = torch.stack([_of_products(block) for block in self._model.blocks])
        coords = {"block": range(1, len(ranks) + 1), "product": list(PRODUCTS)}
        return xr.DataArray(ranks.numpy(), dims=("block", "product", "head"), coords=coords)


def _of_products(block: torch.nn.Module) -> Tensor:
    """Stable ranks of both products, (2, heads)."""
    assert isinstance(block, Block)
    shape = (block.heads, block.head_width, -1)
    query, key, value = (part.weight.double().view(shape) for part in (block.query, block.key, block.value))
    output = block.attention_output.weight.double().view(-1, block.heads, block.head_width).transpose(0, 1)
    return stable_rank(torch.stack((query.mT @ key, output @ value)))
