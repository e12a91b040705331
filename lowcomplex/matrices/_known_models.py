"""Layouts that a weight's own shape does not tell: GPT-2's linear layers, and experts of named models."""

from __future__ import annotations

from collections.abc import Mapping

from lowcomplex.matrices._layouts import Layout

# The linear layers of GPT-2, which the transformers library stores as (in, out).
_OF_GPT2 = ("c_attn.weight", "q_attn.weight", "c_proj.weight", "c_fc.weight")
# Models of the transformers library whose experts go by the name of a layer.
_EXPERTS: dict[str, Layout] = dict.fromkeys(("*input_linear.weight", "*output_linear.weight"), "stacked")
_OF_MODEL = dict.fromkeys(("granitemoe", "granitemoeshared", "granitemoehybrid", "jetmoe"), _EXPERTS)


def layouts_of_model(kind: str | None) -> dict[str, Layout]:
    """Layouts of a model of the transformers library, by name pattern.

    Args:
        kind: The `model_type` of its configuration, if known.

    Returns:
        Layout by shell pattern; empty if names and shapes tell everything.
    """
    return dict(_OF_MODEL.get(kind or "", {}))


def gpt2_layouts(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Layout]:
    """The linear layers that lie as (in, out) because the attention of their block does.

    GPT-2's attention projects d inputs to 3 d queries, keys and values in one matrix `c_attn`: of shape
    (d, 3 d) in the transformers library, which stores all linear layers of the block so, and (3 d, d)
    elsewhere.

    Args:
        shapes: Shapes of all tensors by name.

    Returns:
        Layout by name.
    """
    blocks = set()
    for name, shape in shapes.items():
        if name.endswith("attn.c_attn.weight") and len(shape) == 2 and shape[1] == 3 * shape[0]:
            blocks.add(name.removesuffix("attn.c_attn.weight"))
    return {
        name: "input-output"
        for name, shape in shapes.items()
        if len(shape) == 2 and name.endswith(_OF_GPT2) and any(name.startswith(block) for block in blocks)
    }
