"""Safetensors files: every tensor described from the header, and read when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from lowcomplex.checkpoints._kinds import require_kind
from lowcomplex.checkpoints._one_mapped import OneMapped
from lowcomplex.matrices import Entry

# Names of types in safetensors and in PyTorch; safetensors has others, which hold quantized weights.
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F4": "float4_e2m1fn_x2",
}


def safetensors_entries(path: Path, mapped: OneMapped) -> list[Entry]:
    """Every tensor of a safetensors file, described without its values.

    Args:
        path: A regular file.
        mapped: Reads the values later.

    Raises:
        ValueError: The file is damaged or of another kind.
        OSError: The file cannot be read.
    """
    require_kind(path, "safetensors")
    found = []
    with _in_words(path):
        file = _opened(path)
        for name in file.keys():  # noqa: SIM118  (it is no dict)
            header = file.get_slice(name)
            dtype = header.get_dtype()
            shape = tuple(header.get_shape())
            load = partial(mapped.tensor, path, _reader, name)
            found.append(Entry(name, shape, DTYPES.get(dtype, dtype), load))
    return found


def _reader(path: Path) -> Callable[[str], Tensor]:
    with _in_words(path):
        file = _opened(path)

    def read(name: str) -> Tensor:
        with _in_words(path):
            tensor: Tensor = file.get_tensor(name)
        return tensor

    return read


def _opened(path: Path) -> Any:
    from safetensors import safe_open

    return safe_open(path, framework="pt")


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    # The library is of Rust: what it raises on damaged input is of several types.
    except Exception as error:
        raise ValueError(f"{path}: damaged safetensors file ({error})") from error
