"""Files of torch.save on the hub: described from their archive's pickle, and fetched when needed."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from functools import partial

import torch
from torch import Tensor

from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._kinds import BAD_ARCHIVE, require_kind
from lowcomplex.checkpoints._ranges import RangeFile
from lowcomplex.checkpoints._torch_files import content_of
from lowcomplex.matrices import Entry

# Bytes of the pickle, which holds names and shapes alone.
_LARGEST_PICKLE = 2**26
# Bytes of a member's local header before its name, and where the lengths of its name and extra field stand.
_HEADER, _LENGTHS = 30, slice(26, 30)
# Members beside the storages that describe how the file is read.
_SMALL = ("data.pkl", "version", "byteorder")


def hub_torch_entries(path: HubPath) -> list[Entry] | None:
    """Every tensor of a file of torch.save on the hub, described without its values.

    PyTorch loads an archive with the file's own pickle and empty storages onto the device "meta", where it
    needs no values, under the same rule as a local file: no code is run.

    Args:
        path: The file.

    Returns:
        Entries in the order of the file; None if it can only be read as a whole: it is in the format before
        torch 1.6, compressed, of another byte order, or holds tensors of special kinds.

    Raises:
        ValueError: The file is damaged, of another kind, holds no tensors, or would execute code on loading.
        OSError: The hub cannot be reached, or refuses.
    """
    require_kind(path, "torch")
    with path.open() as file:
        if file.read(2) != b"PK":
            return None
        try:
            with zipfile.ZipFile(file) as archive:
                members = {member.filename: member for member in archive.infolist()}
                small = _small(archive, path)
        except BAD_ARCHIVE as error:
            raise ValueError(f"{path}: damaged torch file ({error})") from error
    order = next((small[name] for name in small if name.endswith("/byteorder")), b"little")
    is_stored = all(member.compress_type == zipfile.ZIP_STORED for member in members.values())
    if order != sys.byteorder.encode() or not is_stored:
        return None
    skeleton, places = _skeleton(small, members)
    try:
        content = content_of(skeleton, path, device="meta")
    except NotImplementedError:
        return None
    found = []
    for name, tensor in content.items():
        member = _member(tensor, places)
        if member is None:
            return None
        found.append(_entry(path, name, tensor, member))
    return found


def _small(archive: zipfile.ZipFile, path: HubPath) -> dict[str, bytes]:
    """The members that describe the file, by name."""
    found = {}
    for member in archive.infolist():
        if member.filename.partition("/")[2] in _SMALL:
            if member.file_size > _LARGEST_PICKLE:
                raise ValueError(f"a description of {member.file_size:,} bytes")
            found[member.filename] = archive.read(member)
    return found


def _skeleton(
    small: dict[str, bytes], members: dict[str, zipfile.ZipInfo]
) -> tuple[io.BytesIO, dict[int, zipfile.ZipInfo]]:
    """An archive with empty storages, and the file's own members by the place of their data in it."""
    skeleton = io.BytesIO()
    with zipfile.ZipFile(skeleton, "w", zipfile.ZIP_STORED) as archive:
        for name, content in small.items():
            archive.writestr(name, content)
        places = {}
        for name, member in members.items():
            if name.partition("/")[2].startswith("data/"):
                archive.writestr(name, b"")
                places[skeleton.tell()] = member
    skeleton.seek(0)
    return skeleton, places


def _member(tensor: Tensor, places: dict[int, zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """The member that holds a tensor's storage; None if the tensor is of a special kind."""
    if torch.nn.parameter.is_lazy(tensor) or tensor.is_nested or tensor.layout != torch.strided:
        return None
    if any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)):
        return None
    return places.get(getattr(tensor.untyped_storage(), "_checkpoint_offset", -1))


def _entry(path: HubPath, name: str, tensor: Tensor, member: zipfile.ZipInfo) -> Entry:
    size, first = tensor.dtype.itemsize, int(tensor.storage_offset())
    count = 0
    if tensor.numel():
        count = 1 + sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.stride(), strict=True))
    if (first + count) * size > member.file_size:
        raise ValueError(f"{path}: damaged torch file ({name!r} lies outside its storage)")
    # Without its storage, which would be kept as long as the entry.
    like = (tensor.dtype, tuple(tensor.shape), tensor.stride())
    load = partial(_fetched, path.ranges(), member.header_offset, first * size, count * size, *like)
    return Entry(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), load)


def _fetched(
    file: RangeFile,
    header: int,
    start: int,
    size: int,
    dtype: torch.dtype,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
) -> Tensor:
    if size == 0:
        return torch.empty(shape, dtype=dtype)
    lengths = struct.unpack("<HH", file.fetch(header, header + _HEADER)[_LENGTHS])
    begin = header + _HEADER + sum(lengths) + start
    content = torch.frombuffer(file.fetch(begin, begin + size), dtype=torch.uint8).view(dtype)
    return content.as_strided(shape, stride)
