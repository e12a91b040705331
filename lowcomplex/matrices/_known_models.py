"""Layouts that the names and shapes of a model's weights do not tell, but its kind does."""

from __future__ import annotations

from lowcomplex.matrices._layouts import Layout

# Models of the transformers library whose Linear is stored as (in, out), and the names it goes by.
_INPUT_OUTPUT: dict[str, Layout] = dict.fromkeys(
    ("*c_attn.weight", "*q_attn.weight", "*c_proj.weight", "*c_fc.weight"), "input-output"
)
_STACKED: dict[str, Layout] = dict.fromkeys(("*input_linear.weight", "*output_linear.weight"), "stacked")
_OF_MODEL: dict[str, dict[str, Layout]] = {
    **dict.fromkeys(("gpt2", "openai-gpt", "imagegpt", "decision_transformer"), _INPUT_OUTPUT),
    **dict.fromkeys(("granitemoe", "granitemoeshared", "granitemoehybrid", "jetmoe"), _STACKED),
}


def layouts_of_model(kind: str | None) -> dict[str, Layout]:
    """Layouts of a model of the transformers library, by name pattern.

    Args:
        kind: The `model_type` of its configuration, if known.

    Returns:
        Layout by shell pattern; empty if names and shapes tell everything.
    """
    return dict(_OF_MODEL.get(kind or "", {}))
