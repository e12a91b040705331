from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lowcomplex import checkpoints, effective_gamma
from lowcomplex.matrices import Skipped, WeightMatrix


def _read(path: Path, **options: object) -> tuple[dict[str, WeightMatrix], dict[str, str]]:
    items = list(checkpoints.matrices(path, **options))
    found = {item.name: item for item in items if isinstance(item, WeightMatrix)}
    return found, {item.name: item.reason for item in items if isinstance(item, Skipped)}


def _saved(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, path / "model.pt")
    return path / "model.pt"


def test_every_reason_to_skip(tmp_path: Path) -> None:
    weight = torch.randn(4, 3)
    state = {
        "weight": weight,
        "bias": torch.zeros(4),
        "tied": weight,
        "copied": weight.clone(),
        "position_ids": torch.arange(6).reshape(2, 3),
        "packed": torch.zeros(4, 3, dtype=torch.int8),
        "tiny": weight.to(torch.float8_e4m3fn),
        "packed.scales": torch.ones(4, 3),
        "diverged": torch.full((4, 3), torch.inf),
        "nothing": torch.zeros(0, 3),
        "other": torch.randn(4, 3),
    }
    found, skipped = _read(_saved(tmp_path, state))
    assert list(found) == ["weight", "other"]
    assert skipped == {
        "bias": "vector or scalar",
        "tied": "same values as weight",
        "copied": "same values as weight",
        "position_ids": "int64, not floating-point: indices or quantized weights",
        "packed": "int8, not floating-point: indices or quantized weights",
        "tiny": "quantized (float8_e4m3fn)",
        "packed.scales": "belongs to the quantized packed",
        "diverged": "holds NaN or infinite entries",
        "nothing": "empty",
    }


def test_neurons_are_rows_whatever_the_layout(tmp_path: Path) -> None:
    torch.manual_seed(0)
    convolution, transposed = nn.Conv2d(3, 8, 2), nn.ConvTranspose2d(3, 8, 2)
    state = {
        "conv.weight": convolution.weight.detach(),
        "up.weight": transposed.weight.detach(),
        "word_embeddings.weight": torch.randn(30, 5),
        "linear.weight": torch.randn(7, 5),
    }
    found, _ = _read(_saved(tmp_path, state), layout={"up.*": "transposed convolution"})
    assert found["conv.weight"].neurons.shape == (8, 3 * 2 * 2)
    assert found["up.weight"].neurons.shape == (8, 3 * 2 * 2)
    x = torch.randn(1, 3, 2, 2)
    patch = nn.functional.conv2d(x, convolution.weight).flatten()
    torch.testing.assert_close(found["conv.weight"].neurons @ x.flatten(), patch)
    assert found["word_embeddings.weight"].layout == "embedding"
    assert found["linear.weight"].neurons.shape == (7, 5)


def _like_gpt2() -> dict[str, Tensor]:
    """Stored as GPT-2's: (in, out), at a rate by the inputs."""
    generator = torch.Generator().manual_seed(0)
    return {
        "h.0.attn.c_attn.weight": torch.randn(64, 192, generator=generator) * 64**-0.8,
        "h.0.mlp.c_proj.weight": torch.randn(256, 64, generator=generator) * 256**-0.8,
        "wte.weight": torch.randn(300, 64, generator=generator) * 64**-0.8,
    }


@pytest.mark.parametrize("prefix", ["", "decoder.transformer."])
def test_the_shapes_of_gpt2_tell_its_layout(prefix: str, tmp_path: Path) -> None:
    # Beside it an encoder whose square matrices are stored as (out, in).
    state = {f"{prefix}{name}": value for name, value in _like_gpt2().items()}
    save_file(state | {"encoder.h.0.c_proj.weight": torch.randn(64, 32)}, tmp_path / "model.safetensors")
    found, _ = _read(tmp_path)
    assert found[f"{prefix}h.0.attn.c_attn.weight"].neurons.shape == (192, 64)
    assert found["encoder.h.0.c_proj.weight"].d_in == 32
    table = checkpoints.gamma_table(tmp_path).table.set_index("name").loc[list(state)]
    assert table["gamma"].to_numpy() == pytest.approx(0.8, abs=0.02)
    assert table.loc[f"{prefix}h.0.mlp.c_proj.weight", "d_in"] == 256
    # The caller's layout takes precedence.
    found, _ = _read(tmp_path, layout={"*c_attn.weight": "linear"})
    assert found[f"{prefix}h.0.attn.c_attn.weight"].neurons.shape == (64, 192)


def test_attention_that_is_stored_as_out_in_is_read_so(tmp_path: Path) -> None:
    state = {name: value.T.contiguous() for name, value in _like_gpt2().items() if "wte" not in name}
    save_file(state, tmp_path / "model.safetensors")
    assert [matrix.d_in for matrix in _read(tmp_path)[0].values()] == [64, 256]


def test_a_config_tells_the_kind_of_model(tmp_path: Path) -> None:
    save_file({"mlp.input_linear.weight": torch.randn(4, 6, 5)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{damaged")
    assert _read(tmp_path)[0]["mlp.input_linear.weight"].layout == "convolution"
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "jetmoe"}))
    for path in (tmp_path, tmp_path / "model.safetensors"):
        assert _read(path)[0]["mlp.input_linear.weight"].layout == "stacked"


def test_agrees_with_the_transformers_library(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(n_layer=1, n_embd=32, n_head=2, vocab_size=50, n_positions=16)
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(config)
    model.save_pretrained(tmp_path)
    expected = effective_gamma(model).set_index("name")
    table = checkpoints.gamma_table(tmp_path).table.set_index("name")
    assert {name.removeprefix("transformer.") for name in expected.index} == {
        name.removeprefix("transformer.") for name in table.index
    }
    for name, row in table.iterrows():
        assert row["d_in"] == expected.loc[name, "d_in"]
        assert row["gamma"] == pytest.approx(expected.loc[name, "gamma"])


def test_bad_layouts(tmp_path: Path) -> None:
    path = _saved(tmp_path, {"weight": torch.randn(4, 3)})
    with pytest.raises(ValueError, match="matches no weight matrix; the nearest name is 'weight'"):
        _read(path, layout={"wieght": "linear"})
    with pytest.raises(ValueError, match="did you mean 'embedding'"):
        _read(path, layout={"weight": "embeding"})
