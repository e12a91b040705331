"""Measurements of the mechanism on sequences and networks for which the answer is known."""

from __future__ import annotations

import pytest
import torch
import xarray as xr

import synthetic_mechanism
from experiments._recipe import stream
from experiments.anchor.config import MechanismConfig
from experiments.anchor.findings import of_mechanism as findings
from experiments.anchor.flow import edge_importance, edge_kinds, roles, sequences
from experiments.anchor.mechanism import measure, mechanism
from experiments.anchor.representations import Representations
from experiments.anchor.schema import ROLES, SOURCES, TARGETS
from lowcomplex.networks import Transformer, trace
from lowcomplex.tasks import AnchorTask

TINY = {"seed": 1, "depth": 2, "width": 16, "head_width": 16, "feedforward": 16, "steps": 10, "batch": 16}


def _network(gamma: float = 0.3) -> tuple[Transformer, AnchorTask]:
    config = MechanismConfig(gamma=gamma, **TINY)
    return config.model(stream(1, 0)), config.task()


def test_roles_are_counted_from_the_key() -> None:
    tokens = torch.tensor([[50, 60, 1, 4, 30, 30, 30, 30, 30], [50, 3, 3, 20, 30, 30, 30, 30, 99]])
    named = [[ROLES[i] for i in row] for row in roles(tokens).tolist()]
    triple = ["key", "first anchor", "second anchor"]
    assert named[0] == ["before", *triple, *["after"] * 4, "last"]
    assert named[1] == [*triple, *["after"] * 5, "last"]


def test_every_edge_to_a_target_is_of_one_kind() -> None:
    task = AnchorTask()
    seen, unseen = sequences(task, stream(0, 0), 50)
    assert len(seen.keys) == len(unseen.keys) == 50
    assert (unseen.anchors == torch.tensor([4, 3])).all()
    kinds = edge_kinds(seen.tokens)
    role, causal = roles(seen.tokens), torch.ones(9, 9).tril().bool()
    asking = torch.isin(role, torch.tensor([ROLES.index(name) for name in TARGETS]))
    assert (kinds.sum((0, 1)) == (asking[:, :, None] & causal)).all()
    acausal = kinds[TARGETS.index("first anchor"), SOURCES.index("second anchor")]
    assert not acausal.any()


def test_importance_is_what_cutting_one_kind_of_edge_by_hand_costs() -> None:
    model, task = _network()
    seen, unseen = sequences(task, stream(0, 0), 40)
    # The answers of the untrained network count as right, so that a cut can cost accuracy.
    seen = seen._replace(labels=trace(model, seen.tokens).logits[:, -1].argmax(-1))
    whole, lost = edge_importance(model, task, seen, unseen)
    assert float(whole.sel(group="seen_train_keys")) == 1
    by_hand = []
    for row in seen.tokens[:, None]:
        key = int((row < 20).int().argmax()) - 1
        answer = trace(model, row, masked_edges=[(0, 8, key + 1)]).logits[:, -1].argmax(-1)
        by_hand.append(answer)
    kept = (torch.cat(by_hand) == seen.labels).double().mean()
    edge = {"block": 1, "target": "last", "source": "first anchor", "group": "seen_train_keys"}
    assert float(lost.sel(edge)) == pytest.approx(1 - float(kept))
    assert float(lost.max()) > 0
    assert bool(lost.sel(target="first anchor", source="second anchor").isnull().all())
    assert int(lost.isnull().sum()) == 2 * 3
    # No later block reads what the anchors receive in the last one.
    assert (lost.sel(block=2, target=["first anchor", "second anchor"]).fillna(0) == 0).all()


def test_a_first_block_that_attends_evenly_knows_no_order() -> None:
    model, task = _network()
    with torch.no_grad():
        for block in model.blocks:
            block.query.weight.zero_()
        model.positions.weight.zero_()
    found = Representations(model, task, stream(0, 0))
    scores = found.scores()
    assert float(scores["mirror_coincidence"].sel(block=1)) == pytest.approx(1)
    # Values of the first block at an anchor know nothing of the key.
    assert float(scores["intermediate_gap"].sel(block=1, site="value")) == pytest.approx(0, abs=1e-6)
    maps = found.heat_maps()
    torch.testing.assert_close(
        torch.from_numpy(maps["pair_cosine"].values).diagonal(), torch.ones(16, dtype=torch.float64)
    )
    assert maps["result_cosine"].notnull().all()
    first = found.components()["coordinate"].sel(drawn_block=1)
    assert float(abs(first.sel(pair=1) - first.sel(pair=4)).max()) < 1e-5


def test_a_diverged_run_keeps_its_shape() -> None:
    config = MechanismConfig(gamma=0.4, learning_rate=1e30, **TINY)
    record = measure(config)
    assert str(record["phase"].values) == "not converged"
    numbers = record.drop_vars("phase")
    assert all(bool(numbers[name].isnull().all()) for name in numbers.data_vars)
    model, task = _network()
    assert mechanism(model, task, 1).sizes == numbers.sizes


@pytest.mark.parametrize("diverges", [False, True])
def test_findings_leave_out_what_did_not_converge(diverges: bool) -> None:
    said = tuple(map(str, findings(synthetic_mechanism.runs(diverges=diverges))))
    assert len(said) == 5
    assert f"{1 + diverges} not converged" in said[1]
    assert "nan" not in " ".join(said)
    nothing = synthetic_mechanism.runs()
    nothing["phase"] = xr.full_like(nothing["phase"], "not converged")
    assert "no run converged" in str(findings(nothing)[-1])
