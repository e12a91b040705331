"""Which tensors of a checkpoint are weight matrices, which way their neurons lie, and why others are not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lowcomplex._names import require_match
from lowcomplex.checkpoints._files import names, weights
from lowcomplex.initialization import Layout, entry_layout, neurons

# Why a tensor with fewer than two dimensions is skipped.
VECTOR = "vector or scalar"
# Models of the transformers library whose Linear is stored as (in, out), and the names it goes by.
_INPUT_OUTPUT_MODELS = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")
_INPUT_OUTPUT_NAMES = ("*c_attn.weight", "*q_attn.weight", "*c_proj.weight", "*c_fc.weight")
# Companions of quantized weights: factors, not weights.
_SCALES = ("scales", "absmax", "weight_scale", "weight_scale_inv", "SCB", "quant_map")


@dataclass(frozen=True)
class Matrix:
    """A weight matrix of a checkpoint.

    Attributes:
        name: As the checkpoint calls it.
        weight: As stored.
        layout: How it is stored: see `lowcomplex.effective_gamma`.
    """

    name: str
    weight: Tensor
    layout: Layout

    @property
    def neurons(self) -> Tensor:
        """(out, in): one neuron a row; a convolution kernel flattened to (out, in x kernel size)."""
        return neurons(self.weight, self.layout)


@dataclass(frozen=True)
class Skipped:
    """A tensor that is not measured.

    Attributes:
        name: As the checkpoint calls it.
        shape: Its shape.
        reason: Why.
    """

    name: str
    shape: tuple[int, ...]
    reason: str


def matrices(path: Path | str, *, layout: Mapping[str, Layout] | None = None) -> Iterator[Matrix | Skipped]:
    """The weight matrices of a checkpoint one at a time, and what is skipped with the reason.

    Skipped are vectors and scalars (biases, gains), integers and quantized tensors, tensors with NaN or
    infinity, and tensors with the same values as an earlier one, as tied weights have. A config.json beside
    the file that names a model of GPT-2's kind tells which of its matrices are stored as (in, out).

    Args:
        path: As for `weights`.
        layout: Layout of the matrices whose name matches a pattern, first match: "linear", "embedding",
            "convolution", "transposed convolution" or "input-output"; inferred for the others.

    Yields:
        Each tensor, as a matrix or skipped; one is in memory at a time.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: The file is damaged, of an unknown kind, or would execute code on loading; a pattern
            matches nothing; an unknown layout.
    """
    path = Path(path)
    if layout:
        known = names(path)
        for pattern in layout:
            require_match("layout", pattern, known)
    # The first pattern that matches decides: what the caller says goes before what the model is known for.
    layouts = dict(layout or {})
    for pattern, known_layout in _layouts_of_model(path).items():
        layouts.setdefault(pattern, known_layout)
    seen: dict[tuple[torch.Size, torch.dtype, bytes], str] = {}
    for name, weight in weights(path):
        reason = _reason(name, weight)
        if reason is None:
            key = (weight.shape, weight.dtype, _digest(weight))
            reason = f"same values as {seen[key]}" if key in seen else None
            seen.setdefault(key, name)
        if reason is None:
            yield Matrix(name, weight, entry_layout(name, weight, layouts))
        else:
            yield Skipped(name, tuple(weight.shape), reason)
        # So that two are never in memory at a time.
        del weight


def _reason(name: str, weight: Tensor) -> str | None:
    """Why a tensor is no weight matrix, if it is not."""
    if weight.is_quantized or (weight.element_size() == 1 and weight.is_floating_point()):
        return f"quantized ({_name_of(weight.dtype)})"
    if not weight.is_floating_point():
        return f"{_name_of(weight.dtype)}, not floating-point: indices or quantized weights"
    if weight.ndim < 2:
        return VECTOR
    if weight.numel() == 0:
        return "empty"
    if name.rpartition(".")[2] in _SCALES:
        return "scales of quantized weights"
    if not bool(torch.isfinite(torch.stack(weight.aminmax())).all()):
        return "holds NaN or infinite entries"
    return None


def _digest(weight: Tensor) -> bytes:
    content = weight.detach().contiguous().flatten().view(torch.uint8).numpy()
    return hashlib.blake2b(content.data, digest_size=16).digest()


def _layouts_of_model(path: Path) -> dict[str, Layout]:
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return {}
    return dict.fromkeys(_INPUT_OUTPUT_NAMES, "input-output") if kind in _INPUT_OUTPUT_MODELS else {}


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
