"""Where a checkpoint of training keeps the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lowcomplex import checkpoints

WEIGHTS = nn.Linear(6, 8).state_dict()
OPTIMIZER = {"state": {0: {"exp_avg": torch.randn(8, 6)}}, "param_groups": [{"lr": 0.1}]}


def _names(content: object, folder: Path) -> list[str]:
    torch.save(content, folder / "last.pt")
    return checkpoints.names(folder / "last.pt")


@pytest.mark.parametrize(
    "key", ["state_dict", "model", "model_state_dict", "module", "net", "ema", "params", "state_dict_ema"]
)
def test_weights_under_a_key(key: str, tmp_path: Path) -> None:
    content = {"epoch": 3, "class_means": torch.randn(5, 5), "optimizer": OPTIMIZER, key: WEIGHTS}
    assert _names(content, tmp_path) == ["weight", "bias"]
    for name, tensor in checkpoints.weights(tmp_path / "last.pt"):
        assert torch.equal(tensor, WEIGHTS[name])
    assert len(checkpoints.gamma_table(tmp_path / "last.pt").table) == 1


NESTED: dict[str, tuple[Any, list[str]]] = {
    "two keys deep": ({"state_dict": {"model": WEIGHTS}}, ["weight", "bias"]),
    "model before ema": ({"ema": {"other": WEIGHTS["weight"]}, "model": WEIGHTS}, ["weight", "bias"]),
    "a model's key that holds no tensors": ({"model": {"depth": 3}, "weight": WEIGHTS["weight"]}, ["weight"]),
    "a dict for each layer": (
        {"first": WEIGHTS, "second": {"weight": WEIGHTS["weight"]}},
        ["first.weight", "first.bias", "second.weight"],
    ),
    "two networks and their optimizers": (
        {"generator": WEIGHTS, "optimizer_g": OPTIMIZER, "critic": {"weight": WEIGHTS["weight"]}},
        ["generator.weight", "generator.bias", "critic.weight"],
    ),
    "numbers as keys": ({0: WEIGHTS["weight"], (1, "x"): WEIGHTS["bias"]}, ["0", "(1, 'x')"]),
    "None as a key": ({None: WEIGHTS["weight"], "empty": {None: None}, "b": WEIGHTS["bias"]}, ["None", "b"]),
    "empty": ({}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", NESTED)
def test_nested(case: str, tmp_path: Path) -> None:
    content, names = NESTED[case]
    assert _names(content, tmp_path) == names


def test_content_that_holds_itself(tmp_path: Path) -> None:
    content: dict[str, Any] = {"w": torch.ones(3, 3)}
    content["state_dict"] = content
    assert _names(content, tmp_path) == ["w"]
    doubled: dict[str, Any] = {"w": torch.ones(3, 3)}
    for _ in range(60):
        doubled = {"a": doubled, "b": doubled}
    with pytest.raises(ValueError, match="found none under the keys a, b"):
        _names(doubled, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "optimizer": OPTIMIZER, "args": {}}, "none under the keys epoch, optimizer, args"),
        ({f"k{i}": i for i in range(30)}, "k18, k19, …$"),
        ([torch.ones(3, 3)], "expected a state dict, got list"),
        (torch.ones(3, 3), "expected a state dict, got Tensor"),
        ({1: torch.ones(3, 3), "1": torch.eye(3)}, "two tensors are named '1'"),
    ],
)
def test_what_holds_no_model(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        _names(content, tmp_path)
    assert str(raised.value).startswith(str(tmp_path / "last.pt"))
