"""Names and shapes as other libraries save them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lowcomplex import checkpoints, effective_gamma
from lowcomplex.matrices import WeightMatrix

GAMMA = 0.7
TABLES: dict[str, dict[str, tuple[list[int], int | str]]] = {
    f"{library}.{model}": table
    for library, models in tomllib.loads(Path(__file__).with_name("layouts.toml").read_text()).items()
    for model, table in models.items()
}


@pytest.mark.parametrize("kind", TABLES)
def test_names_and_shapes_tell_weights_and_their_inputs(kind: str, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    expected: dict[str, Any] = {name: d_in for name, (_, d_in) in TABLES[kind].items() if d_in != "-"}
    state = {}
    for name, (shape, d_in) in TABLES[kind].items():
        scale = 1.0 if isinstance(d_in, str) else d_in**-GAMMA
        state[name] = torch.randn(shape, generator=generator) * scale
    save_file(state, tmp_path / "model.safetensors")
    items = [item for item in checkpoints.matrices(tmp_path) if isinstance(item, WeightMatrix)]
    assert {item.name: item.d_in for item in items} == expected
    for table in (checkpoints.gamma_table(tmp_path).table, effective_gamma(state)):
        off = table[(table["gamma"] - GAMMA).abs() > 5 * table["standard_error"]]
        assert list(zip(off["name"], off["gamma"], strict=True)) == []
