"""Files of torch.save: every tensor described, and mapped when needed; no code of the file is run."""

from __future__ import annotations

import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._kinds import BAD_ARCHIVE, require_kind
from lowcomplex.checkpoints._nested import weights_in
from lowcomplex.checkpoints._one_mapped import OneMapped
from lowcomplex.matrices import Entry

# How PyTorch names the class or function that a file would call.
_CLASS = re.compile(r"GLOBAL (\S+)")
# A compressed archive may claim to unpack to any size: beyond this it must not be many times its own.
_UNPACKED = 2**30
_RATIO = 16
# Pickles in the format before torch 1.6: a number, a version, the machine, the content, the storages' keys.
_PICKLES = 5


def torch_entries(path: Path, mapped: OneMapped) -> list[Entry]:
    """Every tensor of a file of torch.save, described without its values.

    Args:
        path: A regular file.
        mapped: Reads the values later.

    Returns:
        Entries in the order of the file. The tensors of a compressed file, or of one in the format before
        torch 1.6, cannot be mapped: the entries hold them in memory.

    Raises:
        ValueError: The file is damaged, of another kind, holds no tensors, or would execute code on loading.
        OSError: The file cannot be read.
    """
    require_kind(path, "torch")
    is_mappable = _is_mappable(path)
    content = content_of(path, path, mmap=is_mappable)
    if not is_mappable:
        return [Entry.of(name, tensor) for name, tensor in content.items()]
    return [
        Entry.of(name, tensor, partial(mapped.tensor, path, _reader, name))
        for name, tensor in content.items()
    ]


def _reader(path: Path) -> Callable[[str], Tensor]:
    return content_of(path, path, mmap=True).__getitem__


def content_of(
    source: Path | BinaryIO, path: Path | HubPath, *, mmap: bool = False, device: str = "cpu"
) -> dict[str, Tensor]:
    """The tensors of a file of torch.save, without running its code.

    Args:
        source: What is loaded.
        path: The file that messages name.
        mmap: Whether the file is mapped.
        device: Where the tensors are put; on "meta", they have no values.

    Raises:
        NotImplementedError: The file holds a tensor of a kind that cannot be on this device.
        ValueError: The file is damaged, holds no tensors, or would execute code on loading.
    """
    try:
        with warnings.catch_warnings():
            # Of the file's age or its pickle's protocol; what matters is an error.
            warnings.simplefilter("ignore")
            content = torch.load(source, map_location=device, weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        found = _CLASS.search(str(error))
        if found is None:
            raise ValueError(f"{path}: damaged torch file ({_first_line(error)})") from error
        raise ValueError(
            f"{path}: refused, loading it would execute code, since it holds a {found[1]}; save the weights "
            "alone: torch.save(model.state_dict(), FILE)"
        ) from error
    except NotImplementedError:
        if device == "meta":
            raise
        raise ValueError(f"{path}: damaged torch file (an operation that PyTorch lacks)") from None
    # Damaged pickles raise whatever the operation raises that they ask for.
    except Exception as error:
        raise ValueError(f"{path}: damaged torch file ({_first_line(error)})") from error
    try:
        return weights_in(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _is_mappable(path: Path) -> bool:
    """Whether the tensors lie in the file as they are; refuse claims of far more than the file holds."""
    size = path.stat().st_size
    try:
        members = None
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
    except BAD_ARCHIVE as error:
        raise ValueError(f"{path}: damaged torch file ({error})") from error
    if members is None:
        _require_claims(path, size)
        return False
    if all(member.compress_type == zipfile.ZIP_STORED for member in members):
        return True
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(_UNPACKED, _RATIO * size):
        raise ValueError(f"{path}: refused, {size:,} bytes would unpack to {unpacked:,}")
    return False


def _require_claims(path: Path, size: int) -> None:
    """Refuse a file in the format before torch 1.6 whose storages claim more bytes than it has."""
    largest = number = 0
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(_PICKLES):
                for operation, argument, _place in pickletools.genops(file):
                    if isinstance(argument, int) and not isinstance(argument, bool):
                        number = argument if "INT" in operation.name or "LONG" in operation.name else number
                    elif operation.name == "BINPERSID":
                        # The number of elements is the last number before a storage is asked for.
                        largest = max(largest, number)
    # Whatever is damaged, PyTorch says later, in words of its own.
    except Exception:
        pass
    if largest > size:
        raise ValueError(
            f"{path}: damaged torch file (a storage of {largest:,} elements, but the file has {size:,} bytes)"
        )


def _first_line(error: BaseException) -> str:
    """The reason in an error of PyTorch, whose texts run over many lines."""
    lines = str(error).strip().splitlines()
    reasons = [line.strip() for line in lines if "WeightsUnpickler error" in line]
    return (reasons or [line.strip() for line in lines] or [type(error).__name__])[0]
