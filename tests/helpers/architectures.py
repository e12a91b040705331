"""Architectures of the transformers library, tiny and random, each weight drawn at one γ.

What is a weight, and its d_in, follows from the classes of the layers and from a short list of the parameters
that no layer holds. Nothing of it comes from lowcomplex.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import transformers
from torch import nn
from transformers.pytorch_utils import Conv1D

GAMMA = 0.7

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
EMBEDDINGS = {"vocab_size": 60, "max_position_embeddings": 20}
IMAGE = {"image_size": 32, "patch_size": 8}
NO_TOKENS = dict.fromkeys(("bos_token_id", "eos_token_id"))
DECODER = {**SIZES, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 60}
EXPERTS = {**DECODER, "num_local_experts": 4}
GATE_UP = {"layers.0.mlp.experts.gate_up_proj": 32, "layers.0.mlp.experts.down_proj": 48}
SPEECH = {"conv_dim": (8, 8), "conv_kernel": (5, 3), "conv_stride": (2, 2), "num_feat_extract_layers": 2}
POSITIONS = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
GPT2 = {"n_layer": 1, "n_embd": 32, "n_head": 2, "n_positions": 16, "vocab_size": 60}


@dataclass(frozen=True)
class Architecture:
    """A model to build.

    Attributes:
        name: Prefix of its classes, such as "GPT2" of GPT2Config and GPT2Model.
        options: Arguments of its configuration.
        raw: d_in of the weights that are parameters of no layer.
        none: Weights of layers that are looked up as biases.
        model: Ending of the model's class.
    """

    name: str
    options: dict[str, Any]
    raw: dict[str, int] = field(default_factory=dict)
    none: tuple[str, ...] = ()
    model: str = "Model"


ARCHITECTURES = {
    "GPT-2": Architecture("GPT2", GPT2),
    "Llama": Architecture("Llama", DECODER),
    "Mixtral": Architecture("Mixtral", EXPERTS, {**GATE_UP, "layers.0.mlp.gate.weight": 32}),
    "gpt_oss": Architecture("GptOss", EXPERTS, {**GATE_UP, "layers.0.mlp.router.weight": 32}),
    "Llama 4": Architecture(
        "Llama4Text",
        {**EXPERTS, "intermediate_size_mlp": 40, "interleave_moe_layer_step": 1},
        {f"layers.0.feed_forward.experts.{own}": d for own, d in (("gate_up_proj", 32), ("down_proj", 48))},
    ),
    "Dbrx": Architecture(
        "Dbrx",
        {
            "d_model": 32,
            "n_heads": 2,
            "n_layers": 1,
            "max_seq_len": 20,
            "vocab_size": 60,
            "ffn_config": {"ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 1},
            "attn_config": {"kv_n_heads": 1, "clip_qkv": 8.0, "rope_theta": 1e4},
        },
        {f"blocks.0.ffn.experts.mlp.{own}": d_in for own, d_in in (("w1", 32), ("v1", 32), ("w2", 48))},
    ),
    "JetMoe": Architecture(
        "JetMoe",
        {**EXPERTS, "num_key_value_heads": 2, "kv_channels": 16},
        {
            "layers.0.mlp.input_linear.weight": 32,
            "layers.0.mlp.output_linear.weight": 48,
            "layers.0.self_attention.experts.input_linear.weight": 32,
            "layers.0.self_attention.experts.output_linear.weight": 32,
        },
    ),
    "Gemma": Architecture("Gemma", DECODER),
    "T5": Architecture(
        "T5",
        {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 1, "num_heads": 2, "vocab_size": 60},
        none=tuple(
            f"{part}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
            for part in ("encoder", "decoder")
        ),
    ),
    "BERT": Architecture("Bert", {**SIZES, **EMBEDDINGS}),
    "XLNet": Architecture(
        "XLNet",
        {"vocab_size": 60, "d_model": 32, "n_layer": 1, "n_head": 2, "d_inner": 48},
        {**{f"layer.0.rel_attn.{own}": 32 for own in "qkvor"}, "layer.0.rel_attn.seg_embed": 16},
    ),
    "Funnel": Architecture(
        "Funnel",
        {
            "vocab_size": 60,
            "block_sizes": [1],
            "num_decoder_layers": 1,
            "d_model": 32,
            "n_head": 2,
            "d_head": 16,
            "d_inner": 48,
        },
        {
            f"{part}.attention.{own}": d_in
            for part in ("encoder.blocks.0.0", "decoder.layers.0")
            for own, d_in in (("r_kernel", 32), ("seg_embed", 16))
        },
    ),
    "ViT": Architecture("ViT", {**SIZES, **IMAGE}, {"embeddings.position_embeddings": 32}),
    "DINOv2": Architecture("Dinov2", {**SIZES, **IMAGE}, {"embeddings.position_embeddings": 32}),
    "SAM": Architecture(
        "SamVision",
        {**SIZES, **IMAGE, "output_channels": 16, "window_size": 2},
        {
            "vision_encoder.pos_embed": 32,
            "vision_encoder.layers.0.attn.rel_pos_h": 16,
            "vision_encoder.layers.0.attn.rel_pos_w": 16,
        },
    ),
    "CLIP": Architecture(
        "CLIP",
        {
            "text_config": {**SIZES, **EMBEDDINGS, **NO_TOKENS, "projection_dim": 24},
            "vision_config": {**SIZES, **IMAGE, "projection_dim": 24},
            "projection_dim": 24,
        },
    ),
    "Swin": Architecture(
        "Swin",
        {
            "image_size": 16,
            "patch_size": 4,
            "embed_dim": 16,
            "depths": [2],
            "num_heads": [2],
            "window_size": 2,
        },
    ),
    "ConvNeXt": Architecture("ConvNext", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}),
    "ConvNeXt V2": Architecture("ConvNextV2", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}),
    "Mamba": Architecture(
        "Mamba", {"hidden_size": 32, "num_hidden_layers": 1, "vocab_size": 60, "state_size": 4}
    ),
    "Whisper": Architecture(
        "Whisper",
        {
            **{f"{part}_layers": 1 for part in ("encoder", "decoder")},
            **{f"{part}_attention_heads": 2 for part in ("encoder", "decoder")},
            **{f"{part}_ffn_dim": 48 for part in ("encoder", "decoder")},
            **NO_TOKENS,
            "d_model": 32,
            "vocab_size": 60,
            "num_mel_bins": 8,
            "max_source_positions": 20,
            "max_target_positions": 16,
            **dict.fromkeys(("pad_token_id", "decoder_start_token_id"), 0),
        },
    ),
    "wav2vec 2": Architecture("Wav2Vec2", {**SIZES, **SPEECH, **POSITIONS}),
    "BERT and GPT-2": Architecture(
        "EncoderDecoder",
        {
            "encoder": {"model_type": "bert", **SIZES, **EMBEDDINGS},
            "decoder": {"model_type": "gpt2", **GPT2, "add_cross_attention": True},
        },
    ),
}  # fmt: skip


@cache
def built(kind: str) -> tuple[nn.Module, dict[str, int]]:
    """A model with every weight drawn at γ, and d_in by name; built once per process, not to be changed."""
    architecture = ARCHITECTURES[kind]
    config = getattr(transformers, f"{architecture.name}Config")(**architecture.options)
    model = getattr(transformers, f"{architecture.name}{architecture.model}")(config).eval()
    expected = {**_of_layers(model), **architecture.raw}
    for name in architecture.none:
        del expected[name]
    generator = torch.Generator().manual_seed(0)
    for name, d_in in expected.items():
        layer = model.get_submodule(name.rpartition(".")[0])
        own = name.rpartition(".")[2]
        values = torch.randn(getattr(layer, own).shape, generator=generator) * d_in**-GAMMA
        padding = getattr(layer, "padding_idx", None)
        if padding is not None:
            values[padding] = torch.randn(values.shape[1], generator=generator) * d_in**-GAMMA
        with torch.no_grad():
            # A parametrized weight is set through what it is computed from.
            if own in layer._parameters:
                getattr(layer, own).copy_(values)
            else:
                setattr(layer, own, values)
    return model, expected


def _of_layers(model: nn.Module) -> dict[str, int]:
    found = {}
    seen: set[int] = set()
    for name, layer in model.named_modules():
        # A tied weight counts under its first name.
        if id(layer._parameters.get("weight", layer)) in seen:
            continue
        seen.add(id(layer._parameters.get("weight", layer)))
        d_in = None
        if isinstance(layer, nn.Linear):
            d_in = layer.in_features
        elif isinstance(layer, Conv1D):
            d_in = layer.nx
        elif isinstance(layer, nn.Embedding):
            d_in = layer.embedding_dim
        elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            d_in = layer.in_channels // layer.groups * math.prod(layer.kernel_size)
        if d_in is not None:
            found[f"{name}.weight"] = d_in
    return found
