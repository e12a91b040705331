from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
import xarray as xr
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import Tensor

from hub_server import Hub, serving
from lowcomplex import checkpoints, cli


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "tables"))
        yield served


def _state(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"wte.weight": (300, 40), "h.0.up.weight": (160, 40), "h.0.up.bias": (160,), "table": (400, 300)}
    state = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    # Most of the model's bytes are of integers, which nothing needs to fetch.
    return state | {"table": state["table"].mul(100).to(torch.int32), "half": state["wte.weight"].bfloat16()}


def _sharded(folder: Path, state: dict[str, Tensor]) -> Path:
    folder.mkdir()
    names = sorted(state)
    shards = {"model-1.safetensors": names[:2], "model-2.safetensors": names[2:]}
    for shard, members in shards.items():
        save_file({name: state[name] for name in members}, folder / shard)
    index = {"weight_map": {name: shard for shard, members in shards.items() for name in members}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_a_sharded_model_measures_as_the_local_one_with_fewer_bytes(hub: Hub, tmp_path: Path) -> None:
    local = _sharded(tmp_path / "local", _state())
    hub.models["openai-community/gpt2"] = {"main": local}
    ours, theirs = checkpoints.measure_table(local), checkpoints.measure_table("hub:gpt2")
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    assert ours.skipped == theirs.skipped
    assert {item.name for item in ours.skipped} == {"h.0.up.bias", "table"}
    size = sum(file.stat().st_size for file in local.iterdir())
    kept = sum(file.stat().st_size for file in tmp_path.rglob("cache/**/*") if file.is_file())
    assert 0 < hub.sent < size
    assert kept == 0


def test_a_broken_connection_goes_on_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    save_file(_state(), tmp_path / "model.safetensors")
    hub.models["owner/name"] = {"main": tmp_path}
    model = checkpoints.located("owner/name")
    file = tmp_path / "model.safetensors"
    assert isinstance(model, checkpoints.HubPath)
    checkpoints.names(model)
    hub.breaks_after, before = 1000, hub.sent
    found = (model / file.name).ranges().fetch(200_000, 300_000)
    assert found == file.read_bytes()[200_000:300_000]
    assert hub.sent - before == 100_000


def test_weights_equal_those_of_the_file(hub: Hub, tmp_path: Path) -> None:
    state = _state() | {"scalar": torch.tensor(2.0), "none": torch.ones(0, 3), "flags": torch.ones(3).bool()}
    save_file(state, tmp_path / "model.safetensors")
    hub.models["owner/name"] = {"main": tmp_path}
    found = dict(checkpoints.weights("owner/name"))
    assert list(found) == checkpoints.names(tmp_path)
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_files_of_torch_are_read_by_ranges(hub: Hub, tmp_path: Path) -> None:
    state = _state()
    views = {"rows": state["wte.weight"][5:9, 3:7], "turned": state["half"].t(), "none": torch.ones(0, 3)}
    parts = [state | views, {"scalar": torch.tensor(2.0), "p": torch.nn.Parameter(torch.ones(3, 2))}]
    for number, part in enumerate(parts):
        torch.save(part, tmp_path / f"pytorch_model-{number}.bin")
    index = {"weight_map": {name: f"pytorch_model-{n}.bin" for n in (0, 1) for name in parts[n]}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    hub.models["owner/name"] = {"main": tmp_path}
    ours, theirs = dict(checkpoints.weights(tmp_path)), dict(checkpoints.weights("owner/name"))
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    before = hub.sent
    pd.testing.assert_frame_equal(
        checkpoints.gamma_table("owner/name").table, checkpoints.gamma_table(tmp_path).table
    )
    assert hub.sent - before < (tmp_path / "pytorch_model-0.bin").stat().st_size
    assert not (tmp_path / "cache").exists()


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (Path("attacked"),)


def test_files_of_torch_on_the_hub_run_no_code(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub.models["owner/name"] = {"main": tmp_path}
    torch.save({"w": torch.ones(3, 3), "x": _Attack()}, "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"owner/name/pytorch_model.bin: refused, .* execute code"):
        checkpoints.names("owner/name")
    assert not Path("attacked").exists()
    # Storages that are shorter than the tensors claim.
    torch.save({"w": torch.ones(300, 3)}, "whole.bin")
    with zipfile.ZipFile("whole.bin") as whole, zipfile.ZipFile("pytorch_model.bin", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[: 100 if "/data/" in name else None])
    with pytest.raises(ValueError, match="outside its storage"):
        checkpoints.names("owner/name")


def test_what_ranges_cannot_read_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    torch.save({"w": torch.ones(3, 2)}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    hub.models["owner/name"] = {"main": folder}
    for _ in range(2):
        assert torch.equal(dict(checkpoints.weights("owner/name"))["w"], torch.ones(3, 2))
    assert sum("pytorch_model.bin" in request for request in hub.requests) <= 4


def _with_header(folder: Path, header: object, content: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"w": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 8]}}, "shape and type"),
        ({"w": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, "shape and type"),
        ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, "end at byte"),
        ({"w": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, "without dtype"),
        ({"w": {"dtype": "F32", "shape": [2]}}, "without dtype"),
        (b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "w": 1}', "twice"),
        (b"[" * 9, "no header of JSON"),
    ],
)
def test_headers_that_claim_what_the_file_does_not_hold(
    header: object, said: str, hub: Hub, tmp_path: Path
) -> None:
    _with_header(tmp_path, header, bytes(8))
    hub.models["owner/name"] = {"main": tmp_path}
    # What the library refuses, the reader of ranges refuses, too.
    with pytest.raises(ValueError, match="damaged"):
        checkpoints.names(tmp_path)
    with pytest.raises(ValueError, match=f"owner/name/model.safetensors: damaged.*{said}"):
        checkpoints.names("owner/name")


def test_an_index_names_only_files_of_its_model(hub: Hub, tmp_path: Path) -> None:
    folder = _sharded(tmp_path / "model", _state())
    (folder / "sub").mkdir()
    save_file(_state(), folder / "sub" / "x.safetensors")
    hub.models["owner/name"] = {"main": folder}
    index = folder / "model.safetensors.index.json"
    for shard, error, said in (
        ("../secret.safetensors", ValueError, "outside"),
        ("sub/x.safetensors", ValueError, "outside"),
        ("absent.safetensors", FileNotFoundError, "missing"),
    ):
        index.write_text(json.dumps({"weight_map": {"a": shard}}))
        with pytest.raises(error, match=said):
            checkpoints.names("owner/name")


def test_a_server_without_ranges_is_refused(hub: Hub, tmp_path: Path) -> None:
    save_file(_state(), tmp_path / "model.safetensors")
    hub.models["owner/name"] = {"main": tmp_path}
    hub.serves_ranges = False
    with pytest.raises(ValueError, match="does not serve ranges"):
        checkpoints.names("owner/name")
    # Unless the whole of a small file is requested, such as an index.
    save_file({"w": torch.ones(3, 2)}, tmp_path / "model.safetensors")
    assert torch.equal(dict(checkpoints.weights("owner/name"))["w"], torch.ones(3, 2))
    model = checkpoints.located("owner/name")
    (tmp_path / "model.safetensors").write_bytes(bytes(9))
    with pytest.raises(ValueError, match="expected a file of"):
        checkpoints.names(model)


def test_local_names_never_reach_the_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("owner").mkdir()
    save_file(_state(), "owner/name")
    for name in ("./owner/absent", "/owner/absent", "owner/absent.PT", "a/b/c", "absent", "owner/name"):
        assert cli.measure(name) == 2
    with pytest.raises(FileNotFoundError):
        checkpoints.names(Path("owner/absent"))
    assert hub.requests == []
    assert "hub:absent" in capsys.readouterr().err


def test_a_revision_is_a_branch_or_tag_of_the_hub(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.models["owner/name"] = {
        f"step{k}": _sharded(tmp_path / f"step{k}", {"w.weight": _state(k)["wte.weight"], "b": torch.ones(3)})
        for k in (0, 10)
    }
    files = [tmp_path / f"{name}.csv" for name in ("option", "suffix", "pair")]
    assert cli.gamma("owner/name", revision="step10", csv=files[0]) == 0
    assert cli.gamma("owner/name@step10", csv=files[1]) == 0
    assert cli.gamma("owner/name", "owner/name@step10", revision="step0", csv=files[2]) == 0
    alone, same, pair = map(pd.read_csv, files)
    pd.testing.assert_frame_equal(alone, same)
    assert alone["std"].item() == pytest.approx(_state(10)["wte.weight"].square().mean().sqrt().item())
    assert pair["std_after"].item() == alone["std"].item() != pair["std_before"].item()
    capsys.readouterr()
    assert cli.gamma("owner/name", revision="step7") == 2
    assert cli.gamma("owner/name@step0", revision="step10") == 2
    assert cli.gamma(str(tmp_path / "step0"), revision="step10") == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "owner/name@step7: the model has no such revision"
    assert [line.partition(":")[0] for line in lines[1:]] == ["revision", "revision"]


def test_a_series_over_training(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = (0, 2, 10, 100, 1000)
    hub.models["owner/name"] = {}
    for k in sorted(steps, key=str):
        state = {f"{layer}.weight": _state(k + layer)["wte.weight"] * 2.0**-k for layer in range(9)}
        hub.models["owner/name"][f"step{k}"] = _sharded(tmp_path / f"step{k}", state)
    hub.models["owner/name"] |= {"main": tmp_path / "absent", "step50-other": tmp_path / "absent"}
    hub.tags = {"step10"}
    assert checkpoints.revisions("owner/name", "step0..step500") == {f"step{k}": k for k in steps[:4]}
    files = {end: tmp_path / f"series.{end}" for end in ("csv", "json", "netcdf")}
    plot = tmp_path / "series.svg"
    assert cli.gamma("owner/name", revisions="step2..step100", plot=plot, **files) == 0
    table = pd.read_csv(files["csv"])
    assert table["step"].drop_duplicates().tolist() == [2, 10, 100]
    assert json.loads(files["json"].read_text())[9]["revision"] == "step10"
    alone = checkpoints.gamma_table(tmp_path / "step10").table
    assert table[table["step"] == 10]["gamma"].to_numpy() == pytest.approx(alone["gamma"].to_numpy())
    with xr.open_dataset(files["netcdf"], engine="h5netcdf") as record:
        assert record["gamma"].dims == ("step", "layer")
        assert record["gamma"].sel(step=10).values == pytest.approx(alone["gamma"].to_numpy())
        assert record["shape"].values.tolist() == ["300 x 40"] * 9
    assert b"8.weight" in plot.read_bytes()
    captured = capsys.readouterr()
    assert f"{alone['gamma'][0]:.4g}" not in captured.out
    assert "3 revisions of owner/name: the table shows step2 → step100" in captured.err
    for revisions in ("step0", "step0..main", "tag0..tag9", "step3..step9"):
        assert cli.gamma("owner/name", revisions=revisions) == 2
    assert cli.gamma(str(tmp_path), revisions="step0..step9") == 2
    assert cli.gamma("owner/name", revision="step0", revisions="step0..step9") == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("revisions: ") for line in lines)
    assert len(lines) == 6


def test_a_folder_inside_a_model(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    model.mkdir()
    folder = _sharded(model / "unet", _state())
    (folder / "deep").mkdir()
    save_file(_state(1), folder / "deep" / "diffusion_pytorch_model.safetensors")
    # A copy in half precision, as diffusers keeps one beside.
    save_file(_state(1), folder / "deep" / "diffusion_pytorch_model.fp16.safetensors")
    torch.save(_state(2), folder / "deep" / "old.pt", _use_new_zipfile_serialization=False)
    (model / "model_index.json").write_text("{}")
    hub.models["owner/name"] = {"main": model}
    local = checkpoints.gamma_table(folder)
    unet = checkpoints.located("owner/name", subfolder="unet")
    pd.testing.assert_frame_equal(checkpoints.gamma_table(unet).table, local.table)
    deep = checkpoints.located("owner/name", subfolder="unet/deep")
    assert torch.equal(dict(checkpoints.weights(deep))["wte.weight"], _state(1)["wte.weight"])
    old = dict(checkpoints.weights(deep / "old.pt"))  # downloaded
    assert torch.equal(old["wte.weight"], _state(2)["wte.weight"])
    file = tmp_path / "table.json"
    assert cli.gamma("owner/name", str(folder), subfolder="unet", json=file) == 0
    assert all(row["std_before"] == row["std_after"] for row in json.loads(file.read_text()))
    capsys.readouterr()
    for path, subfolder, said in (
        ("owner/name", None, "owner/name: holds no .*; its folders unet, unet/deep do: name one with --sub"),
        ("owner/name", "vae", "owner/name/vae: no such folder in the model"),
        (
            "owner/name",
            "unet/..",
            "subfolder: expected a folder inside the model, such as unet, got 'unet/..'",
        ),
        (str(tmp_path), "unet", "subfolder: .* is a local path; give .*/unet"),
    ):
        assert cli.gamma(path, subfolder=subfolder) == 2
        assert re.match(said, capsys.readouterr().err)


def test_what_was_measured_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    hub.models["owner/name"] = {f"step{k}": _sharded(tmp_path / f"step{k}", _state(k)) for k in (1, 2)}
    files = [tmp_path / f"{number}.json" for number in range(4)]
    assert cli.measure("owner/name@step1", json=files[0]) == 0
    sent = hub.sent
    assert cli.measure("owner/name@step1", json=files[1]) == 0
    assert hub.sent == sent
    assert files[0].read_text() == files[1].read_text()
    # Other values, other names and damage to what was kept: measured anew.
    assert cli.measure("owner/name@step2", json=files[2]) == 0
    assert cli.measure("owner/name@step1", match=["wte*"], json=files[2]) == 0
    assert len(json.loads(files[2].read_text())) == 1
    kept = list((tmp_path / "tables" / "lowcomplex" / "tables").glob("*.json"))
    assert len(kept) == 3
    for file in kept:
        file.write_text(file.read_text()[:-9])
    sent = hub.sent
    assert cli.measure("owner/name@step1", json=files[3]) == 0
    assert hub.sent > sent
    assert files[0].read_text() == files[3].read_text()


def test_what_was_measured_is_shown_without_the_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.models["owner/name"] = {f"step{k}": _sharded(tmp_path / f"step{k}", _state(k)) for k in (1, 2)}
    files = [tmp_path / f"{number}.json" for number in range(3)]
    assert cli.gamma("owner/name@step1", "owner/name@step2", json=files[0]) == 0
    assert cli.gamma("owner/name", revisions="step1..step2", json=files[1]) == 0
    model = checkpoints.located("owner/name@step1")
    assert isinstance(model, checkpoints.HubPath)
    capsys.readouterr()
    series = "owner/name: .*"
    for said in (r"the hub could not be reached \(.*\)", ".* HF_HUB_OFFLINE forbids to ask the hub"):
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        assert cli.gamma("owner/name@step1", "owner/name@step2", json=files[2]) == 0
        assert files[2].read_text() == files[0].read_text()
        first, second = capsys.readouterr().err.splitlines()
        before = f"shown is what was measured here before, at commit {model.model.commit[:7]}"
        assert re.fullmatch(f"owner/name@step1: .*{said}; {before}", first)
        assert second.startswith("owner/name@step2: ")
        assert cli.gamma("owner/name", revisions="step1..step2", json=files[2]) == 0
        assert files[2].read_text() == files[1].read_text()
        assert re.fullmatch(f"{series}{said}", capsys.readouterr().err.splitlines()[1])
        # Of other options, and not measured at all.
        assert cli.gamma("owner/name@step1", match=["wte*"]) == 2
        assert cli.measure("owner/name@step1") == 2
        assert cli.gamma("owner/name", revisions="step1..step9") == 2
        assert all(re.search(f"{said}$", line) for line in capsys.readouterr().err.splitlines())
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_what_the_hub_refuses_is_said_in_a_sentence(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.measure("owner/absent") == 2
    assert cli.measure("hub:..") == 2
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert cli.measure("owner/name") == 2
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert cli.measure("owner/name") == 2
    lines = capsys.readouterr().err.splitlines()
    expected = ("no such model", "no name of a model", "could not be reached", "HF_HUB_OFFLINE forbids")
    assert len(lines) == len(expected)
    for line, said in zip(lines, expected, strict=True):
        assert said in line


def test_a_download_of_before_is_read_instead(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(_state(), tmp_path / "model.safetensors")
    hub.models["owner/name"] = {"main": tmp_path}
    model = checkpoints.located("owner/name")
    assert isinstance(model, checkpoints.HubPath)
    folder = tmp_path / "cache" / "models--owner--name"
    snapshot = folder / "snapshots" / model.model.commit
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(model.model.commit)
    save_file(_state(1), snapshot / "model.safetensors")
    assert torch.equal(dict(checkpoints.weights(model))["wte.weight"], _state(1)["wte.weight"])
    assert hub.sent == 0
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert checkpoints.located("owner/name") == snapshot
