"""Tensors of a checkpoint, one at a time, without running its code."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lowcomplex.matrices import Entry

_TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
# What training leaves beside the weights.
_NO_WEIGHTS = ("training_args*", "optimizer*", "scheduler*", "rng_state*", "random_states*")
# The whole model under its usual name; other files of the folder then hold copies or parts of it.
_WHOLE = ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth")

# How many bytes of a torch file are mapped before it is mapped anew.
_MAPPED_AT_ONCE = 2**26
# How safetensors calls the types of PyTorch; it has others, which hold quantized weights.
_DTYPES = {
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


def weights(path: Path | str) -> Iterator[tuple[str, Tensor]]:
    """Tensors of a checkpoint, by name.

    Args:
        path: A .safetensors file, a torch state dict (.pt, .pth, .bin, .ckpt), or a folder that holds
            either, sharded with an index or not (as Hugging Face folders do).

    Yields:
        Name and tensor; only one is in memory at a time.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: The file is damaged, of an unknown kind, or would execute code on loading.
    """
    for entry in entries(path):
        yield entry.name, entry.load()


def names(path: Path | str) -> list[str]:
    """Names of a checkpoint's tensors, in the order of `weights`, from its header where it has one.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `weights`.
    """
    return [entry.name for entry in entries(path)]


def entries(path: Path | str) -> list[Entry]:
    """Every tensor of a checkpoint, described without its values, which each entry loads when asked.

    Args:
        path: As for `weights`.

    Returns:
        In the order of `weights`.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `weights`; or two files of a folder hold tensors of the same name.
    """
    path = Path(path)
    if path.is_dir():
        return _entries_of_folder(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if path.suffix in _TORCH_SUFFIXES:
        return _torch_file(path)
    raise ValueError(f"{path}: expected .safetensors or one of {', '.join(_TORCH_SUFFIXES)}")


def _entries_of_folder(folder: Path) -> list[Entry]:
    found: dict[str, tuple[Path, Entry]] = {}
    for file in _files_of(folder):
        for entry in entries(file):
            if entry.name in found:
                raise ValueError(
                    f"{folder}: {found[entry.name][0].name} and {file.name} both hold {entry.name!r}; give "
                    "the file that you mean"
                )
            found[entry.name] = (file, entry)
    return [entry for _, entry in found.values()]


def _files_of(folder: Path) -> list[Path]:
    for pattern in ("*.safetensors.index.json", "*.bin.index.json"):
        for index in sorted(folder.glob(pattern)):
            return _shards(index)
    for name in _WHOLE:
        if (folder / name).exists():
            return [folder / name]
    for pattern in ("*.safetensors", "*.bin", "*.pt", "*.pth"):
        files = [
            file
            for file in sorted(folder.glob(pattern))
            if not any(file.match(excluded) for excluded in _NO_WEIGHTS)
        ]
        if files:
            return files
    raise FileNotFoundError(f"{folder}: holds no .safetensors or torch file")


def _shards(index: Path) -> list[Path]:
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{index}: damaged index, expected a weight_map from names to files") from error
    for shard in shards:
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise ValueError(f"{index}: refused, names a file outside its folder: {shard!r}")
        if not (index.parent / shard).exists():
            raise FileNotFoundError(f"{index.parent / shard}: missing, though {index.name} names it")
    return [index.parent / shard for shard in shards]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged safetensors file ({error})") from error


def _safetensors(path: Path) -> list[Entry]:
    def loader(name: str) -> Callable[[], Tensor]:
        def load() -> Tensor:
            # Mapped anew for each tensor: pages of earlier ones would stay in memory with the mapping.
            with _opened(path) as file:
                tensor: Tensor = file.get_tensor(name)
            return tensor

        return load

    found = []
    with _opened(path) as file:
        for name in file.keys():  # noqa: SIM118  (it is no dict)
            header = file.get_slice(name)
            dtype = header.get_dtype()
            shape = tuple(header.get_shape())
            found.append(Entry(name, shape, _DTYPES.get(dtype, dtype), loader(name)))
    return found


def _torch_file(path: Path) -> list[Entry]:
    content = _state_dict(path)
    if not zipfile.is_zipfile(path):
        # The format before torch 1.6 cannot be mapped: it is in memory as a whole.
        return [Entry.of(name, tensor) for name, tensor in content.items()]

    mapped = _Mapped(path)
    return [Entry.of(name, tensor, partial(mapped.load, name)) for name, tensor in content.items()]


class _Mapped:
    """A torch file whose tensors are mapped, anew once those handed out hold many bytes.

    Pages of earlier tensors stay in memory with the mapping; mapping reads the names of all tensors, so that
    a mapping for each would take quadratic time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: dict[str, Tensor] = {}
        self._handed_out = 0

    def load(self, name: str) -> Tensor:
        if not self._content or self._handed_out > _MAPPED_AT_ONCE:
            self._content, self._handed_out = {}, 0
            self._content = _state_dict(self._path)
        tensor = self._content[name]
        self._handed_out += tensor.nbytes
        return tensor


def _state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors of a torch file by name, mapped where the format allows."""
    try:
        mapped = zipfile.is_zipfile(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path}: refused, loading it would execute code; save a plain state dict"
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"{path}: damaged torch file ({error})") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a state dict, got {type(content).__name__}")
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
