"""Tensors of a checkpoint, one at a time, without running its code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from lowcomplex.checkpoints._folders import files_of
from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._hub_safetensors import hub_safetensors_entries
from lowcomplex.checkpoints._hub_torch import hub_torch_entries
from lowcomplex.checkpoints._kinds import SUFFIXES, TORCH_SUFFIXES, require_regular
from lowcomplex.checkpoints._located import located
from lowcomplex.checkpoints._one_mapped import OneMapped
from lowcomplex.checkpoints._safetensors import safetensors_entries
from lowcomplex.checkpoints._torch_files import torch_entries
from lowcomplex.matrices import Entry


def weights(path: Path | str | HubPath) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a checkpoint, by name.

    Args:
        path: A .safetensors file, a file of torch.save (.pt, .pth, .bin, .ckpt), or a folder of either, with
            an index or without; or the name of a model on the hub, see `located`. A file of torch.save
            holds a state dict, or a checkpoint of training with the state dict under a key such as
            "state_dict", "model" or "module".

    Yields:
        Name and tensor; only one tensor is in memory at a time.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: The file is damaged, of an unknown kind, or would execute code on loading.
        OSError: The file cannot be read.
        TypeError: `path` is no path.
    """
    for entry in entries(path):
        yield entry.name, entry.load()


def names(path: Path | str | HubPath) -> list[str]:
    """Names of a checkpoint's tensors, in the order of `weights`; the values are not read.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `weights`.
        OSError: The file cannot be read.
    """
    return [entry.name for entry in entries(path)]


def entries(path: Path | str | HubPath) -> list[Entry]:
    """Every tensor of a checkpoint, described without its values.

    Args:
        path: As for `weights`.

    Returns:
        Entries in the order of `weights`.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `weights`; two files of a folder hold tensors of the same name; or an index names a
            tensor that its files do not hold.
        OSError: The file cannot be read.
        TypeError: `path` is no path.
    """
    path = located(path)
    mapped = OneMapped()
    if not path.is_dir():
        return _of_file(path, mapped)
    found: dict[str, tuple[Path | HubPath, Entry]] = {}
    files = files_of(path)
    for file in files.paths:
        for entry in _of_file(file, mapped):
            if entry.name in found:
                raise ValueError(
                    f"{path}: {found[entry.name][0].name} and {file.name} both hold {entry.name!r}; give the "
                    "file that you mean"
                )
            found[entry.name] = (file, entry)
    lost = sorted(files.promised - set(found))
    if lost:
        raise ValueError(f"{files.index}: stale, names {lost[0]!r}, which none of its files holds")
    return [entry for _, entry in found.values()]


def _of_file(path: Path | HubPath, mapped: OneMapped) -> list[Entry]:
    require_regular(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: expected .safetensors or one of {', '.join(TORCH_SUFFIXES)}")
    if isinstance(path, HubPath):
        if path.cached is None:
            of_ranges = hub_safetensors_entries if path.suffix == ".safetensors" else hub_torch_entries
            found = of_ranges(path)
            if found is not None:
                return found
        path = path.cached or path.downloaded()
    if path.suffix == ".safetensors":
        return safetensors_entries(path, mapped)
    return torch_entries(path, mapped)
