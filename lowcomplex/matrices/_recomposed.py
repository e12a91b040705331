"""Weights that a state dict or file holds in parts, recomposed to the value that the forward pass uses."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from lowcomplex.matrices import _low_rank
from lowcomplex.matrices._entries import Entry, Whole
from lowcomplex.matrices._matrix import Skipped
from lowcomplex.matrices._quantized import modules_with_scales, quantized, unscaled
from lowcomplex.matrices._reasons import PART

_PARAMETRIZED = re.compile(
    r"(?P<module>(?:.*\.)?)parametrizations\.(?P<tensor>[^.]+)\.original(?P<part>\d*)$"
)


def recomposed(entries: Sequence[Entry], config: Mapping[str, object] | None = None) -> list[Entry | Skipped]:
    """Put the whole weight in the place of its first part, and skip the other parts.

    Weights in parts come from weight normalization (weight_g, weight_v), spectral normalization (weight_orig,
    weight_u, weight_v), pruning (weight_orig, weight_mask), low-rank adapters and quantization. The names may
    be those of the older hooks or of parametrizations. A file does not hold what other parametrizations
    compute from their values; those values are skipped.

    Args:
        entries: All stored tensors.
        config: The `quantization_config` of the model's config.json, if known.

    Returns:
        Entries and skipped tensors in the same order.
    """
    stored = {entry.name: entry for entry in entries}
    wholes: dict[str, Whole] = {}
    part_of: dict[str, str] = {}
    scaled = modules_with_scales(stored)
    for name in stored:
        whole = _whole_of(name, stored) or quantized(name, stored, config)
        if whole is None and config is None and name.rpartition(".")[0] not in scaled:
            whole = unscaled(stored[name])
        if whole is not None:
            wholes[whole.parts[0]] = whole
            part_of |= dict.fromkeys(whole.parts, whole.name)
    found: list[Entry | Skipped] = []
    for entry in entries:
        whole = wholes.get(entry.name)
        if whole is not None:
            parts = [stored[part] for part in whole.parts]
            unusable = next((part.unusable for part in parts if part.unusable is not None), None)
            load = _loader(whole, [part.load for part in parts])
            found.append(Entry(whole.name, whole.shape, whole.dtype or entry.dtype, load, unusable))
        elif entry.name in part_of:
            found.append(Skipped(entry.name, entry.shape, f"{PART} {part_of[entry.name]}"))
        elif len(entry.shape) >= 2 and _is_before_something(entry.name):
            reason = "not the weight in use, but what something outside the file computes it from"
            found.append(Skipped(entry.name, entry.shape, reason))
        else:
            found.append(entry)
    return found


def _whole_of(name: str, stored: Mapping[str, Entry]) -> Whole | None:
    """The weight whose first part has this name; the first part has the weight's own shape."""
    match = _PARAMETRIZED.match(name)
    if match is not None:
        whole = f"{match['module']}{match['tensor']}"
        before = name.removesuffix(f"original{match['part']}")
        if match["part"] == "1":
            return _normalized(whole, name, f"{before}original0", stored)
        return _spectral(whole, name, f"{before}0._u", f"{before}0._v", stored)
    if name.endswith("_v"):
        stem = name.removesuffix("_v")
        return _normalized(stem, name, f"{stem}_g", stored)
    if name.endswith("_orig"):
        stem = name.removesuffix("_orig")
        mask = stored.get(f"{stem}_mask")
        if mask is not None and mask.shape == stored[name].shape:
            return Whole(stem, (name, mask.name), mask.shape, lambda weight, mask: weight * mask.to(weight))
        return _spectral(stem, name, f"{stem}_u", f"{stem}_v", stored)
    partner = _low_rank.partner(name)
    if partner is not None and partner[0] in stored:
        a, b = stored[name].shape, stored[partner[0]].shape
        if _low_rank.fits(b, a):
            shape = (b[0], math.prod(a[1:]))
            if _low_rank.is_of_an_embedding(name):
                shape = shape[::-1]
            compute = partial(_of_factors, name=partner[1])
            return Whole(partner[1], (name, partner[0]), shape, compute)
    return None


def _normalized(whole: str, direction: str, magnitude: str, stored: Mapping[str, Entry]) -> Whole | None:
    if magnitude not in stored:
        return None
    shape, sizes = stored[direction].shape, stored[magnitude].shape
    if len(shape) != len(sizes) or any(n not in (1, m) for m, n in zip(shape, sizes, strict=True)):
        return None
    return Whole(whole, (direction, magnitude), shape, _weight_norm)


def _spectral(whole: str, weight: str, u: str, v: str, stored: Mapping[str, Entry]) -> Whole | None:
    if u not in stored or v not in stored:
        return None
    shape, rows = stored[weight].shape, stored[u].shape
    if len(shape) < 2 or len(rows) != 1 or rows[0] not in shape[:2]:
        return None
    return Whole(whole, (weight, u, v), shape, _spectral_norm)


def _weight_norm(direction: Tensor, magnitude: Tensor) -> Tensor:
    direction = direction.to(torch.promote_types(direction.dtype, torch.float32))
    over = [dimension for dimension, size in enumerate(magnitude.shape) if size == 1]
    norms = torch.linalg.vector_norm(direction, dim=over, keepdim=True) if over else direction.abs()
    return direction * (magnitude.to(direction) / norms)


def _spectral_norm(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    weight = weight.to(torch.promote_types(weight.dtype, torch.float32))
    # The rows are the outputs, which a transposed convolution has in its second dimension.
    rows = weight if len(u) == weight.shape[0] else weight.transpose(0, 1)
    return weight / (u.to(weight) @ rows.flatten(1) @ v.to(weight))


def _of_factors(a: Tensor, b: Tensor, name: str) -> Tensor:
    return _low_rank.product(b, a, name)


def _loader(whole: Whole, loads: Sequence[Callable[[], Tensor]]) -> Callable[[], Tensor]:
    @torch.no_grad()
    def load() -> Tensor:
        return whole.compute(*(load() for load in loads)).detach()

    return load


def _is_before_something(name: str) -> bool:
    return "parametrizations" in name.split(".") or name.endswith("_orig")
