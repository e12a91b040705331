"""Codes of quantized weights, multiplied out to the values that the forward pass uses, a part at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# Rows, and bytes of codes, that are multiplied out at once.
_ROWS, _BYTES = 256, 2**20


def by_rows(codes: Tensor, largest: Tensor, *_: Tensor) -> Tensor:
    """Integers of 8 bits of which 127 stands for the largest entry of the row."""
    return codes.to(torch.float32).mul_(largest.to(torch.float32).reshape(-1, 1) / 127)


def multiplied(codes: Tensor, scale: Tensor, *, shape: Sequence[int], rows: int, columns: int) -> Tensor:
    """Codes of 8 bits times the scale of their block, whose bytes are exponents if they are no numbers."""
    scale = (scale.to(torch.float32) - 127).exp2() if scale.dtype == torch.uint8 else scale.to(torch.float32)
    by_row = scale.reshape(*shape).repeat_interleave(rows, -2)
    whole = codes.to(torch.float32)
    width = whole.shape[-1]
    for start in range(0, whole.shape[-2], _ROWS):
        part = by_row[..., start : start + _ROWS, :].repeat_interleave(columns, -1)
        whole[..., start : start + _ROWS, :].mul_(part[..., : whole.shape[-2] - start, :width])
    return whole


def looked_up(
    codes: Tensor,
    largest: Tensor,
    table: Tensor,
    *parts: Tensor,
    shape: Sequence[int],
    size: int,
    dtype: torch.dtype,
    nested: tuple[int, float] | None,
) -> Tensor:
    """Places in a table, in bytes of two, times the largest entry of their block.

    Args:
        codes: The places, as bytes in a tensor of any type.
        largest: Largest entry of each block, or if `nested` its place in a second table.
        table: (16,) values by place.
        parts: If `nested`, the scale of each block of `largest`, and the second table.
        shape: Shape of the weight.
        size: Number of entries of a block.
        dtype: Type of the weight.
        nested: Number of blocks that share a scale, and what is added to them; None if they have none.
    """
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


_SIZES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def of_powers(codes: Tensor, exponents: Tensor, *, shape: Sequence[int]) -> Tensor:
    """Numbers of 4 bits (sign, two of exponent, one of fraction) times the power of 2 of their block."""
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


def of_words(
    codes: Tensor,
    scale: Tensor,
    *parts: Tensor,
    shape: tuple[int, int],
    bits: int,
    block: tuple[int, int],
    shifted: bool,
) -> Tensor:
    """Signed integers of 4 or 8 bits in words of 32, less the zero of their block, times its scale."""
    rows, columns = shape
    by_row = scale.to(torch.float32).repeat_interleave(block[0], 0)
    zeros = _integers(parts[0].T, bits)[:, :rows].T if shifted else None
    whole = torch.empty(shape, dtype=scale.dtype)
    for start in range(0, rows, _ROWS):
        part = slice(start, start + _ROWS)
        values = _integers(codes[part], bits)[:, :columns]
        if zeros is not None:
            values -= zeros[part].repeat_interleave(block[1], 1)[:, :columns]
        whole[part] = values * by_row[part][: len(values)].repeat_interleave(block[1], 1)[:, :columns]
    return whole


# Where the output of each place in a word of AWQ lies.
_AWQ = (0, 4, 1, 5, 2, 6, 3, 7)


def of_awq(codes: Tensor, zeros: Tensor, scales: Tensor) -> Tensor:
    """4-bit integers in words over the outputs, less the zero of their group of inputs, times its scale."""
    inputs, outputs = codes.shape[0], scales.shape[1]
    size, order = (
        inputs // scales.shape[0],
        (torch.arange(0, outputs, 8)[:, None] + torch.tensor(_AWQ)).flatten(),
    )
    zeros, factors = _integers(zeros, 4)[:, order], scales.to(torch.float32)
    whole = torch.empty(outputs, inputs, dtype=scales.dtype)
    for group, start in enumerate(range(0, inputs, size)):
        values = _integers(codes[start : start + size], 4)[:, order]
        whole[:, start : start + size] = ((values - zeros[group]) * factors[group]).T
    return whole


def of_gptq(codes: Tensor, zeros: Tensor, scales: Tensor, *groups: Tensor, bits: int, offset: int) -> Tensor:
    """Integers in words over the inputs, less the zero of their group plus an offset, times its scale."""
    outputs, inputs = scales.shape[1], codes.shape[0] * 32 // bits
    size = inputs // scales.shape[0]
    group = groups[0].long() if groups else torch.arange(inputs) // max(size, 1)
    if len(group) and not 0 <= int(group.min()) <= int(group.max()) < scales.shape[0]:
        raise ValueError(f"damaged codes of GPTQ: group {int(group.max())} of {scales.shape[0]}")
    shifts, factors = _integers(zeros, bits) + offset, scales.to(torch.float32)
    whole = torch.empty(outputs, inputs, dtype=scales.dtype)
    for start in range(0, outputs, _ROWS):
        part = slice(start, start + _ROWS)
        values = _integers(codes[:, part].T, bits)
        whole[part] = (values - shifts[group, part].T) * factors[group, part].T
    return whole


def _integers(words: Tensor, bits: int) -> Tensor:
    """The integers in rows of words, from the lowest bits on."""
    content = words.contiguous().view(torch.uint8)
    if bits < 8:
        places = torch.arange(0, 8, bits, dtype=torch.uint8)
        content = ((content[..., None] >> places) % (1 << bits)).flatten(-2)
    return content.to(torch.float32).sub_(1 << (bits - 1))
