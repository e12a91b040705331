"""Why a tensor is no weight matrix: by its type, its shape and its name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

# Why a tensor with fewer than two dimensions is skipped.
VECTOR = "vector or scalar"
EMPTY = "empty"
# Why a tensor is skipped whose name was not chosen.
LEFT_OUT = "left out by its name"
# How the reason begins for which a part of a weight is skipped, and a companion of quantized codes.
PART, COMPANION = "part of", "belongs to the quantized"
NOT_FINITE = "holds NaN or infinite entries"

_FLOATING = ("float64", "float32", "float16", "bfloat16")
# Integers of this type are indices and counts; those of others hold the codes of quantized weights.
_INDICES = ("int64", "bool")
_SCALES = ("scales", "absmax", "weight_scale", "weight_scale_inv", "SCB", "quant_map")
# Factors of the channels of a layer's output, stored by branch.
_GAINS = ("alpha", "gamma", "layer_scale")
# The last word of a normalization layer's name: "norm1", "input_layernorm", "ln_f", "bn2".
_NORMALIZATION = re.compile(r"(norm|(^|_)(ln|bn))_?(\d+|f|q|k)?$", re.I)


def by_type(dtype: str) -> str | None:
    """Why a tensor of this type is no weight matrix; None if it may be one."""
    if dtype in _FLOATING:
        return None
    if dtype.startswith("complex"):
        return f"{dtype}, not real"
    if dtype.startswith(("float", "q")):
        return f"quantized ({dtype})"
    return f"{dtype}, not floating-point: indices or quantized weights"


def by_shape(shape: Sequence[int]) -> str | None:
    """Why a tensor of this shape is no weight matrix; None if it may be one."""
    if len(shape) < 2 or (len(shape) > 2 and math.prod(shape) > 0 and math.prod(shape) == max(shape)):
        return VECTOR
    return EMPTY if math.prod(shape) == 0 else None


def by_name(name: str, shape: Sequence[int]) -> str | None:
    """Why a tensor of this name is no weight matrix; None if it may be one."""
    module, _, own = name.rpartition(".")
    if is_bias(own) or (own == "weight" and module.rpartition(".")[2].endswith("_bias")):
        return "bias"
    if _is_mask(own):
        return "mask"
    if "coords" in own.lower().split("_"):
        return "coordinates"
    if own == "A_log":
        return "logarithms of decay rates"
    if own.lower().endswith(("token", "tokens")) and shape[0] == math.prod(shape[:-1]) == 1:
        return "vector of one token"
    if own in _GAINS:
        return "scale of a layer"
    if own in _SCALES:
        return "scales of quantized weights"
    if own == "weight" and _NORMALIZATION.search(module.rpartition(".")[2]):
        return "gain of a normalization"
    return None


def is_bias(own: str) -> bool:
    """Whether a parameter of this name, without its module's, is a bias."""
    return not {"bias", "biases"}.isdisjoint(own.lower().split("_"))


def _is_mask(own: str) -> bool:
    return own.lower().split("_")[-1] in ("mask", "masks")


def companions(tensors: Mapping[str, tuple[str, Sequence[int]]]) -> dict[str, str]:
    """Floating-point tensors that belong to quantized weights: scales, zeros, codebooks, packed codes.

    A tensor belongs to the codes with which it shares a prefix: "q.scales" to "q.qweight", "w.absmax" to "w".
    If "w" is stored as floating-point but holds packed codes, it belongs to "w.quant_state".

    Args:
        tensors: Type and shape of each tensor by name.

    Returns:
        Reason by name.
    """
    found: dict[str, str] = {}
    codes = {name: shape for name, (dtype, shape) in tensors.items() if _may_be_codes(name, dtype)}
    modules: dict[str, str] = {}
    states: dict[str, str] = {}
    for name, shape in codes.items():
        parts = name.split(".")
        if len(shape) >= 2 and len(parts) > 1:
            modules.setdefault(".".join(parts[:-1]), name)
        for end in range(1, len(parts)):
            states.setdefault(".".join(parts[:end]), name)
    for name, (dtype, _) in tensors.items():
        if by_type(dtype) is not None:
            continue
        module = name.rpartition(".")[0]
        if name in states:
            found[name] = f"packed codes, described by {states[name]}"
        elif module in modules or module in codes:
            found[name] = f"{COMPANION} {modules.get(module, module)}"
    return found


def _may_be_codes(name: str, dtype: str) -> bool:
    own = name.rpartition(".")[2]
    return not (
        by_type(dtype) is None
        or dtype in _INDICES
        or dtype.startswith("complex")
        or is_bias(own)
        or _is_mask(own)
    )
