"""Which tensors of a file are the codes and scales of one quantized weight."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from lowcomplex.matrices._codes import by_rows, looked_up, multiplied, of_awq, of_gptq, of_powers, of_words
from lowcomplex.matrices._entries import Entry, Whole

_ROUNDED = ("float8_e4m3fn", "float8_e5m2")
_EIGHT_BITS = (*_ROUNDED, "int8")
_FLOATING = ("float64", "float32", "float16", "bfloat16")
# What several formats take where nothing is said: blocks of 128 x 128 entries share a scale.
_BLOCK = 128
_PRECISIONS = (torch.float32, torch.float16, torch.bfloat16)
# bitsandbytes describes a weight in some 200 bytes of JSON.
_LARGEST_STATE = 2**12
_LARGEST_BLOCK = 4096


def quantized(
    name: str, stored: Mapping[str, Entry], config: Mapping[str, object] | None = None
) -> Whole | None:
    """The weight whose codes have this name; None if they are no codes, or their format is not known here.

    Formats: 8-bit floating point or integers with `_scale` or `_scale_inv` (of the tensor, of each row, or of
    blocks), the 8-bit and 4-bit formats of bitsandbytes, 4-bit floating point as `_blocks` and `_scales`, and
    integers of 4 or 8 bits as `_packed`, `_scale` and `_shape` (compressed-tensors), and those of AWQ, and
    of GPTQ if the config says so, as `qweight`, `qzeros` and `scales`.

    Args:
        name: Name of a stored tensor.
        stored: All stored tensors by name.
        config: The `quantization_config` of the model's config.json, if known: it gives the size of blocks
            that share a scale, and how GPTQ stores its zeros.

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
                return _scaled(entry, scale, _blocks_in(config or {}))
    for kind in ("nf4", "fp4"):
        state = stored.get(f"{name}.quant_state.bitsandbytes__{kind}")
        if state is not None:
            return _of_four_bits(entry, state, stored)
    if name.endswith("_blocks") and f"{name.removesuffix('blocks')}scales" in stored:
        return _of_blocks(entry, stored[f"{name.removesuffix('blocks')}scales"])
    if name.endswith("_packed") and entry.dtype == "int32" and len(entry.shape) == 2:
        return _of_words(entry, stored)
    if name.endswith(".qweight") and entry.dtype == "int32" and len(entry.shape) == 2:
        way = (config or {}).get("checkpoint_format", "gptq")
        if (config or {}).get("quant_method") == "gptq":
            return _of_gptq(entry, stored, {"gptq": 1, "gptq_v2": 0}.get(str(way)))
        return _of_awq(entry, stored)
    return None


def modules_with_scales(names: Iterable[str]) -> set[str]:
    """The modules that hold a scale, and those whose child holds one."""
    with_scale = [name.split(".")[:-1] for name in names if "scale" in name.rpartition(".")[2].lower()]
    return {".".join(parts[:end]) for parts in with_scale for end in (len(parts), max(len(parts) - 1, 0))}


def unscaled(entry: Entry) -> Whole | None:
    """A weight that was rounded to 8-bit floating point, without a scale; None if it is no such weight."""
    if entry.dtype not in _ROUNDED or len(entry.shape) < 2:
        return None
    return Whole(entry.name, (entry.name,), entry.shape, Tensor.float, "float32")


def _blocks_in(config: Mapping[str, object]) -> tuple[int, int] | None:
    said = config.get("weight_block_size")
    if isinstance(said, list) and len(said) == 2 and all(type(size) is int and size > 0 for size in said):
        return said[0], said[1]
    return None


def _of_rows(entry: Entry, rows: Entry, stored: Mapping[str, Entry]) -> Whole | None:
    """8-bit integers of bitsandbytes: the largest entry of a row is 127."""
    if len(entry.shape) != 2 or math.prod(rows.shape) != entry.shape[0] or rows.dtype not in _FLOATING:
        return None
    parts = [entry.name, rows.name, f"{entry.name}_format"]

    return Whole(entry.name, tuple(part for part in parts if part in stored), entry.shape, by_rows, "float32")


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
    compute = partial(multiplied, shape=per, rows=block[0], columns=block[1])
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
    compute = partial(looked_up, shape=shape, size=size, dtype=dtype, nested=nested)
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
    return Whole(name, (entry.name, scales.name), shape, partial(of_powers, shape=shape), "bfloat16")


