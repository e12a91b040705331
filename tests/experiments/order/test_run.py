from __future__ import annotations

import pytest
import torch

from experiments.order.config import Control, OrderConfig
from experiments.order.quantities import Quantities
from experiments.order.run import measure
from lowcomplex.measures import stable_rank
from lowcomplex.tasks import PositionProbe

SMALL = {"depth": 2, "width": 8, "heads": 2, "head_width": 4, "feedforward": 8, "steps": 4, "batch": 4}


def _config(control: Control = "none") -> OrderConfig:
    return OrderConfig(gamma=0.8, seed=3, control=control, **SMALL)


def test_products_are_what_every_head_computes() -> None:
    model = _config().model(torch.Generator().manual_seed(0))
    probe = PositionProbe(_config().task(), torch.Generator().manual_seed(0), samples=4)
    found = Quantities(model, probe).all()["product_stable_rank"]()
    block, rows = model.blocks[1], slice(4, 8)
    expected = (
        block.query.weight[rows].T @ block.key.weight[rows],
        block.attention_output.weight[:, rows] @ block.value.weight[rows],
    )
    for name, product in zip(("query key", "value output"), expected, strict=True):
        rank = float(found.sel(block=2, product=name, head=1))
        assert rank == pytest.approx(float(stable_rank(product.detach())), rel=1e-5)


def test_changes_are_from_the_start() -> None:
    model = _config().model(torch.Generator().manual_seed(0))
    probe = PositionProbe(_config().task(), torch.Generator().manual_seed(0), samples=4)
    quantities = Quantities(model, probe)
    with torch.no_grad():
        model.blocks[0].query.weight += torch.outer(torch.arange(8.0), torch.ones(8))
    found = quantities.all()["change_stable_rank"]().dropna("layer")
    assert found["layer"].values.tolist() == ["blocks.0.query.weight"]
    assert found.item() == pytest.approx(1)


def test_controls_hide_the_order() -> None:
    assert list(_config("order hidden").positions()) == [0, 1, 2, 3, 4, 5]
    run = measure(_config("no positions"))
    assert (run["change_stable_rank"].sel(layer=["positions"]).isnull()).all()
    assert set(run["phase"].values.ravel()) == {"not converged"}
    assert run["composed"].sizes["position"] == 7
