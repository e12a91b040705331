"""Which tensors count as weight matrices by names, types and shapes alone."""

from __future__ import annotations

import json

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
    "AWQ of another grouping": {
        "q.qweight": CODES,
        "q.qzeros": CODES[:3],
        "q.scales": torch.ones(3, 32),
    },
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
    "fp8 with a scale of another name": {
        "q.weight": torch.randn(8, 8).to(torch.float8_e4m3fn),
        "q.scale_weight": torch.ones(()),
    },
    "fp8 with a scale in a module of its own": {
        "q.weight": torch.randn(8, 8).to(torch.float8_e4m3fn),
        "q.quantizer._scale": torch.ones(()),
    },
    "fp8 with blocks of 100 or of 128": {
        "q.weight": torch.randn(200, 128).to(torch.float8_e4m3fn),
        "q.weight_scale_inv": torch.ones(2, 1),
    },
    "4 bits packed in 8": {
        "q.weight": PACKED.to(torch.int8),
        "q.weight_scale": torch.ones(8, 1).to(torch.float8_e8m0fnu),
    },
    "integers with zeros": {
        "q.weight": PACKED.to(torch.int8),
        "q.weight_scale": torch.ones(8, 1),
        "q.weight_zero_point": PACKED[:, :1].to(torch.int8),
    },
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


