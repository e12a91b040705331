"""Safetensors files on the hub: every tensor described from the header, and fetched when needed."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._kinds import require_kind
from lowcomplex.checkpoints._ranges import RangeFile
from lowcomplex.checkpoints._safetensors import DTYPES
from lowcomplex.matrices import Entry

# Bytes of a header; the safetensors library reads no longer ones either.
_LARGEST_HEADER = 100_000_000
_METADATA = "__metadata__"


def hub_safetensors_entries(path: HubPath) -> list[Entry]:
    """Every tensor of a safetensors file on the hub, described without its values.

    The header is held to what the safetensors library demands of a local file: the tensors fill the file one
    after the other, and each has as many bytes as its shape and type need.

    Args:
        path: The file.

    Returns:
        Entries by name, as for a local file.

    Raises:
        ValueError: The file is damaged or of another kind.
        OSError: The hub cannot be reached, or refuses.
    """
    require_kind(path, "safetensors")
    file = path.ranges()
    length = int.from_bytes(file.fetch(0, min(8, file.size)), "little")
    if not 2 <= length <= min(_LARGEST_HEADER, file.size - 8):
        raise _damaged(path, f"a header of {length:,} bytes in a file of {file.size:,}")
    try:
        header = json.loads(bytes(file.fetch(8, 8 + length)), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"no header of JSON: {error}") from error
    if not isinstance(header, dict):
        raise _damaged(path, "the header is no mapping")
    header.pop(_METADATA, None)
    try:
        tensors = {name: _described(fields) for name, fields in header.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"a tensor without dtype, shape and data_offsets: {error}") from error
    end = 0
    for name, (dtype, shape, start, stop) in sorted(tensors.items(), key=lambda item: item[1][2:]):
        bits = _bits(dtype)
        if start != end or (bits is not None and (stop - start) * 8 != bits * math.prod(shape)):
            raise _damaged(path, f"{name!r} has not the place that its shape and type need")
        end = stop
    if 8 + length + end != file.size:
        raise _damaged(path, f"its tensors end at byte {8 + length + end:,} of {file.size:,}")
    return [
        Entry(
            name,
            shape,
            DTYPES.get(dtype, dtype),
            partial(_fetched, file, dtype, shape, 8 + length + start, 8 + length + stop),
        )
        for name, (dtype, shape, start, stop) in sorted(tensors.items())
    ]


def _described(fields: Any) -> tuple[str, tuple[int, ...], int, int]:
    dtype, shape, (start, stop) = fields["dtype"], tuple(fields["shape"]), fields["data_offsets"]
    numbers = (*shape, start, stop)
    if not isinstance(dtype, str) or any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError(f"{dtype!r}, {shape}, {start}-{stop}")
    if stop < start:
        raise ValueError(f"bytes {start}-{stop}")
    return dtype, shape, start, stop


def _bits(dtype: str) -> int | None:
    """Bits of an element; None for types that PyTorch does not have, which are not read."""
    if dtype == "F4":
        return 4
    return 8 * _torch_type(dtype).itemsize if dtype in DTYPES else None


def _torch_type(dtype: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, DTYPES[dtype])
    return found


def _fetched(file: RangeFile, dtype: str, shape: tuple[int, ...], start: int, stop: int) -> Tensor:
    if dtype not in DTYPES:
        raise ValueError(f"PyTorch has no type for {dtype}")
    if start == stop:
        return torch.empty(shape, dtype=_torch_type(dtype))
    content = torch.frombuffer(file.fetch(start, stop), dtype=torch.uint8).view(_torch_type(dtype))
    # An element of float4_e2m1fn_x2 holds two values.
    return content.reshape(shape if content.numel() == math.prod(shape) else (*shape[:-1], -1))


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _damaged(path: HubPath, reason: str) -> ValueError:
    return ValueError(f"{path}: damaged safetensors file ({reason})")
