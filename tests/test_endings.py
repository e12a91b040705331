"""How command lines end when a file, standard output or the user gives up."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from lowcomplex import checkpoints, cli
from lowcomplex._endings import ending_in_words
from lowcomplex._names import printable

NAMES = (
    "params[encoder].weight",
    "net[/old].weight",
    "block:key:kernel",
    "\x1b[2J\x1b[31mred",
    '=HYPERLINK("http://x.invalid")',
    "+1+1",
    "@SUM(1)",
    "-2",
    "\t=1",
    "a\"b,c\nd",
    "$\\mathrm{x",
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file({"l.weight": torch.randn(8, 6), "l.bias": torch.zeros(8)}, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_names_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.safetensors"
    state = {name: torch.randn(4, 4) for name in NAMES}
    save_file(state | {"\x1b[8mhidden": torch.ones(3, dtype=torch.int32)}, path)
    assert cli.gamma(path, csv=tmp_path / "t.csv", json=tmp_path / "t.json", plot=tmp_path / "t.svg") == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    printed = [line.split("│")[1].strip() for line in said.splitlines() if line.startswith("│")]
    assert set(printed) == {printable(name) for name in NAMES}
    assert {"params[encoder].weight", "block:key:kernel", r"\x1b[2J\x1b[31mred"} <= set(printed)
    assert r"skipped \x1b[8mhidden: int32" in said
    # In a spreadsheet no name is a formula; JSON has the names themselves.
    written = set(pd.read_csv(tmp_path / "t.csv")["name"])
    assert written == {f"'{name}" if name[0] in "=+-@\t" else name for name in NAMES}
    assert set(pd.read_json(tmp_path / "t.json")["name"]) == set(NAMES)


def test_names_in_errors_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"\x1b[2Jonly": torch.ones(3, dtype=torch.int32)}, tmp_path / "m.pt")
    assert cli.gamma(tmp_path / "m.pt") == 2
    assert cli.gamma(Path("\x1b[2J\udcff.pt")) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert r"(\x1b[2Jonly: int32" in first
    assert second == r"\x1b[2J\udcff.pt: no such checkpoint"


def test_a_name_of_a_million_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_file({"x" * 1_000_000: torch.randn(4, 4)}, tmp_path / "m.safetensors")
    assert cli.gamma(tmp_path / "m.safetensors") == 0
    assert len(capsys.readouterr().out) < 5000
    assert printable("a" * 10 + "b" * 500 + "c" * 10).startswith("a" * 10 + "b")
    assert printable("a" * 500 + "c").endswith("ac")
    assert len(printable("a" * 500)) == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"csv": "folder"}, "csv: expected a file, got the folder"),
        ({"plot": "folder"}, "plot: expected a file, got the folder"),
        ({"json": ""}, "json: expected a file, got the folder '.'"),
        ({"csv": "model.safetensors"}, "csv: 'model.safetensors' belongs to the checkpoint itself"),
        ({"json": "link.json"}, "json: 'link.json' belongs to the checkpoint itself"),
        ({"csv": "t.csv", "json": "folder/../t.csv"}, "json: the same file as csv"),
    ],
)
def test_output_that_cannot_be_written_is_refused_before_anything_is_read(
    options: dict[str, str],
    message: str,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(path.parent)
    Path("folder").mkdir()
    Path("link.json").symlink_to(path)
    before = path.read_bytes()
    monkeypatch.setattr(checkpoints, "measure_table", lambda *_, **__: pytest.fail("read"))
    files = {option: Path(file) for option, file in options.items()}
    assert cli.measure(Path("model.safetensors"), **files) == 2
    assert message in capsys.readouterr().err
    assert path.read_bytes() == before


def test_output_over_a_file_of_the_folder_that_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.gamma(path.parent, csv=path) == 2
    assert "belongs to the checkpoint itself" in capsys.readouterr().err
    assert cli.gamma(path.parent, csv=path.parent / "table.csv") == 0
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert cli.gamma(path, csv=path.parent / "other.csv") == 2
    assert "may not be written" in capsys.readouterr().err


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@needs_full
def test_a_full_disk(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = {option: path.with_name(f"full.{end}") for option, end in (("csv", "csv"), ("plot", "pdf"))}
    for file in full.values():
        file.symlink_to("/dev/full")
    assert cli.gamma(path, json=path.with_name("t.json"), **full) == 2
    said = capsys.readouterr()
    assert "l.weight" in said.out
    assert [line.partition(":")[0] for line in said.err.splitlines()] == ["csv", "plot"]
    assert all(line.endswith("was not written: No space left on device") for line in said.err.splitlines())
    assert "l.weight" in path.with_name("t.json").read_text()


def _to_closed_pipe() -> io.TextIOWrapper:
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w", encoding="utf-8")  # noqa: PTH123


def _to_full_disk() -> io.TextIOWrapper:
    return open("/dev/full", "w", encoding="utf-8")  # noqa: PTH123


@pytest.mark.parametrize(
    ("output", "status", "message"),
    [
        (_to_closed_pipe, 141, "standard output was closed"),
        pytest.param(_to_full_disk, 2, "standard output: No space left", marks=needs_full),
    ],
)
def test_standard_output_gives_up(
    output: Callable[[], io.TextIOWrapper],
    status: int,
    message: str,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with output() as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(SystemExit) as ended:
            cli.gamma(path, csv=path.with_name("t.csv"))
        # What the interpreter would flush at its end fails no more.
        stream.flush()
    assert ended.value.code == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(message)
    assert "l.weight" in path.with_name("t.csv").read_text()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_greek(encoding: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding=encoding))
    assert cli.gamma(path) == 0
    assert r"\u03b3" in content.getvalue().decode(encoding)
    assert "l.weight" in content.getvalue().decode(encoding)


def test_interrupted(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lowcomplex.cli._checkpoints.read_table", interrupt)
    for call in (lambda: cli.gamma(path), lambda: cli.app(["gamma", str(path)])):
        with pytest.raises(SystemExit) as ended:
            call()
        assert ended.value.code == 130
        assert capsys.readouterr().err == "interrupted\n"


def test_a_command_keeps_its_status_and_its_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending_in_words(lambda: 3)() == 3
    with pytest.raises(SystemExit) as ended:
        ending_in_words(lambda: sys.exit(7))()
    assert ended.value.code == 7
    with pytest.raises(ValueError, match="planted"):
        ending_in_words(lambda: int("planted"))()


@pytest.mark.parametrize("module", ["lowcomplex", "experiments", "theory"])
def test_the_reader_of_a_command_goes_away(module: str) -> None:
    arguments = {"lowcomplex": ["--help"], "experiments": [], "theory": ["nothing"]}[module]
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([sys.executable, "-m", module, *arguments], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    said = run.stderr.decode()
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    if module != "theory":
        assert run.returncode == 141
        assert said == "standard output was closed before all was printed\n"


def test_checkpoints_without_a_common_name(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = path.with_name("other.safetensors")
    save_file({"k.weight": torch.randn(8, 6)}, other)
    assert cli.gamma(path, other) == 0
    assert "no name and shape is in both checkpoints: the first holds l.weight, the second k.weight" in (
        capsys.readouterr().err
    )