@pytest.mark.parametrize(
    ("shape", "scales", "block", "said"),
    [
        ((6, 4), (), (6, 4), None),
        ((6, 4), (1,), (6, 4), None),
        ((6, 4), (6,), (1, 4), None),
        ((6, 4), (6, 1), (1, 4), None),
        ((6, 4), (6, 2), (1, 2), None),
        ((6, 4), (1, 4), (6, 1), None),
        ((300, 141), (3, 2), (128, 128), None),
        ((200, 128), (2, 1), (100, 128), [100, 128]),
        ((7, 9), (2, 3), (4, 4), [4, 4]),
        ((3, 6, 4), (3, 6, 1), (1, 4), None),
        ((3, 6, 4), (3, 2, 2), (3, 2), None),
        ((3, 6, 4), (1, 1, 1), (6, 4), None),
    ],
)
def test_codes_of_eight_bits_are_multiplied_by_their_scales(
    shape: tuple[int, ...], scales: tuple[int, ...], block: tuple[int, int], said: list[int] | None
) -> None:
    codes, scale = torch.randint(-4, 5, shape).float(), 2.0 ** torch.randint(-3, 4, scales)
    rows, columns = (torch.arange(size) // per for size, per in zip(shape[-2:], block, strict=True))
    grid = scale.reshape(*scale.shape[:-2], int(rows[-1]) + 1, int(columns[-1]) + 1)
    expected = codes * grid[..., rows, :][..., columns]
    for dtype, ending, precision in (
        (torch.float8_e4m3fn, "_scale_inv", torch.float32),
        (torch.float8_e5m2, "_scale", torch.float8_e8m0fnu),
        (torch.int8, "_scale", torch.bfloat16),
    ):
        state = {"experts.up": codes.to(dtype), f"experts.up{ending}": scale.to(precision)}
        found, skipped = _of_file(state, quantization={"weight_block_size": said})
        assert skipped == {f"experts.up{ending}": "part of experts.up"}
        assert found["experts.up"].weight.dtype == torch.float32
        assert torch.equal(found["experts.up"].weight, expected)


@pytest.mark.parametrize(("bits", "groups"), [(4, 2), (8, 2), (4, 1), (8, 1)])
@pytest.mark.parametrize("shifted", [False, True])
def test_integers_in_words_are_unpacked_and_scaled(bits: int, groups: int, shifted: bool) -> None:
    half, columns = 2 ** (bits - 1), 10
    values, zeros = torch.randint(-half, half, (5, columns)), torch.randint(-half, half, (5, groups))
    scale = 2.0 ** torch.randint(-3, 4, (5, groups))
    stored = {
        "q.weight_packed": _words(values, bits),
        "q.weight_scale": scale.bfloat16(),
        "q.weight_shape": torch.tensor([5, columns]),
    }
    if shifted:
        stored["q.weight_zero_point"] = _words(zeros.T, bits).T.contiguous()
    group = torch.arange(columns) // (columns // groups)
    expected = ((values - zeros[:, group] * shifted) * scale[:, group]).bfloat16()
    found, skipped = _of_file(stored)
    assert torch.equal(found["q.weight"].weight, expected)
    assert found["q.weight"].weight.dtype == torch.bfloat16
    assert set(skipped.values()) == {"part of q.weight"}
    for name, wrong in (("shape", torch.tensor([5, 99])), ("scale", scale[:3]), ("g_idx", group.int())):
        found, skipped = _of_file(stored | {f"q.weight_{name}": wrong})
        assert not found
        assert "q.weight_packed" in skipped


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("way", "offset"), [("gptq", 1), ("gptq_v2", 0), (None, 1)])
def test_integers_of_gptq_are_unpacked_and_scaled(bits: int, way: str | None, offset: int) -> None:
    half, config = 2 ** (bits - 1), {"quant_method": "gptq"}
    config |= {} if way is None else {"checkpoint_format": way}
    values, zeros = torch.randint(-half, half, (64, 32)), torch.randint(-half, half, (4, 32))
    scale = 2.0 ** torch.randint(-3, 4, (4, 32))
    stored = {
        "q.qweight": _words(values.T, bits).T.contiguous(),
        "q.qzeros": _words(zeros, bits),
        "q.scales": scale.half(),
    }
    shuffled = torch.randint(4, (64,))
    for group, beside in ((torch.arange(64) // 16, {}), (shuffled, {"q.g_idx": shuffled.int()})):
        found, skipped = _of_file(stored | beside, quantization=config)
        expected = ((values - zeros[group] - offset) * scale[group]).half()
        assert torch.equal(found["q.weight"].weight, expected.T)
        assert set(skipped.values()) == {"part of q.weight"}
    for wrong in ({"quant_method": "other"}, {"quant_method": "gptq", "checkpoint_format": "marlin"}, None):
        assert not _of_file(stored, quantization=wrong)[0]
    for name, shape in (("qzeros", (3, 1)), ("scales", (4, 31)), ("g_idx", (5,))):
        lost = stored | {f"q.{name}": torch.ones(shape).to(torch.int32 if name != "scales" else torch.half)}
        assert not _of_file(lost, quantization=config)[0]
    with pytest.raises(ValueError, match="group 9 of 4"):
        _of_file(stored | {"q.g_idx": torch.full((64,), 9)}, quantization=config)


def test_weights_that_are_rounded_to_eight_bits_need_no_scale() -> None:
    weight = torch.randn(8, 8).to(torch.float8_e4m3fn)
    state = {"q.weight": weight, "q.bias": torch.ones(8).to(weight.dtype), "norm.query.scale": torch.ones(8)}
    for found, skipped in (_split(of_state(state)), _of_file(state)):
        assert torch.equal(found["q.weight"].weight, weight.float())
        assert set(skipped) == {"q.bias", "norm.query.scale"}
    found, _ = _of_file(state, quantization={"quant_method": "unknown"})
    assert not found


def _words(values: Tensor, bits: int) -> Tensor:
    """Rows of signed integers as words of 32 bits, the first in the lowest bits."""
    rows = []
    for row in values.tolist():
        number = sum((value + 2 ** (bits - 1)) << (bits * place) for place, value in enumerate(row))
        size = -(-len(row) * bits // 32) * 4
        rows.append([*number.to_bytes(size, "little")])
    return torch.tensor(rows, dtype=torch.uint8).view(torch.int32)


def _four_bits(**said: object) -> dict[str, Tensor]:
    """A weight (3, 7) as bitsandbytes stores it: blocks of 4 entries, and of 4 of their scales."""
    described = {"blocksize": 4, "dtype": "float32", "shape": [3, 7]}
    described |= {"nested_blocksize": 4, "nested_offset": 0.5, **said}
    return {
        "q.weight": torch.randint(0, 256, (11, 1), dtype=torch.uint8),
        "q.weight.absmax": torch.randint(0, 256, (6,), dtype=torch.uint8),
        "q.weight.quant_map": torch.linspace(-1, 1, 16),
        "q.weight.nested_absmax": torch.tensor([2.0, 4.0]),
        "q.weight.nested_quant_map": torch.linspace(-1, 1, 256),
        "q.weight.quant_state.bitsandbytes__nf4": torch.tensor([*json.dumps(described).encode()]).byte(),
    }


def test_codes_of_four_bits_are_looked_up_and_scaled() -> None:
    stored = _four_bits()
    nibbles = [half for byte in stored["q.weight"].flatten().tolist() for half in divmod(byte, 16)]
    scales = stored["q.weight.nested_quant_map"][stored["q.weight.absmax"].int()]
    expected = [
        float(stored["q.weight.quant_map"][nibbles[i]])
        * (float(scales[i // 4]) * float(stored["q.weight.nested_absmax"][i // 16]) + 0.5)
        for i in range(21)
    ]
    beside = {"q.bias": torch.ones(3), "p.weight": torch.eye(4)}
    for codes in (
        stored["q.weight"],
        torch.cat((stored["q.weight"], PACKED[:1, :1])).flatten().view(torch.bfloat16),
    ):
        found, skipped = _of_file(stored | {"q.weight": codes} | beside)
        torch.testing.assert_close(found["q.weight"].weight, torch.tensor(expected).reshape(3, 7))
        assert list(found) == ["q.weight", "p.weight"]
        assert {skipped.pop(name) for name in stored if name != "q.weight"} == {"part of q.weight"}
        assert skipped == {"q.bias": "vector or scalar"}


@pytest.mark.parametrize(
    "said",
    [
        {"shape": [3, 8, 99]},
        {"shape": [3, -7]},
        {"shape": [3, 40]},
        {"shape": "ab"},
        {"shape": [21]},
        {"blocksize": 3},
        {"blocksize": 8},
        {"blocksize": 2**13},
        {"dtype": "int8"},
        {"dtype": []},
        {"nested_blocksize": 2},
        {"nested_offset": None},
    ],
)
def test_a_description_of_four_bits_that_does_not_fit_is_not_followed(said: dict[str, object]) -> None:
    stored = _four_bits(**said)
    found, skipped = _of_file(stored)
    assert not found
    assert set(skipped) == set(stored)


def test_tensors_of_other_kinds_are_skipped() -> None:
    kinds = {
        "sparse COO": (torch.eye(6).to_sparse(), "sparse tensor"),
        "meta": (torch.empty(4, 4, device="meta"), "meta tensor, which holds no values"),
        "complex": (
            torch.ones(4, 4, dtype=torch.complex64),
            "complex64, not real",
        ),
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
