"""Models of the transformers library, tiny and random: each at one γ, in memory and as it saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from lowcomplex import checkpoints, effective_gamma, initialize
from lowcomplex.matrices import Skipped, WeightMatrix, of_module

transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

GAMMA = 0.7
SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
IMAGE = {"image_size": 32, "patch_size": 8}
EXPERTS = {**SIZES, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 60, "num_local_experts": 4}
EMBEDDINGS = {"vocab_size": 60, "max_position_embeddings": 20}
SPEECH = {"conv_dim": (8, 8), "conv_kernel": (5, 3), "conv_stride": (2, 2), "num_feat_extract_layers": 2}
POSITIONS = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
GPT2 = {
    "n_layer": 1,
    "n_embd": 32,
    "n_head": 2,
    "n_positions": 16,
    **dict.fromkeys(("bos_token_id", "eos_token_id")),
}
# Names of matrices and their d_in, where that is not the number of columns.
MODELS: dict[str, tuple[str, str, dict[str, Any], dict[str, int]]] = {
    "GPT-2": ("GPT2Config", "GPT2Model", {**GPT2, "vocab_size": 60}, {"h.0.mlp.c_proj.weight": 128}),
    "Mixtral": (
        "MixtralConfig",
        "MixtralModel",
        EXPERTS,
        {"layers.0.mlp.experts.gate_up_proj": 32, "layers.0.mlp.experts.down_proj": 48},
    ),
    "gpt_oss": (
        "GptOssConfig",
        "GptOssModel",
        EXPERTS,
        {"layers.0.mlp.experts.gate_up_proj": 32, "layers.0.mlp.experts.down_proj": 48},
    ),
    "Llama 4": (
        "Llama4TextConfig",
        "Llama4TextModel",
        {**EXPERTS, "intermediate_size_mlp": 40, "interleave_moe_layer_step": 1},
        {"layers.0.feed_forward.experts.gate_up_proj": 32, "layers.0.feed_forward.experts.down_proj": 48},
    ),
    "JetMoe": (
        "JetMoeConfig",
        "JetMoeModel",
        {**EXPERTS, "num_key_value_heads": 2, "kv_channels": 16},
        {"layers.0.mlp.input_linear.weight": 32, "layers.0.mlp.output_linear.weight": 48},
    ),
    "T5": (
        "T5Config",
        "T5EncoderModel",
        {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 1, "num_heads": 2, "vocab_size": 60},
        {},
    ),
    "BERT": ("BertConfig", "BertModel", {**SIZES, **EMBEDDINGS}, {}),
    "ViT": (
        "ViTConfig",
        "ViTModel",
        {**SIZES, **IMAGE},
        {"embeddings.position_embeddings": 32, "embeddings.patch_embeddings.projection.weight": 192},
    ),
    "DINOv2": ("Dinov2Config", "Dinov2Model", {**SIZES, **IMAGE}, {"embeddings.position_embeddings": 32}),
    "SAM": (
        "SamVisionConfig",
        "SamVisionModel",
        {**SIZES, **IMAGE, "output_channels": 16, "window_size": 2},
        {"vision_encoder.pos_embed": 32, "vision_encoder.neck.conv2.weight": 144},
    ),
    "Swin": (
        "SwinConfig",
        "SwinModel",
        {
            "image_size": 16,
            "patch_size": 4,
            "embed_dim": 16,
            "depths": [1],
            "num_heads": [2],
            "window_size": 4,
        },
        {"embeddings.patch_embeddings.projection.weight": 48},
    ),
    "ConvNeXt V2": (
        "ConvNextV2Config",
        "ConvNextV2Model",
        {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
        {"encoder.stages.0.layers.0.dwconv.weight": 49},
    ),
    "Mamba": (
        "MambaConfig",
        "MambaModel",
        {"hidden_size": 32, "num_hidden_layers": 1, "vocab_size": 60, "state_size": 4},
        {"layers.0.mixer.conv1d.weight": 4},
    ),
    "wav2vec 2": (
        "Wav2Vec2Config",
        "Wav2Vec2Model",
        {**SIZES, **SPEECH, **POSITIONS},
        {"encoder.pos_conv_embed.conv.weight": 128},
    ),
}


def _outliers(table: Any) -> list[str]:
    return table[(table["gamma"] - GAMMA).abs() > 5 * table["standard_error"]]["name"].tolist()


@pytest.mark.parametrize("kind", MODELS)
def test_every_matrix_stands_where_it_was_put(kind: str, tmp_path: Path) -> None:
    config, model_class, options, d_in = MODELS[kind]
    model = getattr(transformers, model_class)(getattr(transformers, config)(**options))
    initialize(model, GAMMA, generator=torch.Generator().manual_seed(0))
    found = {item.name: item for item in of_module(model) if isinstance(item, WeightMatrix)}
    for name, size in d_in.items():
        assert found[name].d_in == size
    assert _outliers(effective_gamma(model)) == []
    model.save_pretrained(tmp_path)
    saved = list(checkpoints.matrices(tmp_path))
    # Names and the cut of fused projections differ between model and file; what is measured does not.
    counts = [
        sum(m.weight.numel() for m in each if isinstance(m, WeightMatrix)) for each in (found.values(), saved)
    ]
    assert counts[0] == counts[1]
    assert _outliers(checkpoints.gamma_table(tmp_path).table) == []
    reasons = {item.reason for item in saved if isinstance(item, Skipped)} - {"vector or scalar", "bias"}
    assert reasons <= {
        "vector of one token",
        "logarithms of decay rates",
        "part of encoder.pos_conv_embed.conv.weight",
    }
