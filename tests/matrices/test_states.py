"""Which tensors count as weight matrices by names, types and shapes alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lowcomplex.matrices import Entry, Skipped, WeightMatrix, of_entries, of_state


def _split(items: object) -> tuple[dict[str, WeightMatrix], dict[str, str]]:
    listed = list(items)  # type: ignore[call-overload]
    found = {item.name: item for item in listed if isinstance(item, WeightMatrix)}
    return found, {item.name: item.reason for item in listed if isinstance(item, Skipped)}


def _of_file(state: dict[str, Tensor], **options: object) -> tuple[dict[str, WeightMatrix], dict[str, str]]:
    return _split(of_entries([Entry.of(name, value) for name, value in state.items()], **options))


@pytest.mark.parametrize(
    ("name", "shape", "layout", "d_in"),
    [
        ("layer.weight", (5, 3), "linear", 3),
        ("wte.weight", (50, 8), "embedding", 8),
        ("conv.weight", (6, 3, 5), "convolution", 15),
        ("head.weight", (1, 16, 3, 3), "convolution", 144),
        ("patch_embed.proj.weight", (8, 3, 4, 4), "convolution", 48),
        ("pos_embed", (1, 197, 48), "embedding", 48),
        ("pos_embed", (1, 14, 14, 48), "embedding", 48),
        ("query_tokens", (1, 32, 48), "embedding", 48),
        ("mlp.experts.gate_proj", (4, 48, 32), "stacked", 32),
        ("block_sparse_moe.w1.weight", (4, 48, 32), "stacked", 32),
    ],
)
def test_layout_by_name_and_shape(name: str, shape: tuple[int, ...], layout: str, d_in: int) -> None:
    for found, _ in (_split(of_state({name: torch.randn(shape)})), _of_file({name: torch.randn(shape)})):
        assert (found[name].layout, found[name].d_in) == (layout, d_in)
        assert found[name].neurons.shape[-1] == d_in


@pytest.mark.parametrize(
    ("layout", "d_in", "shape"),
    [
        ("stacked", 32, (4, 48, 32)),
        ("linear", 32, (4, 48, 32)),
        ("stacked input-output", 48, (4, 32, 48)),
        ("input-output", 48, (4, 32, 48)),
        ("convolution", 48 * 32, (4, 48 * 32)),
        ("embedding", 32, (4 * 48, 32)),
        ("channels-first embedding", 48, (4 * 32, 48)),
        ("input by heads", 4, (48 * 32, 4)),
        ("output by heads", 48 * 32, (4, 48 * 32)),
    ],
)
def test_a_layout_that_is_said(layout: str, d_in: int, shape: tuple[int, ...]) -> None:
    found, _ = _split(of_state({"w": torch.randn(4, 48, 32)}, layout={"w": layout}))
    assert found["w"].d_in == d_in
    assert found["w"].neurons.shape == shape


def test_gate_up_and_down_projections_fit_together_one_way() -> None:
    # As gpt_oss and llama4 store them.
    state = {
        "experts.gate_up_proj": torch.randn(4, 32, 96),
        "experts.gate_up_proj_bias": torch.randn(4, 96),
        "experts.down_proj": torch.randn(4, 48, 32),
    }
    found, skipped = _split(of_state(state))
    assert {name: matrix.d_in for name, matrix in found.items()} == {
        "experts.gate_up_proj": 32,
        "experts.down_proj": 48,
    }
    assert skipped == {"experts.gate_up_proj_bias": "bias"}


def test_experts_one_below_the_other() -> None:
    # As Dbrx stores them: the router has a row for each.
    state = {
        "ffn.router.layer.weight": torch.randn(4, 32),
        "ffn.experts.mlp.w1": torch.randn(4 * 48, 32),
        "ffn.experts.mlp.w2": torch.randn(4 * 48, 32),
    }
    found, _ = _split(of_state(state))
    w1, w2 = found["ffn.experts.mlp.w1"], found["ffn.experts.mlp.w2"]
    assert (w1.d_in, w2.d_in) == (32, 48)
    assert torch.equal(w1.neurons, state[w1.name].view(4, 48, 32))
    assert torch.equal(w2.neurons, state[w2.name].view(4, 48, 32).mT)
    assert [one.name for one in w2.each()] == [f"{w2.name}.{expert}" for expert in range(4)]
    third = list(w2.each())[2]
    assert torch.equal(third.neurons, state[w2.name][96:144].T)
    assert (third.layout, third.d_in) == ("input-output", 48)
    # What the caller says goes before.
    found, _ = _split(of_state(state, layout={"*w2": "linear"}))
    assert (found[w2.name].d_in, found[w2.name].neurons.shape) == (32, (192, 32))


def test_what_is_no_weight_by_its_name() -> None:
    state = {
        "h.0.attn.bias": torch.tril(torch.ones(1, 1, 8, 8)),
        "h.0.attn.c_attn.weight": torch.randn(12, 36),
        "layers.0.attn_mask": torch.zeros(4, 9, 9),
        "norm.bias": torch.randn(5, 7),
        "norm.weight": torch.randn(5, 7),
        "q_norm.weight": torch.randn(5, 7),
        "norm1.linear.weight": torch.randn(5, 7),
        "mixer.A_log": torch.randn(8, 4),
        "attn.relative_coords_table": torch.randn(1, 7, 7, 2),
        "attn.relative_position_bias_table": torch.randn(9, 2),
        "attn.relative_attention_bias.weight": torch.randn(9, 2),
        "layer_scale": torch.full((7, 1, 1), 0.1),
        "cls_token": torch.randn(1, 1, 8),
    }
    found, skipped = _split(of_state(state))
    assert list(found) == ["h.0.attn.c_attn.weight", "norm1.linear.weight"]
    assert skipped == {
        "h.0.attn.bias": "bias",
        "layers.0.attn_mask": "mask",
        "norm.bias": "bias",
        "norm.weight": "gain of a normalization",
        "q_norm.weight": "gain of a normalization",
        "mixer.A_log": "logarithms of decay rates",
        "attn.relative_coords_table": "coordinates",
        "attn.relative_position_bias_table": "bias",
        "attn.relative_attention_bias.weight": "bias",
        "layer_scale": "vector or scalar",
        "cls_token": "vector or scalar",
    }
    # The caller's layout takes precedence over a name.
    found, _ = _split(of_state(state, layout={"mixer.A_log": "linear"}))
    assert found["mixer.A_log"].d_in == 4


CODES = torch.randint(0, 9, (8, 4), dtype=torch.int32)
PACKED = torch.randint(0, 9, (8, 4), dtype=torch.uint8)
QUANTIZED: dict[str, dict[str, Tensor]] = {
    "GPTQ": {"q.qweight": CODES, "q.qzeros": CODES, "q.scales": torch.ones(2, 8), "q.g_idx": CODES[:, 0]},
    "MLX": {"q.weight": CODES, "q.scales": torch.ones(8, 2), "q.biases": torch.ones(8, 2)},
    "HQQ": {"q.W_q": PACKED, "q.scale": torch.ones(8, 1), "q.zero": torch.ones(8, 1)},
    "quanto": {"q.weight._data": CODES.to(torch.int8), "q.weight._scale": torch.ones(8, 1)},
    "AQLM": {
        "q.codes": CODES.to(torch.int16),
        "q.codebooks": torch.ones(2, 9, 1, 8),
        "q.scales": torch.ones(8, 1, 1, 2),
    },
    "bitsandbytes": {
        "q.weight": PACKED,
        "q.weight.absmax": torch.ones(4, 2),
        "q.weight.quant_state.bitsandbytes__nf4": PACKED[:, 0],
    },
    "4 bits stored as bfloat16": {
        "q.weight": torch.randn(16, 1).bfloat16(),
        "q.weight.absmax": torch.ones(4, 2),
        "q.weight.quant_state.bitsandbytes__nf4": PACKED[:, 0],
    },
    "fp8": {"q.weight": torch.randn(8, 8).to(torch.float8_e4m3fn), "q.weight_scale_inv": torch.ones(2, 2)},
    "mxfp4": {"experts.gate_up_proj_blocks": PACKED, "experts.gate_up_proj_scales": PACKED},
}


@pytest.mark.parametrize("kind", QUANTIZED)
def test_nothing_of_a_quantized_weight_is_measured(kind: str) -> None:
    beside = {
        "base.weight": torch.randn(8, 8),
        "embeddings.position_ids": torch.arange(8)[None],
        "embeddings.word_embeddings": torch.randn(9, 4),
    }
    found, skipped = _of_file(QUANTIZED[kind] | beside)
    assert list(found) == ["base.weight", "embeddings.word_embeddings"]
    assert set(skipped) == {*QUANTIZED[kind], "embeddings.position_ids"}


def test_tensors_of_other_kinds_are_skipped() -> None:
    kinds = {
        "sparse COO": (torch.eye(6).to_sparse(), "sparse tensor"),
        "meta": (torch.empty(4, 4, device="meta"), "meta tensor, which holds no values"),
        "complex": (
            torch.ones(4, 4, dtype=torch.complex64),
            "complex64, not real",
        ),
        "float8": (torch.ones(4, 4).to(torch.float8_e4m3fn), "quantized (float8_e4m3fn)"),
        "expanded": (
            torch.ones(4, 1).expand(4, 5),
            "expanded tensor, in which one stored value stands for several",
        ),
        "int": (
            torch.ones(4, 4, dtype=torch.int64),
            "int64, not floating-point: indices or quantized weights",
        ),
    }
    for kind, (tensor, reason) in kinds.items():
        for found, skipped in (
            _split(of_state({"w": tensor, "ok": torch.eye(3)})),
            _of_file({"w": tensor, "ok": torch.eye(3)}),
        ):
            assert list(found) == ["ok"], kind
            assert skipped == {"w": reason}


def test_ties_of_a_state_are_of_the_same_storage() -> None:
    packed = torch.randn(12, 4)
    state = {"qkv": packed, "q": packed[:4], "again": packed.view(12, 4), "zero": torch.zeros(12, 4)}
    state |= {"copy": packed.clone(), "other_zero": torch.zeros(12, 4)}
    found, skipped = _split(of_state(state))
    assert list(found) == ["qkv", "q", "zero", "copy", "other_zero"]
    assert found["qkv"].tied_to == ("again",)
    assert skipped == {"again": "tied to qkv"}


def test_ties_of_a_file_are_of_the_same_values_but_not_of_zeros() -> None:
    packed = torch.randn(12, 4)
    state = {"qkv": packed, "q": packed[:4], "copy": packed.clone()}
    state |= {"zero": torch.zeros(12, 4), "other_zero": torch.zeros(12, 4)}
    found, skipped = _of_file(state)
    assert list(found) == ["qkv", "q", "zero", "other_zero"]
    assert skipped == {"copy": "same values as qkv"}


def test_nothing_but_matrices_is_read() -> None:
    read: list[str] = []

    def loader(name: str, value: Tensor) -> object:
        return lambda: (read.append(name), value)[1]

    state = {"a.weight": torch.randn(3, 4), "a.bias": torch.zeros(3), "mask": torch.ones(3, 3)}
    entries = [Entry(n, tuple(v.shape), "float32", loader(n, v)) for n, v in state.items()]  # type: ignore[arg-type]
    assert [item.name for item in of_entries(entries)] == list(state)
    assert read == ["a.weight"]
