from __future__ import annotations

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
import torch
from rich.console import Console
from torch import nn

from lowcomplex import Tracker, checkpoints, checks, cli, initialize, stable_rank
from lowcomplex.checks import CheckError, Comparison, Control, Verdict


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, nn.Module]:
    module = nn.Sequential(nn.Linear(40, 30), nn.Linear(30, 30))
    initialize(module, 0.8, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "model.pt"
    torch.save(module.state_dict(), path)
    return path, module


def test_measure(model: tuple[Path, nn.Module], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, module = model
    assert cli.measure(path, csv=tmp_path / "t.csv", json=tmp_path / "t.json") == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["name"].tolist() == ["0.weight", "1.weight"]
    assert table["stable_rank"][0] == pytest.approx(stable_rank(module[0].weight).item(), rel=1e-5)
    # Random weights measure what random weights measure.
    assert table["effective_rank"].to_numpy() == pytest.approx(
        table["random_effective_rank"].to_numpy(), rel=0.05
    )
    assert (table["condensed_directions"] == 0).all()
    assert [row["name"] for row in json.loads((tmp_path / "t.json").read_text())] == ["0.weight", "1.weight"]
    assert "0.weight" in capsys.readouterr().out


def test_a_narrow_terminal_loses_no_number(
    model: tuple[Path, nn.Module], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lowcomplex.cli._tables.console", lambda: Console(width=80))
    assert cli.measure(model[0]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    row = checkpoints.measure_table(model[0]).table.iloc[0]
    numbers = [row["gamma"], row["stable_rank"], row["random_effective_rank"], row["participation_ratio"]]
    for cell in (row["name"], *(f"{number:.4g}" for number in numbers)):
        assert cell in printed


def test_gamma(model: tuple[Path, nn.Module], tmp_path: Path) -> None:
    assert cli.gamma(model[0], csv=tmp_path / "t.csv") == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert ((table["gamma"] - 0.8).abs() < 5 * table["standard_error"]).all()


@pytest.mark.parametrize("command", [cli.measure, cli.gamma])
def test_what_cannot_be_measured_is_said_on_one_line(
    command: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "absent.pt") == 2  # type: ignore[operator]
    torch.save({"bias": torch.ones(3)}, tmp_path / "vectors.pt")
    assert command(tmp_path / "vectors.pt") == 2  # type: ignore[operator]
    torch.save({"weight": torch.full((3, 4), torch.nan)}, tmp_path / "nan.pt")
    assert command(tmp_path / "nan.pt") == 2  # type: ignore[operator]
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert "no such checkpoint" in lines[0]
    assert "no weight matrix" in lines[1]
    assert "NaN" in lines[2]


def test_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracker = Tracker(nn.Linear(4, 3))
    tracker.step(loss=1.0)
    tracker.step(loss=0.5)
    path = tmp_path / "record.nc"
    tracker.dataset().to_netcdf(path, engine="h5netcdf")
    assert cli.plot(path) == 0
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert cli.plot(path, "loss", output=tmp_path / "loss.svg") == 0
    assert b"<svg" in (tmp_path / "loss.svg").read_bytes()
    (tmp_path / "record.pt").write_bytes(b"no netCDF")
    capsys.readouterr()
    assert cli.plot(tmp_path / "absent.nc") == 2
    assert cli.plot(tmp_path / "record.pt") == 2
    assert cli.plot(path, "los") == 2
    assert cli.plot(path, output=tmp_path / "record.txt") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    for line, words in zip(
        lines, ("no such file", "expected a netCDF", "did you mean 'loss'", "output: "), strict=True
    ):
        assert words in line


def _verdict(measured: float) -> Verdict:
    comparison = Comparison("slope", 1.0, measured, 0.1, "because")
    control = Control("violated", (Comparison("slope", 1.0, 2.0, 0.1, "because"),))
    return Verdict("gamma_law", "derived", 0, (comparison,), (control,), "holds", 0.5)


def test_check_exits_by_the_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes: list[Verdict | CheckError] = [_verdict(1.0)]
    monkeypatch.setattr(checks, "run_all", lambda *_, **__: outcomes)
    assert cli.check() == 0
    outcomes += [_verdict(math.nan), CheckError("balancedness", 0, "Traceback: planted")]
    assert cli.check(json=tmp_path / "v.json", junit=tmp_path / "v.xml") == 1
    stored = json.loads((tmp_path / "v.json").read_text())
    assert [verdict["as_expected"] for verdict in stored] == [True, False, False]
    assert stored[1]["measured"] is None
    suite = ElementTree.parse(tmp_path / "v.xml").getroot()
    assert suite.get("failures") == "2"
    assert [len(case) for case in suite] == [0, 1, 1]
    said = capsys.readouterr()
    assert "1 of 3 verdicts as expected" in said.out
    assert "planted" in said.err


def test_check_over_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.check("diagonal_linear", seeds=2, seed=3, workers=1, json=tmp_path / "v.json") == 0
    (stored,) = json.loads((tmp_path / "v.json").read_text())
    assert [verdict["seed"] for verdict in stored["verdicts"]] == [3, 4]
    assert "1.000 [0.342, 1.000]" in capsys.readouterr().out
    failing = checks.Repetition("gamma_law", (_verdict(1.5),) * 9, (CheckError("gamma_law", 9, "planted"),))
    monkeypatch.setattr(checks, "repeat", lambda *_, **__: [failing])
    assert cli.check("gamma_law", seeds=10, junit=tmp_path / "v.xml") == 1
    (case,) = ElementTree.parse(tmp_path / "v.xml").getroot()
    assert "verdict as stated 0.000" in (case[0].text or "")
    assert "planted" in capsys.readouterr().err


def test_an_unknown_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.check("gama_law") == 2
    assert "did you mean 'gamma_law'" in capsys.readouterr().err
    assert cli.check(junit=Path("absent/verdicts.xml")) == 2
    assert "junit: expected a file in an existing folder" in capsys.readouterr().err


def test_two_checkpoints_side_by_side(
    model: tuple[Path, nn.Module], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, module = model
    later = tmp_path / "later.pt"
    torch.save({**module.state_dict(), "1.weight": torch.ones(30, 30)}, later)
    assert cli.measure(path, later, csv=tmp_path / "t.csv", plot=tmp_path / "t.png") == 0
    table = pd.read_csv(tmp_path / "t.csv").set_index("name")
    assert table.loc["0.weight", "stable_rank_before"] == table.loc["0.weight", "stable_rank_after"]
    assert table.loc["1.weight", "condensed_directions_after"] == 1
    said = capsys.readouterr().out
    assert "→ 1 (" in said
    assert f"{later}: 2 vectors and scalars" in said
    assert (tmp_path / "t.png").stat().st_size > 10_000
    assert cli.gamma(path, later, plot=tmp_path / "g.svg", json=tmp_path / "g.json") == 0
    assert json.loads((tmp_path / "g.json").read_text())[1]["gamma_after"] == 0


def test_layout_and_skipped_tensors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.pt"
    torch.save({"projection": torch.randn(20, 60), "ids": torch.arange(4)}, path)
    assert cli.gamma(path, layout=["proj*=input-output"], csv=tmp_path / "t.csv") == 0
    assert pd.read_csv(tmp_path / "t.csv")["d_in"].tolist() == [20]
    assert "skipped ids: int64" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": ["nothing=linear"]}, "matches no weight matrix"),
        ({"layout": ["0*"]}, "expected PATTERN=LAYOUT"),
        ({"layout": ["0*=liner"]}, "did you mean 'linear'"),
        ({"plot": Path("figure.docx")}, "ends in .pdf, .png or .svg"),
        ({"after": Path("absent.pt")}, "no such checkpoint"),
        ({"csv": Path("absent/table.csv")}, "csv: expected a file in an existing folder"),
    ],
)
def test_wrong_options_are_said_on_one_line(
    options: dict[str, object],
    message: str,
    model: tuple[Path, nn.Module],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.measure(model[0], **options) == 2  # type: ignore[arg-type]
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_many_skipped_tensors_have_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes, words = torch.ones(4, 4).to(torch.float8_e4m3fn), torch.ones(4, 4, dtype=torch.int32)
    state = {}
    for layer in range(9):
        state |= {
            f"{layer}.up.weight": torch.randn(4, 4).to(codes.dtype),
            f"{layer}.up.weight_scale": torch.ones(1),
        }
        state |= {f"{layer}.down.qweight": words, f"{layer}.down.scales": torch.ones(4, 4)}
    state |= {f"{layer}.gate.weight": codes.to(torch.int8) for layer in range(8)}
    torch.save(state, tmp_path / "model.pt")
    assert cli.gamma(str(tmp_path)) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skipped")]
    many = "skipped 9 tensors, such as 0."
    assert {line for line in lines if line.startswith(many)} == {
        f"{many}up.weight_scale: parts of weights that are measured as a whole",
        f"{many}down.qweight: int32, not floating-point: indices or quantized weights",
        f"{many}down.scales: belong to quantized weights",
    }
    assert [line for line in lines if not line.startswith(many)] == [
        f"skipped {layer}.gate.weight: int8, not floating-point: indices or quantized weights"
        for layer in range(8)
    ]


def test_only_tensors_of_chosen_names_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("0.attn.q", "0.attn.k", "0.mlp.up", "embed")
    path = tmp_path / "model.pt"
    torch.save({f"{name}.weight": torch.randn(20, 10) for name in names}, path)
    file = tmp_path / "t.csv"
    assert cli.gamma(str(path), match=["*attn*", "embed*"], skip=["*.k.*"], csv=file) == 0
    assert pd.read_csv(file)["name"].tolist() == ["0.attn.q.weight", "embed.weight"]
    assert "2 tensors left out by --match or --skip" in capsys.readouterr().out
    assert cli.gamma(str(path), match=["*attention*"]) == 2
    assert cli.gamma(str(path), skip=["*"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("match: pattern '*attention*' matches no weight matrix")
    assert second.endswith("holds no weight matrix to measure")
