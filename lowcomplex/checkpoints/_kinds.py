"""What a file is that is no checkpoint, found from its first bytes, and what to do with it."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

from lowcomplex.checkpoints._hub import HubPath

TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
# How names of files of weights end.
SUFFIXES = (".safetensors", *TORCH_SUFFIXES)

_EMPTY = "an empty file; the download or the save that wrote it did not finish"
_WEB_PAGE = "a web page, not weights; download the file itself (the link may need a login)"
_STARTS: dict[bytes, str] = {
    b"version https://git-lfs": "a git-lfs pointer, not the weights; fetch those with `git lfs pull`",
    b"<!doctype html": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"<?xml": "an XML document, not weights",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"BZh": "compressed by bzip2; unpack it first",
    b"\xfd7zXZ\x00": "compressed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it first",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file; load it where it was written, and save its tensors as safetensors",
    b"\x93NUMPY": "a NumPy array; save it as safetensors with safetensors.numpy.save_file",
    b"GGUF": "a GGUF file of quantized weights; measure the checkpoint that it was converted from",
}
_EXPORTED = (
    "a program of torch.export; save its weights: torch.save(torch.export.load(FILE).state_dict, NEW_FILE)"
)
_SCRIPT = "TorchScript; save its weights: torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)"
_OLD_TAR = (
    "in the tar format of torch before 0.1.10; if you trust its source, load it with "
    "torch.load(FILE, weights_only=False) and save it again"
)
# What zipfile raises for archives that it cannot read.
BAD_ARCHIVE = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError)
# Members of the tar format's archives.
_OF_OLD_TAR = {"pickle", "storages", "tensors"}


def require_regular(path: Path | HubPath) -> None:
    """Refuse what is no regular file, before anything reads it: a pipe would wait, a device never end.

    Raises:
        FileNotFoundError: There is no file, or only a link to none.
        ValueError: It is a folder, a pipe, a socket or a device.
    """
    if path.is_file():
        return
    if path.is_dir():
        raise ValueError(f"{path}: expected a file, got a folder")
    if path.exists():
        raise ValueError(f"{path}: expected a regular file, got a pipe, socket or device")
    if path.is_symlink():
        raise FileNotFoundError(f"{path}: a link to a file that does not exist")
    raise FileNotFoundError(f"{path}: no such checkpoint")


def require_kind(path: Path | HubPath, expected: str) -> None:
    """Refuse a regular file of another kind than its name promises.

    Args:
        path: The file.
        expected: "safetensors" or "torch".

    Raises:
        ValueError: The file is something else; the message says what, and what to do.
        OSError: The file cannot be read.
    """
    kind = _kind(path)
    if kind is None:
        return
    if kind in ("safetensors", "torch"):
        if kind != expected:
            ending = ".safetensors" if kind == "safetensors" else ".pt"
            raise ValueError(f"{path}: a {kind} file under another ending; rename it to end in {ending}")
        return
    raise ValueError(f"{path}: {kind}")


def read_json(path: Path | HubPath, largest: int) -> object:
    """The content of a small JSON file.

    Args:
        path: The file.
        largest: Number of bytes beyond which it is not read.

    Raises:
        FileNotFoundError: There is no file.
        ValueError: It is no regular file, too large, or no JSON.
        OSError: It cannot be read.
    """
    require_regular(path)
    size = path.stat().st_size
    if size > largest:
        raise ValueError(f"{path}: expected at most {largest:,} bytes, got {size:,}")
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path}: JSON that is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{path}: no JSON ({error})") from error
    return content


def _kind(path: Path | HubPath) -> str | None:
    """The kind of a file in words, "torch" or "safetensors"; None if its first bytes do not show it."""
    with path.open("rb") as file:
        start = file.read(1024)
    if not start:
        return _EMPTY
    text = start.lstrip().lower()
    for first, said in _STARTS.items():
        if start.startswith(first) or (first.startswith(b"<") and text.startswith(first)):
            return said
    # A header of JSON after its length in eight bytes.
    if start[8:10] == b'{"' or (start[8:9] == b"{" and start[5:8] == bytes(3)):
        return "safetensors"
    if start.startswith(b"PK"):
        return _kind_of_zip(path)
    return _kind_of_tar(path) if b"ustar" in start[257:264] else None


def _kind_of_zip(path: Path | HubPath) -> str | None:
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            names = [name.partition("/")[2] or name for name in archive.namelist()]
    except BAD_ARCHIVE:
        return None
    if "constants.pkl" in names:
        return _SCRIPT
    if "data.pkl" in names:
        return "torch"
    if "archive_format" in names or "serialized_exported_program.json" in names:
        return _EXPORTED
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays; save them as safetensors with safetensors.numpy.save_file"
    return "a zip archive, but not of torch.save, whose archives hold data.pkl; unpack it first"


def _kind_of_tar(path: Path | HubPath) -> str | None:
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file) as archive:
            # The first members suffice: another archive may have millions.
            names = {member.name for member, _ in zip(archive, range(8), strict=False)}
    except (tarfile.TarError, OSError, ValueError, EOFError):
        return None
    return _OLD_TAR if names >= _OF_OLD_TAR else "a tar archive; unpack it first"
