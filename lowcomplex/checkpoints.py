"""Read weight matrices from checkpoints, one at a time, without running their code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

_TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")


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


def _files_of(folder: Path) -> list[Path]:
    for pattern in ("*.safetensors.index.json", "*.bin.index.json"):
        for index in sorted(folder.glob(pattern)):
            shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
            return [folder / shard for shard in shards]
    for pattern in ("*.safetensors", "*.bin", "*.pt", "*.pth"):
        files = sorted(folder.glob(pattern))
        if files:
            return files
    raise FileNotFoundError(f"{folder}: holds no .safetensors or torch file")


def _safetensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                yield name, file.get_tensor(name)
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged safetensors file ({error})") from error


def _torch_file(path: Path) -> Iterator[tuple[str, Tensor]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
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
    for name, value in content.items():
        if isinstance(value, Tensor):
            yield str(name), value
