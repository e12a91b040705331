"""Folders that somebody else made, or that a power cut damaged: nothing runs or leaves the folder."""

import hashlib
import json
import os
import pickle
import resource
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

import toy
from lowcomplex import sweeps

SWEEP = toy.sweep(seed=(0,))


class Runs:
    """What a pickle runs when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "study"
    sweeps.run(SWEEP, folder, workers=0, progress=False)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    (tmp_path / "precious.nc").write_text("precious")
    return shutil.copytree(whole, tmp_path / "study")


def _index(folder: Path) -> Path:
    (path,) = (folder / "cells").glob("*-info.jsonl")
    return path


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _index(folder).read_text().splitlines()]


def _write(folder: Path, lines: list[Any]) -> None:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    _index(folder).write_text("".join(f"{text}\n" for text in texts))


def _with_line(**fields: Any) -> Callable[[Path], None]:
    def attack(folder: Path) -> None:
        (folder / "cells" / "data" / "x.pkl").write_bytes(pickle.dumps(Runs(folder / "EXECUTED")))
        first, *others = _lines(folder)
        changed = {k: v for k, v in {**first, **fields}.items() if v is not None}
        _write(folder, [changed, *others])

    return attack


def _absolute(folder: Path) -> None:
    _with_line(filename=str(folder.parent / "precious.nc"))(folder)


def _exchanged(folder: Path) -> None:
    one, other = _lines(folder)
    _write(folder, [{**one, "#key": other["#key"]}, {**other, "#key": one["#key"]}])


def _in_cell(change: Callable[[h5py.File], Any]) -> Callable[[Path], None]:
    """A cell whose checksum is right, and whose content is not what a sweep stores."""

    def attack(folder: Path) -> None:
        first, *others = _lines(folder)
        path = folder / "cells" / first["filename"]
        with h5py.File(folder.parent / "precious.h5", "w") as file:
            file["secret"] = np.arange(5.0)
        with h5py.File(path, "r+") as file:
            change(file)
        _write(folder, [{**first, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}, *others])

    return attack


def _external_link(file: h5py.File) -> None:
    file["leak"] = h5py.ExternalLink(str(Path(file.filename).parents[3] / "precious.h5"), "secret")


def _external_values(file: h5py.File) -> None:
    path = Path(file.filename).parents[3] / "precious.nc"
    file.create_dataset("leak", shape=(8,), dtype="u1", external=[(str(path), 0, 8)])


def _virtual_values(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(5,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(Path(file.filename).parents[3] / "precious.h5"), "secret", shape=(5,))
    file.create_virtual_dataset("leak", layout)


def _no_file(make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def attack(folder: Path) -> None:
        path = folder / "cells" / _lines(folder)[0]["filename"]
        path.unlink()
        make(path)

    return attack


HUGE: dict[str, Any] = {"shape": (10**6, 10**6), "dtype": "f8", "chunks": (99, 99)}
# Each of them damages the first cell alone.
DAMAGED = {
    "pickle": _with_line(**{"#type": "Pickle", "filename": "data/x.pkl", "sha256": None}),
    "outside": _with_line(filename="../../precious.nc"),
    "absolute": _absolute,
    "below": _with_line(filename="data/below/x.nc"),
    "no type": _with_line(**{"#type": None}),
    "another type": _with_line(**{"#type": "FromAnotherVersion"}),
    "no digest": _with_line(sha256=None),
    "no name": _with_line(filename=None),
    "a number": _with_line(filename=7),
    "more fields": _with_line(compression="zstd"),
    "a folder": _no_file(Path.mkdir),
    "a pipe": _no_file(os.mkfifo),
    "a device": _no_file(lambda path: path.symlink_to("/dev/zero")),
    "a loop": _no_file(lambda path: path.symlink_to(path)),
    "external link": _in_cell(_external_link),
    "external values": _in_cell(_external_values),
    "virtual values": _in_cell(_virtual_values),
    "group": _in_cell(lambda file: file.create_group("group")),
    "opaque": _in_cell(lambda file: file.create_dataset("pickle", data=np.void(pickle.dumps(1)))),
    "huge": _in_cell(partial(h5py.File.create_dataset, name="v", **HUGE)),
    "huge, compressed": _in_cell(partial(h5py.File.create_dataset, name="v", compression="gzip", **HUGE)),
    "another's": _in_cell(lambda file: file.attrs.__setitem__("config_hash", "0" * 64)),
}


@pytest.mark.parametrize("attack", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_no_cell_is_damaged_and_computed_again(folder: Path, whole: Path, attack, capsys) -> None:
    attack(folder)
    with pytest.raises(sweeps.DamagedCellError):
        sweeps.load(SWEEP, folder)
    with pytest.raises(sweeps.DamagedCellError):
        sweeps.open("study/toy", folder=folder.parent)
    assert [cell.state for cell in sweeps.status(SWEEP, folder).cells] == ["damaged", "finished"]
    summary = sweeps.run(SWEEP, folder, workers=0, progress=False)
    assert (summary.computed, summary.cached) == (1, 1)
    assert "computing it again" in capsys.readouterr().err
    xr.testing.assert_identical(sweeps.load(SWEEP, folder), sweeps.load(SWEEP, whole))
    sweeps.clean(folder, stale=True)
    assert (folder.parent / "precious.nc").read_text() == "precious"
    assert not (folder / "EXECUTED").exists()


def test_exchanged_cells_are_damaged(folder: Path, whole: Path) -> None:
    _exchanged(folder)
    assert sweeps.status(SWEEP, folder).counts["damaged"] == 2
    assert sweeps.run(SWEEP, folder, workers=0, progress=False).computed == 2
    xr.testing.assert_identical(sweeps.load(SWEEP, folder), sweeps.load(SWEEP, whole))


def test_a_stale_line_removes_nothing_outside(folder: Path) -> None:
    _write(folder, [*_lines(folder), {**_lines(folder)[0], "filename": "../../precious.nc", "#key": "stale"}])
    assert sweeps.clean(folder, stale=True) == ()
    assert (folder.parent / "precious.nc").exists()
    assert len([line for line in _index(folder).read_text().splitlines() if line.strip()]) == 2


@pytest.mark.parametrize(
    "line", ['{"#type": "NetC', "\0" * 300, "[1, 2]", "5", "[" * 100_000, "{}", '{"#key": 5}', "\udce9"]
)
def test_a_bad_line_costs_no_other(folder: Path, line: str) -> None:
    first, *others = _lines(folder)
    texts = [json.dumps(first), line, *map(json.dumps, others)]
    _index(folder).write_bytes("\n".join(texts).encode("utf-8", "surrogateescape"))
    assert sweeps.status(SWEEP, folder).is_finished
    assert sweeps.run(SWEEP, folder, workers=0, progress=False).cached == 2
    more = toy.sweep(seed=(0, 1))
    assert sweeps.run(more, folder, workers=0, progress=False).computed == 2
    assert sweeps.status(more, folder).is_finished


def test_a_line_that_a_full_disk_cut_off_costs_only_its_cell(folder: Path) -> None:
    content = _index(folder).read_bytes()
    _index(folder).write_bytes(content[:-20])
    with pytest.raises(FileNotFoundError, match=r"1 of 2 cells of 'toy' .*; 1 lines of their index"):
        sweeps.load(SWEEP, folder)
    own = folder / "cells" / f"{os.uname().nodename}-{os.getpid()}-info.jsonl"
    _index(folder).rename(own)
    assert sweeps.run(SWEEP, folder, workers=0, progress=False).computed == 1
    assert sweeps.Store(folder / "cells").finished()
    sweeps.load(SWEEP, folder)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_an_index_is_a_regular_file(folder: Path, make) -> None:
    make(folder / "cells" / "other-info.jsonl")
    assert sweeps.status(SWEEP, folder).is_finished


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["cells"][0]["fields"].update(gamma=7.0),
        lambda manifest: manifest.update(hash="0" * 64),
        lambda manifest: manifest.update(cells=[1, 2]),
        lambda manifest: manifest.update(dimensions=["nothing"]),
        lambda manifest: manifest["cells"][0].pop("fields"),
        lambda manifest: manifest["cells"].reverse(),
    ],
)
def test_a_manifest_agrees_with_its_hashes(folder: Path, change) -> None:
    path = folder / "toy.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    for call in (lambda: sweeps.open("study/toy", folder=folder.parent), lambda: sweeps.clean(folder)):
        with pytest.raises(ValueError, match=r"toy\.json: expected a sweep's manifest"):
            call()
    assert sweeps.run(SWEEP, folder, workers=0, progress=False).cached == 2
    sweeps.open("study/toy", folder=folder.parent)


def test_a_cell_that_cannot_be_read_is_not_damaged(folder: Path) -> None:
    """Too many open files say nothing about the content: nothing is set aside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    store = sweeps.Store(folder / "cells")
    assert len(store.finished()) == 2
    # No number is below this limit: the next file that is opened is one too many.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(sweeps.StorageError, match=r"cannot read .*: Too many open files"):
            store.load(SWEEP.configs[0].hash)
        with pytest.raises(sweeps.StorageError, match="Too many open files"):
            sweeps.load(SWEEP, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sweeps.status(SWEEP, folder).is_finished
