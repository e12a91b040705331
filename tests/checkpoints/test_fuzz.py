"""Damaged checkpoints end in the documented errors, whatever the damage."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from lowcomplex import checkpoints

STATE = {
    "layer.weight": torch.arange(12.0).reshape(3, 4),
    "layer.bias": torch.zeros(3),
    "ids": torch.arange(4),
}


def _saved(is_zip: bool) -> bytes:
    content = io.BytesIO()
    torch.save({"state_dict": STATE, "epoch": 3}, content, _use_new_zipfile_serialization=is_zip)
    return content.getvalue()


def _pickle() -> bytes:
    with zipfile.ZipFile(io.BytesIO(_saved(True))) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))


WHOLE = {".safetensors": save(STATE), ".pt": _saved(True), ".bin": _saved(False)}
PICKLE = _pickle()
# A place in the file as a share of its length, and the bytes that replace those there.
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=6)), min_size=1, max_size=4)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _damaged(content: bytes, damage: list[tuple[float, bytes]]) -> bytes:
    changed = bytearray(content)
    for place, replacement in damage:
        start = int(place * len(changed))
        # No bytes stand for a cut.
        changed[start : start + len(replacement) if replacement else None] = replacement
    return bytes(changed)


def _read(content: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{suffix}")
        path.write_bytes(content)
        message = f"{path}: "
        try:
            for item in checkpoints.matrices(path):
                assert isinstance(item.name, str)
        except ValueError as error:
            message = str(error)
        assert message.startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", WHOLE)
@FEW
@given(damage=DAMAGE)
# An archive that claims to span two disks.
@example(damage=[(0.9891042352810526, b"\x01")])
def test_damaged_bytes(suffix: str, damage: list[tuple[float, bytes]]) -> None:
    _read(_damaged(WHOLE[suffix], damage), suffix)


@pytest.mark.parametrize("suffix", WHOLE)
@FEW
@given(content=st.binary(max_size=300))
def test_any_bytes(suffix: str, content: bytes) -> None:
    _read(content, suffix)


@FEW
@given(damage=DAMAGE)
def test_damaged_pickles_in_a_whole_archive(damage: list[tuple[float, bytes]]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WHOLE[".pt"])) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            new.writestr(name, _damaged(PICKLE, damage) if name.endswith("data.pkl") else old.read(name))
    _read(content.getvalue(), ".pt")


def test_the_undamaged_files_are_read() -> None:
    for suffix, content in WHOLE.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"model{suffix}")
            path.write_bytes(content)
            assert sorted(checkpoints.names(path)) == sorted(STATE)
