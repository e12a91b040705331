"""Files that are no checkpoints: what each is, and what to do."""

from __future__ import annotations

import argparse
import gzip
import io
import os
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lowcomplex import checkpoints

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 438007537\n"


def _tar(path: Path, *names: str) -> None:
    with tarfile.open(path, "w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))


def _zip(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)


def _script(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(3, 4)).save(str(path))


def _exported(path: Path) -> None:
    program = torch.export.export(nn.Linear(3, 4), (torch.zeros(1, 3),))
    torch.export.save(program, path.with_suffix(".pt2"))
    path.with_suffix(".pt2").rename(path)


def _arrays(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, w=np.ones((3, 3)))


KINDS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "git-lfs pointer": (".bin", lambda p: p.write_text(POINTER), "git lfs pull"),
    "git-lfs pointer of safetensors": (".safetensors", lambda p: p.write_text(POINTER), "git lfs pull"),
    "web page": (".pth", lambda p: p.write_text("\n<!DOCTYPE html><html>Not Found"), "a web page"),
    "nothing": (".pt", lambda p: p.write_bytes(b""), "an empty file"),
    "gzip": (".pt", lambda p: p.write_bytes(gzip.compress(b"x" * 99)), "compressed by gzip; unpack"),
    "HDF5": (".bin", lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "an HDF5 file"),
    "NumPy": (".bin", lambda p: p.write_bytes(b"\x93NUMPY\x01\x00" + bytes(99)), "a NumPy array"),
    "NumPy archive": (".pt", _arrays, "an archive of NumPy arrays"),
    "GGUF": (".bin", lambda p: p.write_bytes(b"GGUF\x03" + bytes(99)), "a GGUF file"),
    "TorchScript": (".pt", _script, r"torch\.jit\.load"),
    "torch.export": (".pt", _exported, r"torch\.export\.load"),
    "old tar": (".pt", lambda p: _tar(p, "sys_info", "pickle", "storages", "tensors"), "the tar format"),
    "other tar": (".pt", lambda p: _tar(p, "weights.pt"), "a tar archive; unpack"),
    "other zip": (".pt", lambda p: _zip(p, notes_txt=b"x"), "not of torch.save"),
    "safetensors as .pt": (
        ".pt",
        lambda p: save_file({"w": torch.ones(3, 3)}, p),
        "a safetensors file under another ending",
    ),
    "torch as safetensors": (
        ".safetensors",
        lambda p: torch.save({"w": torch.ones(3, 3)}, p),
        "a torch file under another ending",
    ),
    "text": (".pt", lambda p: p.write_text("hello\n" * 99), "damaged torch file"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_a_file_is_said(kind: str, tmp_path: Path) -> None:
    suffix, make, message = KINDS[kind]
    path = tmp_path / f"file{suffix}"
    make(path)
    with pytest.raises(ValueError, match=message) as raised:
        checkpoints.names(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "execute code" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (np.float64(0.3), "multiarray.scalar"),
        (np.zeros(3), "multiarray._reconstruct"),
        (argparse.Namespace(lr=0.1), "argparse.Namespace"),
        (Path("data"), "pathlib."),
        (nn.Linear(3, 3), "torch.nn.modules.linear.Linear"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("is_zip", [True, False])
def test_the_class_that_stands_in_the_way_is_named(
    extra: object, name: str, is_zip: bool, tmp_path: Path
) -> None:
    path = tmp_path / "last.ckpt"
    content = {"state_dict": {"w": torch.ones(3, 3)}, "extra": extra}
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(ValueError, match=f"execute code, since it holds a .*{name}"):
        checkpoints.names(path)


PICKLES = [b"h\x05.", b"}]K\x01s.", b"K\x01Q.", b"N", b"]" * 9]


@pytest.mark.parametrize("content", [b"\x80\x02" + content for content in PICKLES])
def test_damaged_pickles(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(ValueError, match="damaged torch file"):
        checkpoints.names(path)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged torch file|expected a state dict"):
        checkpoints.names(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("special", ["pipe", "device", "folder", "dangling link", "link to itself"])
def test_what_is_no_regular_file_is_not_read(special: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    if special == "pipe":
        os.mkfifo(path)
    elif special == "device":
        path.symlink_to("/dev/zero")
    elif special == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere" if special == "dangling link" else path)
    with pytest.raises((ValueError, FileNotFoundError), match=r"regular file|holds no|does not exist"):
        checkpoints.names(path)
    # In a folder, and named by an index.
    if special != "folder":
        with pytest.raises((ValueError, FileNotFoundError), match=r"regular file|does not exist"):
            checkpoints.names(_renamed(path, "pytorch_model.bin" if suffix == ".pt" else "model.safetensors"))


def _renamed(path: Path, name: str) -> Path:
    path.rename(path.with_name(name))
    return path.parent


def test_a_file_that_claims_more_than_it_has(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save({"w": torch.zeros(4, 4)}, path, _use_new_zipfile_serialization=False)
    claim = b"\x8a\x06" + (10**11).to_bytes(6, "little") + b"N"
    content = path.read_bytes()
    assert content.count(b"K\x10N") == 1
    path.write_bytes(content.replace(b"K\x10N", claim))
    with pytest.raises(ValueError, match=r"a storage of 100,000,000,000 elements, but the file has"):
        checkpoints.names(path)


def test_a_compressed_file_is_read_as_it_was(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    large = torch.randn(64, 64, generator=generator)
    state = {"w": torch.randn(8, 16, generator=generator), "view": large[:8, :16], "whole": large}
    torch.save(state, tmp_path / "stored.pt")
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        _recompressed(tmp_path / "stored.pt", tmp_path / "other.pt", compression)
        found = dict(checkpoints.weights(tmp_path / "other.pt"))
        assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def _recompressed(source: Path, target: Path, compression: int) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


def test_a_compressed_file_that_would_fill_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        with archive.open("archive/data/0", "w", force_zip64=True) as file:
            for _ in range(1100):
                file.write(bytes(2**20))
    with pytest.raises(ValueError, match="would unpack to 1,153,4"):
        checkpoints.names(path)
