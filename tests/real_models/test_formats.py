"""Every way in which a model is usually saved holds the same weights."""

from __future__ import annotations

import copy
import json
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

from architectures import ARCHITECTURES, GAMMA, built
from lowcomplex import checkpoints
from lowcomplex.matrices import WeightMatrix


def _with_config(model: nn.Module, folder: Path, content: object, name: str = "pytorch_model.bin") -> None:
    torch.save(content, folder / name)
    (folder / "config.json").write_text(json.dumps({"model_type": model.config.model_type}))


def _compiled(model: nn.Module, folder: Path) -> None:
    state = torch.compile(model).state_dict()
    assert all(name.startswith("_orig_mod.") for name in state)
    _with_config(model, folder, {"model": state, "iter_num": 3})


def _distributed(model: nn.Module, folder: Path) -> None:
    state = nn.DataParallel(model).state_dict()
    assert all(name.startswith("module.") for name in state)
    _with_config(model, folder, {"model_state_dict": state, "epoch": 3}, "last.pt")


def _lightning(model: nn.Module, folder: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="the extra `lightning` is not installed")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.save_hyperparameters({"lr": 0.1})

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
        trainer.strategy.connect(Module())
        trainer.save_checkpoint(folder / "last.ckpt")
    (folder / "config.json").write_text(json.dumps({"model_type": model.config.model_type}))


def _half(model: nn.Module, folder: Path) -> None:
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(folder)


def _old(model: nn.Module, folder: Path) -> None:
    torch.save(model.state_dict(), folder / "old.pt", _use_new_zipfile_serialization=False)
    (folder / "config.json").write_text(json.dumps({"model_type": model.config.model_type}))


FORMATS: dict[str, Callable[[nn.Module, Path], object]] = {
    "safetensors": lambda model, folder: model.save_pretrained(folder),
    "sharded": lambda model, folder: model.save_pretrained(folder, max_shard_size="12KB"),
    ".bin": lambda model, folder: _with_config(model, folder, model.state_dict()),
    "bfloat16": _half,
    "compiled": _compiled,
    "distributed": _distributed,
    "Lightning": _lightning,
    "before torch 1.6": _old,
}
THREE = ("GPT-2", "Mixtral", "ViT")
CASES = [
    pytest.param(kind, way, marks=[] if kind in THREE else pytest.mark.slow)
    for kind in ARCHITECTURES
    for way in FORMATS
]


@pytest.mark.parametrize(("kind", "way"), CASES)
def test_every_format_holds_every_weight(kind: str, way: str, tmp_path: Path) -> None:
    model, expected = built(kind)
    FORMATS[way](model, tmp_path)
    if way == "sharded":
        assert len(list(tmp_path.glob("*.safetensors"))) > 1
    found = [item for item in checkpoints.matrices(tmp_path) if isinstance(item, WeightMatrix)]
    numbers: Counter[int] = Counter()
    for name, d_in in expected.items():
        module, _, own = name.rpartition(".")
        numbers[d_in] += getattr(model.get_submodule(module), own).numel()
    assert sum((Counter({m.d_in: m.weight.numel()}) for m in found), Counter()) == numbers
    types = {item.weight.dtype for item in found if "pos_conv_embed" not in item.name}
    # What is recomposed from parts has single precision.
    assert types == {torch.bfloat16 if way == "bfloat16" else torch.float32}
    table = checkpoints.gamma_table(tmp_path).table
    off = table[(table["gamma"] - GAMMA).abs() > 5 * table["standard_error"]]
    assert list(zip(off["name"], off["gamma"], strict=True)) == []


@pytest.mark.parametrize("way", ["compiled", "distributed", "Lightning", ".bin"])
def test_before_and_after_pair_whatever_wrapped_them(way: str, tmp_path: Path) -> None:
    model, _ = built("GPT-2")
    tables = []
    for each in ("before torch 1.6", way):
        (tmp_path / each).mkdir()
        FORMATS[each](model, tmp_path / each)
        tables.append(checkpoints.gamma_table(tmp_path / each).table)
    both = checkpoints.side_by_side(*tables)
    assert list(both["name"]) == list(tables[0]["name"])
    assert (both["gamma_before"] == both["gamma_after"]).all()


def test_an_adapter_of_the_peft_library(tmp_path: Path) -> None:
    import peft  # its import takes seconds

    model = copy.deepcopy(built("GPT-2")[0])
    config = peft.LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True)
    adapted = peft.get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    adapted.save_pretrained(tmp_path)
    (matrix,) = (item for item in checkpoints.matrices(tmp_path) if isinstance(item, WeightMatrix))
    layer = adapted.base_model.model.h[0].attn.c_attn
    expected = (layer.lora_B["default"].weight @ layer.lora_A["default"].weight).detach()
    torch.testing.assert_close(matrix.neurons, expected)