def _of_words(entry: Entry, stored: Mapping[str, Entry]) -> Whole | None:
    """Integers of 4 or 8 bits in words of 32, as compressed-tensors packs them."""
    stem = entry.name.removesuffix("_packed")
    scale, said, zeros = (stored.get(f"{stem}_{part}") for part in ("scale", "shape", "zero_point"))
    if scale is None or said is None or scale.dtype not in _FLOATING or f"{stem}_g_idx" in stored:
        return None
    if said.shape != (2,) or said.dtype != "int64" or said.unusable is not None or len(scale.shape) != 2:
        return None
    shape = tuple(said.load().tolist())
    bits = next((bits for bits in (4, 8) if -(-shape[1] * bits // 32) == entry.shape[1]), None)
    block = _block(shape, scale.shape, None)
    if bits is None or block is None or shape[0] != entry.shape[0] or min(shape) < 1:
        return None
    # Zeros are packed along the rows.
    words = (-(-shape[0] * bits // 32), scale.shape[1])
    if zeros is not None and (zeros.dtype != "int32" or zeros.shape != words or block[0] != 1):
        return None
    parts = (entry.name, scale.name, *([] if zeros is None else [zeros.name]), said.name)
    compute = partial(of_words, shape=shape, bits=bits, block=block, shifted=zeros is not None)
    return Whole(stem, parts, shape, compute, scale.dtype)


def _of_awq(entry: Entry, stored: Mapping[str, Entry]) -> Whole | None:
    """4-bit integers of AWQ, (in, out / 8) words; those of GPTQ lie otherwise and have other zeros."""
    stem = entry.name.removesuffix("qweight")
    zeros, scales = stored.get(f"{stem}qzeros"), stored.get(f"{stem}scales")
    if zeros is None or scales is None or f"{stem}g_idx" in stored:
        return None
    inputs, words = entry.shape
    if zeros.dtype != "int32" or scales.dtype not in _FLOATING or 0 in entry.shape:
        return None
    groups = scales.shape[0] if scales.shape else 0
    if groups < 1 or inputs % groups or (zeros.shape, scales.shape) != ((groups, words), (groups, 8 * words)):
        return None
    return Whole(
        f"{stem}weight", (entry.name, zeros.name, scales.name), (8 * words, inputs), of_awq, scales.dtype
    )


def _of_gptq(entry: Entry, stored: Mapping[str, Entry], offset: int | None) -> Whole | None:
    """Integers of 2, 4 or 8 bits of GPTQ, in words over the inputs; zeros in words over the outputs."""
    stem = entry.name.removesuffix("qweight")
    zeros, scales, groups = (stored.get(f"{stem}{part}") for part in ("qzeros", "scales", "g_idx"))
    if offset is None or zeros is None or scales is None or len(scales.shape) != 2 or 0 in scales.shape:
        return None
    if zeros.dtype != "int32" or scales.dtype not in _FLOATING or len(zeros.shape) != 2:
        return None
    rows, outputs = scales.shape
    bits = 32 * zeros.shape[1] // outputs
    if bits not in (2, 4, 8) or (zeros.shape, entry.shape[1]) != ((rows, outputs * bits // 32), outputs):
        return None
    inputs = entry.shape[0] * 32 // bits
    if groups is not None and (groups.shape != (inputs,) or groups.dtype not in ("int32", "int64")):
        return None
    if groups is None and inputs % rows:
        return None
    parts = (entry.name, zeros.name, scales.name, *([] if groups is None else [groups.name]))
    compute = partial(of_gptq, bits=bits, offset=offset)
    return Whole(f"{stem}weight", parts, (outputs, inputs), compute, scales.dtype)


def _size(entry: Entry) -> int:
    """Number of bytes of a stored tensor; 0 if PyTorch has no such type."""
    dtype = getattr(torch, entry.dtype, None)
    return math.prod(entry.shape) * dtype.itemsize if isinstance(dtype, torch.dtype) else 0
