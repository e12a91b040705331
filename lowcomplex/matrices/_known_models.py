"""Layouts that do not follow from a weight's own shape: of GPT-2, CLIP, Dbrx, XLNet and others."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lowcomplex.matrices._layouts import Layout

# The linear layers of GPT-2, which the transformers library stores as (in, out).
_OF_GPT2 = ("c_attn.weight", "q_attn.weight", "c_proj.weight", "c_fc.weight")
# Models of the transformers library whose experts are named like a linear layer.
_EXPERTS: dict[str, Layout] = dict.fromkeys(("*input_linear.weight", "*output_linear.weight"), "stacked")
_OF_MODEL = dict.fromkeys(("granitemoe", "granitemoeshared", "granitemoehybrid", "jetmoe"), _EXPERTS)
# Projections of CLIP and open_clip, which are multiplied from the left: x @ proj.
_PROJECTIONS = re.compile(r"(^|\.)(text_projection|visual\.proj)$")
# Projections of XLNet and Funnel, (d, heads, head), from the inputs to all heads, and back to the outputs.
_TO_HEADS = re.compile(r"(^|\.)(rel_attn\.[qkvr]|r_kernel)$")
_FROM_HEADS = re.compile(r"(^|\.)rel_attn\.o$")
# Experts of Dbrx, one below the other in two dimensions; the router has a row for each.
_DBRX = re.compile(r"(?P<block>(.*\.)?)experts\.mlp\.(?P<own>w1|v1|w2)$")


def layouts_of_model(kind: str | None) -> dict[str, Layout]:
    """Layouts of a model of the transformers library, by name pattern.

    Args:
        kind: The `model_type` of its configuration, if known.

    Returns:
        Layout by shell pattern; empty where names and shapes suffice.
    """
    return dict(_OF_MODEL.get(kind or "", {}))


def layouts_of_names(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Layout]:
    """Layouts of weights known by their whole name: of GPT-2, CLIP, Dbrx, XLNet and Funnel.

    Args:
        shapes: Shapes of all tensors by name.

    Returns:
        Layout by name.
    """
    found: dict[str, Layout] = _gpt2_layouts(shapes)
    for name in experts_in_rows(shapes):
        found[name] = "stacked input-output" if name.endswith("w2") else "stacked"
    known: tuple[tuple[Layout, int, re.Pattern[str]], ...] = (
        ("input-output", 2, _PROJECTIONS),
        ("input by heads", 3, _TO_HEADS),
        ("output by heads", 3, _FROM_HEADS),
    )
    for layout, dimensions, pattern in known:
        for name, shape in shapes.items():
            if len(shape) == dimensions and pattern.search(name):
                found[name] = layout
    return found


def experts_in_rows(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """The number of experts in weights that hold them one below the other, as Dbrx does.

    Args:
        shapes: Shapes of all tensors by name.

    Returns:
        Number of experts by name.
    """
    found = {}
    for name, shape in shapes.items():
        match = _DBRX.match(name)
        router = shapes.get(f"{match['block']}router.layer.weight") if match is not None else None
        if router is not None and len(shape) == len(router) == 2 and router[0] and shape[0] % router[0] == 0:
            found[name] = router[0]
    return found


def _gpt2_layouts(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Layout]:
    """The linear layers that are stored as (in, out), because the attention of their block is.

    GPT-2's attention projects d inputs to 3 d queries, keys and values with one matrix, `c_attn`. The
    transformers library stores every linear layer of the block as (in, out), so that its `c_attn` has the
    shape (d, 3 d); elsewhere the shape is (3 d, d).

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