def _same_tables(folder: Path, stored: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    """Hold the table of quantized weights against that of what a library makes of them."""
    save_file(stored, folder / "quantized.safetensors")
    save_file(weights, folder / "plain.safetensors")
    for table in (checkpoints.measure_table, checkpoints.gamma_table):
        found, expected = (table(folder / f"{name}.safetensors").table for name in ("quantized", "plain"))
        assert len(found) >= len(weights)
        pd.testing.assert_frame_equal(found, expected)


def test_fp8_with_scales_is_measured_as_the_transformers_library_reads_it(tmp_path: Path) -> None:
    from transformers.integrations.finegrained_fp8 import Fp8Dequantize

    weights, stored = {}, {}
    for name, shape in {"tensor": (1, 1), "rows": (192, 1), "blocks": (3, 2), "exponents": (192, 4)}.items():
        codes = (100 * torch.randn(192, 128)).to(torch.float8_e4m3fn)
        scale = torch.rand(shape) / 100
        if name == "exponents":
            scale = torch.randint(110, 125, shape, dtype=torch.uint8)
        stored |= {f"{name}.weight": codes, f"{name}.weight_scale_inv": scale}
        weights[f"{name}.weight"] = Fp8Dequantize(None)._dequantize_one(codes, scale, torch.float32)
    _same_tables(tmp_path, stored, weights)


def test_mxfp4_is_measured_as_the_transformers_library_reads_it(tmp_path: Path) -> None:
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    stored, weights = {}, {}
    for name, shape in (("gate_up_proj", (3, 96, 2, 16)), ("down_proj", (3, 64, 3, 8))):
        codes = torch.randint(0, 256, shape, dtype=torch.uint8)
        exponents = torch.randint(110, 130, shape[:-1], dtype=torch.uint8)
        stored |= {f"experts.{name}_blocks": codes, f"experts.{name}_scales": exponents}
        weights[f"experts.{name}"] = convert_moe_packed_tensors(codes, exponents).transpose(1, 2).contiguous()
    stored["experts.down_proj_bias"] = torch.ones(3, 64)
    _same_tables(tmp_path, stored, weights)


@pytest.mark.slow  # the library's import takes seconds
def test_weights_of_bitsandbytes_are_measured_as_it_reads_them(tmp_path: Path) -> None:
    bnb = pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    network, whole = nn.Sequential(), {}
    for kind, nested, precision in (
        ("nf4", True, torch.bfloat16),
        ("nf4", False, torch.float32),
        ("fp4", True, torch.float16),
    ):
        layer = bnb.nn.Linear4bit(81, 97, quant_type=kind, compress_statistics=nested)
        layer.weight.data = layer.weight.data.to(precision)
        network.append(layer)
    network.append(bnb.nn.Linear8bitLt(40, 60, has_fp16_weights=False))
    network.to("cpu")  # quantizes
    for index, layer in enumerate(network):
        weight, state = layer.weight, getattr(layer.weight, "quant_state", None)
        if state is None:
            whole[f"{index}.weight"] = bnb.functional.int8_vectorwise_dequant(weight.CB, weight.SCB)
        else:
            whole[f"{index}.weight"] = bnb.functional.dequantize_4bit(weight.data, state)
    assert {str(each.dtype) for each in whole.values()} == {
        "torch.bfloat16",
        "torch.float16",
        "torch.float32",
    }
    _same_tables(tmp_path, network.state_dict(), whole)


@pytest.mark.parametrize(("bits", "size", "symmetric"), [(4, 32, True), (4, 16, False), (8, None, False)])
def test_packed_integers_are_measured_as_compressed_tensors_reads_them(
    bits: int, size: int | None, symmetric: bool, tmp_path: Path
) -> None:
    packed = pytest.importorskip(
        "compressed_tensors.compressors.pack_quantized.base", reason="compressed-tensors is not installed"
    )
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams

    way = {"strategy": "channel"} if size is None else {"strategy": "group", "group_size": size}
    args = QuantizationArgs(num_bits=bits, type="int", symmetric=symmetric, **way)
    weight = torch.randn(40, 96, dtype=torch.bfloat16) + 0.5
    groups = weight.reshape(40, -1, size or 96)
    scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), args)
    scheme, state = QuantizationScheme(targets=["Linear"], weights=args), {"weight": weight}
    state |= {"weight_scale": scale, "weight_zero_point": zero.to(torch.int8)}
    stored = packed.PackedQuantizationCompressor.compress(state, scheme)
    whole = packed.PackedQuantizationCompressor.decompress(stored, scheme)["weight"]
    assert torch.linalg.norm(whole - weight) < 0.2 * torch.linalg.norm(weight)
    _same_tables(
        tmp_path, {f"q.{name}": tensor for name, tensor in stored.items()}, {"q.weight": whole.contiguous()}
    )


def test_awq_is_measured_as_compressed_tensors_reads_it(tmp_path: Path) -> None:
    reason = "compressed-tensors is not installed"
    packed = pytest.importorskip("compressed_tensors.compressors.pack_quantized.base", reason=reason)
    from compressed_tensors.entrypoints.convert.converters import AutoAWQConverter

    words = torch.randint(-(2**31), 2**31, (96 + 3, 7), dtype=torch.int32)
    stored = {"q.qweight": words[:96], "q.qzeros": words[96:], "q.scales": torch.rand(3, 56).half()}
    converter = AutoAWQConverter(group_size=32)
    converted = converter.process(dict(stored))
    state = {name.removeprefix("q."): tensor for name, tensor in converted.items()}
    scheme = converter._build_quant_config().config_groups["config_group_0"]
    whole = packed.PackedQuantizationCompressor.decompress(state, scheme)["weight"]
    assert whole.shape == (56, 96)
    _same_tables(tmp_path, stored | {"q.bias": torch.ones(56)}, {"q.weight": whole.contiguous()})
