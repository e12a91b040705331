"""The weight matrices of a state dict, or of a file that describes its tensors before it reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

import torch
from torch import Tensor

from lowcomplex._names import first_match, require_match
from lowcomplex.matrices import _reasons
from lowcomplex.matrices._entries import Entry
from lowcomplex.matrices._known_models import experts_in_rows, layouts_of_model, layouts_of_names
from lowcomplex.matrices._layouts import Layout, embedding_layout, settled, stack_layout
from lowcomplex.matrices._matrix import Skipped, WeightMatrix, require_layouts
from lowcomplex.matrices._recomposed import recomposed
from lowcomplex.matrices._ties import storage_of

_EMBEDDING_WORDS = ("embed", "wte", "wpe", "position")
_EXPERT_WORDS = ("expert", "moe")
# Names under which convolutions keep their kernel; a stack of matrices has one of its own.
_KERNELS = ("weight", "kernel", "filter", "filters")


class _Planned(NamedTuple):
    """A matrix that is not read yet: its entry, its layout, and how many lie in its rows."""

    entry: Entry
    layout: Layout
    in_rows: int


def of_state(
    state: Mapping[str, Tensor], *, layout: Mapping[str, Layout] | None = None
) -> list[WeightMatrix | Skipped]:
    """The weight matrices of a state dict, and its other tensors with the reason why they are none.

    The layout is inferred from names and shapes. A tensor of two dimensions is an embedding if its name
    contains "embed", "wte", "wpe" or "position", else linear; blocks of GPT-2 may be stored as (in, out).

    A tensor of more dimensions is a stack of matrices if its name contains "expert" or "moe". Otherwise it is
    a convolution if its name ends in "weight", an embedding if its first dimension is 1, and else a stack. A
    stack is stored as (…, out, in), unless gate_up and down projections fit together only as (…, in, out).

    Weights in parts (weight or spectral normalization, pruning, low-rank adapters) are recomposed, and those
    of 8 or 4 bits with scales multiplied out.

    Args:
        state: Tensors by name; other values are ignored.
        layout: Layout of the matrices whose name matches a pattern, where inference would be wrong. It also
            overrides the reasons that a name gives, such as "bias" or "mask".

    Returns:
        Matrices and skipped tensors in the order of the state.

    Raises:
        ValueError: A layout is unknown, or a pattern matches nothing.

    Example:
        >>> [(found.name, found.d_in) for found in of_state({"experts.up": torch.ones(8, 5, 3)})]
        [('experts.up', 3)]
    """
    found: list[WeightMatrix | Skipped] = []
    places: dict[tuple[object, ...], int] = {}
    entries = [Entry.of(name, value) for name, value in state.items() if isinstance(value, Tensor)]
    for planned in _plan(entries, layout, None):
        if isinstance(planned, Skipped):
            found.append(planned)
            continue
        entry = planned.entry
        weight = entry.load()
        # A recomposed weight has memory of its own, which may be reused once it is freed: no key for ties.
        key = storage_of(weight) if entry.name in state else None
        if key is not None and key in places:
            first = found[places[key]]
            assert isinstance(first, WeightMatrix)
            found[places[key]] = replace(first, tied_to=(*first.tied_to, entry.name))
            found.append(Skipped(entry.name, entry.shape, f"tied to {first.name}"))
            continue
        if key is not None:
            places[key] = len(found)
        found.append(WeightMatrix(entry.name, weight, planned.layout, in_rows=planned.in_rows))
    return found


def of_entries(
    entries: Iterable[Entry],
    *,
    layout: Mapping[str, Layout] | None = None,
    model: str | None = None,
    quantization: Mapping[str, object] | None = None,
    match: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
) -> Iterator[WeightMatrix | Skipped]:
    """As `of_state`, for tensors that are read one after the other, with one in memory at a time.

    A file does not record which weights are tied, but tied weights have the same values. A tensor with the
    values of an earlier one is therefore skipped, unless all its entries are equal, as in a matrix of zeros.
    Tensors with NaN or infinity are skipped, too.

    Args:
        entries: All tensors of a file.
        layout: As for `of_state`.
        model: The model's kind in the transformers library, if known; see `layouts_of_model`.
        quantization: The `quantization_config` of the model's config.json, if known: quantized weights may
            not show the size of their blocks, or how their zeros are stored.
        match: Shell patterns; only tensors whose name matches one of them are read. All of them if None.
        skip: Shell patterns; tensors whose name matches one of them are not read.

    Yields:
        Each tensor, as a matrix or skipped.

    Raises:
        ValueError: A layout is unknown, or a pattern matches nothing.
    """
    seen: dict[tuple[torch.Size, torch.dtype, bytes], str] = {}
    for planned in _chosen(_plan(list(entries), layout, model, quantization), match, skip):
        if isinstance(planned, Skipped):
            yield planned
            continue
        entry = planned.entry
        weight = entry.load()
        reason = None
        low, high = weight.aminmax()
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            reason = _reasons.NOT_FINITE
        elif low != high:
            key = (weight.shape, weight.dtype, _digest(weight))
            reason = f"same values as {seen[key]}" if key in seen else None
            seen.setdefault(key, entry.name)
        if reason is None:
            yield WeightMatrix(entry.name, weight, planned.layout, in_rows=planned.in_rows)
        else:
            yield Skipped(entry.name, entry.shape, reason)
        # Otherwise two tensors would be in memory at a time.
        del weight


def _plan(
    entries: list[Entry],
    layout: Mapping[str, Layout] | None,
    model: str | None,
    quantization: Mapping[str, object] | None = None,
) -> list[_Planned | Skipped]:
    """Which tensors are matrices, and how they are stored; decided without their values."""
    whole = recomposed(entries, quantization)
    stored = {item.name: (item.dtype, item.shape) for item in whole if isinstance(item, Entry)}
    companions = _reasons.companions(stored)
    layouts = require_layouts(layout, (item.name for item in whole))
    shapes = {item.name: item.shape for item in whole}
    known, by_name, in_rows = layouts_of_model(model), layouts_of_names(shapes), experts_in_rows(shapes)
    siblings: dict[str, dict[str, tuple[int, ...]]] = {}
    for item in whole:
        module, _, own = item.name.rpartition(".")
        siblings.setdefault(module, {})[own] = item.shape
    planned: list[_Planned | Skipped] = []
    for item in whole:
        if isinstance(item, Skipped):
            planned.append(item)
            continue
        said = first_match(item.name, layouts, None)
        reason = item.unusable or _reasons.by_type(item.dtype) or companions.get(item.name)
        if reason is None and said is None:
            reason = _reasons.by_shape(item.shape) or _reasons.by_name(item.name, item.shape)
        elif reason is None and (len(item.shape) < 2 or 0 in item.shape):
            reason = _reasons.by_shape(item.shape)
        if reason is not None:
            planned.append(Skipped(item.name, item.shape, reason))
            continue
        module, _, own = item.name.rpartition(".")
        chosen = said or by_name.get(item.name) or first_match(item.name, known, None)
        chosen = chosen or _inferred(item.name, own, siblings[module])
        rows = in_rows.get(item.name, 1) if said is None else 1
        planned.append(_Planned(item, settled(chosen, len(item.shape) + (rows > 1)), rows))
    return planned


def _chosen(
    planned: list[_Planned | Skipped], match: Sequence[str] | None, skip: Sequence[str] | None
) -> Iterator[_Planned | Skipped]:
    """The same, with every item skipped whose name is not to be read."""
    described = [item if isinstance(item, Skipped) else item.entry for item in planned]
    for argument, patterns in (("match", match), ("skip", skip)):
        for pattern in patterns or ():
            require_match(argument, pattern, (item.name for item in described))
    for item, own in zip(planned, described, strict=True):
        is_left_out = any(fnmatchcase(own.name, pattern) for pattern in skip or ())
        if match is not None:
            is_left_out |= not any(fnmatchcase(own.name, pattern) for pattern in match)
        yield Skipped(own.name, own.shape, _reasons.LEFT_OUT) if is_left_out else item


def _inferred(name: str, own: str, siblings: Mapping[str, tuple[int, ...]]) -> Layout:
    shape, lower = siblings[own], name.lower()
    if len(shape) == 2:
        return "embedding" if any(word in lower for word in _EMBEDDING_WORDS) else "linear"
    if shape[0] == 1 and own not in _KERNELS:
        return embedding_layout(shape)
    if own not in _KERNELS or any(word in lower for word in _EXPERT_WORDS):
        return stack_layout(own, siblings)
    return "convolution"


def _digest(weight: Tensor) -> bytes:
    content = weight.detach().contiguous().flatten().view(torch.uint8).numpy()
    return hashlib.blake2b(content.data, digest_size=16).digest()
