"""Weights that a file holds as codes with scales, multiplied out to the values that the forward pass uses."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from lowcomplex.matrices._entries import Entry, Whole

_EIGHT_BITS = ("float8_e4m3fn", "float8_e5m2", "int8")
_FLOATING = ("float64", "float32", "float16", "bfloat16")
# What several formats take where nothing is said: blocks of 128 x 128 entries share a scale.
_BLOCK = 128
# Rows, and bytes of codes, that are multiplied out at once.
_ROWS, _BYTES = 256, 2**20
# bitsandbytes describes a weight in some 200 bytes of JSON.
_LARGEST_STATE = 2**12
_LARGEST_BLOCK = 4096


def quantized(name: str, stored: Mapping[str, Entry], blocks: tuple[int, int] | None) -> Whole | None:
    """The weight whose codes have this name; None if they are no codes, or their format is not known here.

    Formats: 8-bit floating point or integers with `_scale` or `_scale_inv` (of the tensor, of each row, or of
    blocks), the 8-bit and 4-bit formats of bitsandbytes, and 4-bit floating point as `_blocks` and `_scales`.

    Args:
        name: Name of a stored tensor.
        stored: All stored tensors by name.
        blocks: Rows and columns of the blocks that share a scale, if the model's config says it.

    Returns:
        The weight, computed in single precision; 4-bit weights in the precision that they had.
    """
    entry = stored[name]
    if entry.dtype in _EIGHT_BITS and len(entry.shape) >= 2 and 0 not in entry.shape:
        rows = stored.get(f"{name.removesuffix('weight')}SCB")
        if rows is not None and name.endswith("weight") and entry.dtype == "int8":
            return _of_rows(entry, rows, stored)
        for scale in (stored.get(f"{name}_scale"), stored.get(f"{name}_scale_inv")):
            if scale is not None and f"{name}_zero_point" not in stored:
                return _scaled(entry, scale, blocks)
    for kind in ("nf4", "fp4"):
        state = stored.get(f"{name}.quant_state.bitsandbytes__{kind}")
        if state is not None:
            return _of_four_bits(entry, state, stored)
    if name.endswith("_blocks") and f"{name.removesuffix('blocks')}scales" in stored:
        return _of_blocks(entry, stored[f"{name.removesuffix('blocks')}scales"])
    return None


def _of_rows(entry: Entry, rows: Entry, stored: Mapping[str, Entry]) -> Whole | None:
    """8-bit integers of bitsandbytes: the largest entry of a row is 127."""
    if len(entry.shape) != 2 or math.prod(rows.shape) != entry.shape[0] or rows.dtype not in _FLOATING:
        return None
    parts = [entry.name, rows.name, f"{entry.name}_format"]

    def compute(codes: Tensor, largest: Tensor, *_: Tensor) -> Tensor:
        return codes.to(torch.float32).mul_(largest.to(torch.float32).reshape(-1, 1) / 127)

    return Whole(entry.name, tuple(part for part in parts if part in stored), entry.shape, compute, "float32")


def _scaled(entry: Entry, scale: Entry, blocks: tuple[int, int] | None) -> Whole | None:
    # A byte may be an exponent; then integers are packed codes of fewer bits.
    exponents = ("uint8", "float8_e8m0fnu") if entry.dtype != "int8" else ()
    if scale.dtype not in (*_FLOATING, *exponents):
        return None
    per = scale.shape
    if len(per) == 1 and per[0] == entry.shape[0] and len(entry.shape) == 2:
        per = (*per, 1)
    if math.prod(per) == 1:
        per = (1,) * len(entry.shape)
    if len(per) != len(entry.shape):
        return None
    if any(count not in (1, size) for count, size in zip(per[:-2], entry.shape[:-2], strict=True)):
        return None
    block = _block(entry.shape[-2:], per[-2:], blocks)
    if block is None:
        return None
    compute = partial(_multiplied, shape=per, rows=block[0], columns=block[1])
    return Whole(entry.name, (entry.name, scale.name), entry.shape, compute, "float32")


def _block(
    sizes: Sequence[int], counts: Sequence[int], said: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Rows and columns that share one of so many scales; None if several sizes are possible."""

    def fits(block: tuple[int, int]) -> bool:
        each = zip(sizes, block, counts, strict=True)
        return all(own > 0 and -(-size // own) == count for size, own, count in each)

    if said is not None and fits(said):
        return said
    possible = {(_BLOCK, _BLOCK), (sizes[0] // max(counts[0], 1), sizes[1] // max(counts[1], 1))}
    # Blocks beyond the matrix are the whole matrix.
    found = {(min(block[0], sizes[0]), min(block[1], sizes[1])) for block in possible if fits(block)}
    return found.pop() if len(found) == 1 else None


def _multiplied(codes: Tensor, scale: Tensor, *, shape: Sequence[int], rows: int, columns: int) -> Tensor:
    scale = (scale.to(torch.float32) - 127).exp2() if scale.dtype == torch.uint8 else scale.to(torch.float32)
    by_row = scale.reshape(*shape).repeat_interleave(rows, -2)
    whole = codes.to(torch.float32)
    width = whole.shape[-1]
    for start in range(0, whole.shape[-2], _ROWS):
        part = by_row[..., start : start + _ROWS, :].repeat_interleave(columns, -1)
        whole[..., start : start + _ROWS, :].mul_(part[..., : whole.shape[-2] - start, :width])
    return whole


def _of_four_bits(entry: Entry, state: Entry, stored: Mapping[str, Entry]) -> Whole | None:
    """4-bit codes of bitsandbytes: places in a table, of shares of the largest entry of a block."""
    names = [f"{entry.name}.{part}" for part in ("absmax", "quant_map", "nested_absmax", "nested_quant_map")]
    names = [name for name in names if name in stored]
    if len(names) not in (2, 4) or math.prod(state.shape) > _LARGEST_STATE or state.dtype != "uint8":
        return None
    if state.unusable is not None:
        return None
    try:
        said = json.loads(bytes(state.load().tolist()))
        shape, size = tuple(said["shape"]), said["blocksize"]
        dtype = {str(each).removeprefix("torch."): each for each in _PRECISIONS}[said["dtype"]]
        nested = (said["nested_blocksize"], float(said["nested_offset"])) if len(names) == 4 else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    numbers = (*shape, size, *(nested or ())[:1])
    if not all(type(number) is int and number > 0 for number in numbers):
        return None
    if size > _LARGEST_BLOCK or size & (size - 1) or 2 * _size(entry) < math.prod(shape):
        return None
    blocks = [-(-math.prod(shape) // size), 16]
    if nested is not None:
        blocks += [-(-blocks[0] // nested[0]), 256]
    counts = [math.prod(stored[name].shape) for name in names]
    if counts != blocks or len(shape) < 2 or (stored[names[0]].dtype == "uint8") != (nested is not None):
        return None
    compute = partial(_looked_up, shape=shape, size=size, dtype=dtype, nested=nested)
    parts = (entry.name, *names, state.name)
    return Whole(entry.name, parts, shape, compute, said["dtype"])


def _of_blocks(entry: Entry, scales: Entry) -> Whole | None:
    """4-bit floating point as in gpt-oss (MXFP4): two values in a byte, and a power of 2 for each block."""
    if (entry.dtype, scales.dtype) != ("uint8", "uint8") or entry.shape[:-1] != scales.shape:
        return None
    if len(entry.shape) < 3 or 0 in entry.shape:
        return None
    shape = (*entry.shape[:-2], 2 * entry.shape[-2] * entry.shape[-1])
    name = entry.name.removesuffix("_blocks")
    # Three binary digits times a power of 2: exact in bfloat16.
    return Whole(name, (entry.name, scales.name), shape, partial(_of_powers, shape=shape), "bfloat16")


_SIZES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def _of_powers(codes: Tensor, exponents: Tensor, *, shape: Sequence[int]) -> Tensor:
    table = torch.tensor([*_SIZES, *(-size for size in _SIZES)], dtype=torch.bfloat16)
    # The first of two values is in the lower half of their byte.
    pairs = torch.stack((table.repeat(16), table.repeat_interleave(16)), 1)
    packed, powers = codes.flatten(0, -2), exponents.flatten().int() - 127
    whole = torch.empty(len(packed), 2 * packed.shape[1], dtype=torch.bfloat16)
    rows = max(_BYTES // packed.shape[1], 1)
    for start in range(0, len(packed), rows):
        part = slice(start, start + rows)
        whole[part] = torch.ldexp(pairs[packed[part].int()].flatten(1), powers[part, None])
    return whole.reshape(shape)


def _size(entry: Entry) -> int:
    """Number of bytes of a stored tensor; 0 if PyTorch has no such type."""
    dtype = getattr(torch, entry.dtype, None)
    return math.prod(entry.shape) * dtype.itemsize if isinstance(dtype, torch.dtype) else 0


_PRECISIONS = (torch.float32, torch.float16, torch.bfloat16)


def _looked_up(
    codes: Tensor,
    largest: Tensor,
    table: Tensor,
    *parts: Tensor,
    shape: Sequence[int],
    size: int,
    dtype: torch.dtype,
    nested: tuple[int, float] | None,
) -> Tensor:
    if nested is not None:
        of_blocks, of_codes = parts[0].flatten(), parts[1].flatten()
        scale = of_blocks.repeat_interleave(nested[0])[: largest.numel()]
        largest = of_codes[largest.flatten().long()] * scale + nested[1]
    # The first of two values is in the upper half of their byte.
    pairs = torch.cartesian_prod(table.flatten(), table.flatten()).to(torch.float32)
    packed, count = codes.contiguous().flatten().view(torch.uint8), math.prod(shape)
    whole, largest = torch.empty(count, dtype=dtype), largest.flatten().to(torch.float32)
    for start in range(0, count, 2 * _BYTES):
        values = pairs[packed[start // 2 : start // 2 + _BYTES].int()].flatten()[: count - start]
        scale = largest[start // size : -(-(start + len(values)) // size)].repeat_interleave(size)
        whole[start : start + len(values)] = values * scale[: len(values)]
    return whole.reshape(shape)
