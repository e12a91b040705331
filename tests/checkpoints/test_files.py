from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lowcomplex import checkpoints
from lowcomplex.checkpoints import _safetensors, _torch_files


def _state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)).state_dict()


def _same(found: dict[str, Tensor], state: dict[str, Tensor]) -> None:
    assert set(found) == set(state)
    for name, tensor in state.items():
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".bin", ".ckpt"])
def test_reads_what_was_saved(suffix: str, tmp_path: Path) -> None:
    state, path = _state(), tmp_path / f"model{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state, "epoch": 3} if suffix == ".ckpt" else state, path)
    _same(dict(checkpoints.weights(path)), state)


def test_reads_a_sharded_folder(tmp_path: Path) -> None:
    state = _state()
    shards = {"a.safetensors": ["0.weight", "0.bias"], "b.safetensors": ["1.weight", "1.bias"]}
    for shard, names in shards.items():
        save_file({name: state[name] for name in names}, tmp_path / shard)
    index = {"weight_map": {name: shard for shard, names in shards.items() for name in names}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    # Not of the model, and not to be read.
    save_file({"other": torch.zeros(2)}, tmp_path / "optimizer.safetensors")
    _same(dict(checkpoints.weights(tmp_path)), state)


def test_reads_a_folder_without_an_index(tmp_path: Path) -> None:
    torch.save(_state(), tmp_path / "pytorch_model.bin")
    _same(dict(checkpoints.weights(tmp_path)), _state())


class _Attack:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.witness,)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    path, witness = tmp_path / "model.pt", tmp_path / "executed"
    torch.save({"weight": _Attack(witness)}, path)
    with pytest.raises(ValueError, match="would execute code"):
        list(checkpoints.weights(path))
    path.write_bytes(pickle.dumps(_Attack(witness)))
    with pytest.raises(ValueError, match=r"model\.pt"):
        list(checkpoints.weights(path))
    assert not witness.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_file_is_named(suffix: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    save_file(_state(), path) if suffix == ".safetensors" else torch.save(_state(), path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\x17" * 300, "empty": b""}[damage])
    with pytest.raises(ValueError, match=f"model{suffix}"):
        list(checkpoints.weights(path))


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        list(checkpoints.weights(tmp_path / "absent.pt"))
    with pytest.raises(FileNotFoundError, match="holds no"):
        list(checkpoints.weights(tmp_path))
    (tmp_path / "model.onnx").touch()
    with pytest.raises(ValueError, match=r"expected \.safetensors"):
        list(checkpoints.weights(tmp_path / "model.onnx"))
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="state dict, got list"):
        list(checkpoints.weights(tmp_path / "list.pt"))
    with pytest.raises(TypeError, match="path: expected a path or a name on the hub, got None"):
        list(checkpoints.weights(None))


def test_names_are_known_without_the_weights(tmp_path: Path) -> None:
    save_file(_state(), tmp_path / "model.safetensors")
    torch.save(_state(), tmp_path / "model.pt")
    assert sorted(checkpoints.names(tmp_path / "model.safetensors")) == sorted(_state())
    assert checkpoints.names(tmp_path / "model.pt") == list(_state())
    assert sorted(checkpoints.names(tmp_path)) == sorted(_state())


def test_what_training_leaves_beside_the_weights_is_not_read(tmp_path: Path) -> None:
    torch.save(_state(), tmp_path / "weights.bin")
    (tmp_path / "training_args.bin").write_bytes(pickle.dumps(_Attack(tmp_path / "executed")))
    torch.save({"state": {}}, tmp_path / "optimizer.bin")
    _same(dict(checkpoints.weights(tmp_path)), _state())


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", "damaged index"),
        ('{"weight_map": []}', "damaged index"),
        ('{"weight_map": {"a": "../secret.safetensors"}}', "outside its folder"),
        ('{"weight_map": {"a": 3}}', "outside its folder"),
        ('{"weight_map": {"a": ".."}}', "outside its folder"),
        ('{"weight_map": {"a": ""}}', "outside its folder"),
        ("[" * 200_000, "nested too deeply"),
        ('{"weight_map": {"a": "absent.safetensors"}}', "missing, though"),
    ],
)
def test_a_bad_index(index: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        list(checkpoints.weights(tmp_path))


def test_an_index_names_regular_files_alone(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "shard.safetensors"}}')
    os.mkfifo(tmp_path / "shard.safetensors")
    with pytest.raises(ValueError, match="expected a regular file"):
        checkpoints.names(tmp_path)
    (tmp_path / "shard.safetensors").unlink()
    # As the cache of a hub does: links to files elsewhere.
    save_file({"a": torch.ones(3, 3)}, tmp_path / "blob")
    (tmp_path / "shard.safetensors").symlink_to("blob")
    assert checkpoints.names(tmp_path) == ["a"]
    save_file({"b": torch.ones(3, 3)}, tmp_path / "blob")
    with pytest.raises(ValueError, match="stale, names 'a', which none of its files holds"):
        checkpoints.names(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "device", "huge"])
def test_an_index_or_config_that_never_ends(kind: str, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors.index.json"):
        path = tmp_path / name
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            with path.open("wb") as file:
                file.truncate(2**27)
        if name == "config.json":
            save_file({"a": torch.ones(3, 3)}, tmp_path / "model.safetensors")
            assert [item.name for item in checkpoints.matrices(tmp_path)] == ["a"]
            (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"regular file|at most 67,108,864 bytes"):
        checkpoints.names(tmp_path)


def test_a_stale_index_does_not_go_before_a_whole_model(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"old": "gone.safetensors"}}')
    torch.save(_state(), tmp_path / "pytorch_model.bin")
    _same(dict(checkpoints.weights(tmp_path)), _state())
    save_file({"old": torch.ones(3, 3)}, tmp_path / "gone.safetensors")
    save_file(_state(), tmp_path / "model.safetensors")
    _same(dict(checkpoints.weights(tmp_path)), _state())
    other = tmp_path / "other"
    other.mkdir()
    for name in ("a", "b"):
        (other / f"{name}.safetensors.index.json").write_text(index.read_text())
    with pytest.raises(ValueError, match=r"several models \(a.safetensors.index.json, b."):
        checkpoints.names(other)


def test_a_file_of_many_tensors_is_opened_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    for module, name in ((_safetensors, "_opened"), (_torch_files, "content_of")):
        original = getattr(module, name)

        def counted(*args: Any, of: Any = original, **options: Any) -> Any:
            opened.append(args[0])
            return of(*args, **options)

        monkeypatch.setattr(module, name, counted)
    for save, path in ((save_file, tmp_path / "m.safetensors"), (torch.save, tmp_path / "m.pt")):
        save({f"l{i:03}": torch.zeros(2) + i for i in range(300)}, path)
        assert [float(tensor[0]) for _, tensor in checkpoints.weights(path)] == list(range(300))
    # Once for the names and once for all values: time grows as the number of tensors, not as its square.
    assert len(opened) == 4


def test_reads_the_format_before_torch_1_6(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save(_state(), path, _use_new_zipfile_serialization=False)
    _same(dict(checkpoints.weights(path)), _state())
    assert checkpoints.names(path) == list(_state())
