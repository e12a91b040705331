"""Tensors of a checkpoint, one at a time, without running its code."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
# What training leaves beside the weights.
_NO_WEIGHTS = ("training_args*", "optimizer*", "scheduler*", "rng_state*", "random_states*")
# The whole model under its usual name; other files of the folder then hold copies or parts of it.
_WHOLE = ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth")


def weights(path: Path | str) -> Iterator[tuple[str, Tensor]]:
    """Tensors of a checkpoint, by name.

    Args:
        path: A .safetensors file, a torch state dict (.pt, .pth, .bin, .ckpt), or a folder that holds
            either, sharded with an index or not (as Hugging Face folders do).

    Yields:
        Name and tensor; of safetensors only one is in memory at a time.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: The file is damaged, of an unknown kind, or would execute code on loading.
    """
    path = Path(path)
    if path.is_dir():
        for file in _files_of(path):
            yield from weights(file)
    elif not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    elif path.suffix == ".safetensors":
        yield from _safetensors(path)
    elif path.suffix in _TORCH_SUFFIXES:
        yield from _torch_file(path)
    else:
        raise ValueError(f"{path}: expected .safetensors or one of {', '.join(_TORCH_SUFFIXES)}")


def names(path: Path | str) -> list[str]:
    """Names of a checkpoint's tensors, in the order of `weights`, from its header where it has one.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `weights`.
    """
    path = Path(path)
    if path.is_dir():
        return [name for file in _files_of(path) for name in names(file)]
    if path.suffix == ".safetensors" and path.exists():
        with _opened(path) as file:
            return list(file.keys())
    if path.suffix in _TORCH_SUFFIXES and path.exists():
        return list(_state_dict(path))
    return [name for name, _ in weights(path)]


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


def _safetensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    for name in names(path):
        # Mapped anew for each tensor: pages of earlier ones would stay in memory with the mapping.
        with _opened(path) as file:
            tensor = file.get_tensor(name)
        yield name, tensor
        del tensor


def _torch_file(path: Path) -> Iterator[tuple[str, Tensor]]:
    content = _state_dict(path)
    if not zipfile.is_zipfile(path):
        # The format before torch 1.6 cannot be mapped: it is in memory as a whole.
        yield from content.items()
        return
    stored = list(content)
    del content
    for name in stored:
        # Mapped anew for each tensor, as above.
        tensor = _state_dict(path)[name]
        yield name, tensor
        del tensor


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
