"""Architectures of the transformers library, in memory and as the library saves them."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

from architectures import ARCHITECTURES, GAMMA, built
from lowcomplex import checkpoints, effective_gamma, initialize
from lowcomplex.matrices import Skipped, WeightMatrix, of_module

# Tensors that no layer of those models multiplies with.
REASONS = {
    "vector or scalar",
    "bias",
    "vector of one token",
    "logarithms of decay rates",
    "part of encoder.pos_conv_embed.conv.weight",
    "int64, not floating-point: indices or quantized weights",
    "tied to shared.weight",
    "tied to decoder.transformer.wte.weight",
}


def _outliers(table: object) -> list[tuple[str, float]]:
    off = table[((table["gamma"] - GAMMA).abs() > 5 * table["standard_error"]) | table["gamma"].isna()]  # type: ignore[index]
    return list(zip(off["name"], off["gamma"], strict=True))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_weight_stands_where_it_was_drawn_and_nothing_else_is_measured(kind: str) -> None:
    model, expected = built(kind)
    items = of_module(model)
    found = {item.name: item.d_in for item in items if isinstance(item, WeightMatrix)}
    assert found == expected
    assert {item.reason for item in items if isinstance(item, Skipped)} <= REASONS
    assert _outliers(effective_gamma(model)) == []


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_as_the_library_saves_it(kind: str, tmp_path: Path) -> None:
    model, expected = built(kind)
    model.save_pretrained(tmp_path)
    items = list(checkpoints.matrices(tmp_path))
    found = [item for item in items if isinstance(item, WeightMatrix)]
    # Names and the cut of fused projections differ between model and file; the numbers of inputs do not.
    numbers: Counter[int] = Counter()
    for name, d_in in expected.items():
        module, _, own = name.rpartition(".")
        numbers[d_in] += getattr(model.get_submodule(module), own).numel()
    assert sum((Counter({m.d_in: m.weight.numel()}) for m in found), Counter()) == numbers
    assert {item.reason for item in items if isinstance(item, Skipped)} <= REASONS
    assert _outliers(checkpoints.gamma_table(tmp_path).table) == []


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_initialize_gives_every_weight_the_rate_of_its_layer(kind: str) -> None:
    model, expected = built(kind)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        table = initialize(model, 1.2, generator=torch.Generator().manual_seed(0)).set_index("name")
    finally:
        after = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(before)
    assert table["d_in"].to_dict() == expected
    for name, row in table.iterrows():
        if row["left"] == "frozen":
            # Sinusoids of Whisper's encoder.
            assert name == "encoder.embed_positions.weight"
            assert torch.equal(after[name], before[name])
        else:
            assert math.isclose(row["std"], expected[name] ** -1.2)
