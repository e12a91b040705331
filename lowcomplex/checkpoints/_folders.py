"""Which files of a folder hold the model: one file, or the shards of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._kinds import SUFFIXES, read_json, require_regular

# What training leaves beside the weights.
_NO_WEIGHTS = ("training_args*", "optimizer*", "scheduler*", "rng_state*", "random_states*", "*optim_states*")
# The whole model under its usual names, in the order in which the transformers library looks for them; other
# files of the folder then hold copies or parts of it.
_WHOLE = (
    "model.safetensors",
    "pytorch_model.bin",
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.bin",
    "model.pt",
    "model.pth",
)
_INDEX = ".index.json"
# Bytes of an index; the largest models have some 10 MB.
_LARGEST_INDEX = 2**26


@dataclass(frozen=True)
class Files:
    """The files that hold a model.

    Attributes:
        paths: The files.
        index: The index that names them, if there is one.
        promised: Names of the tensors that the index promises.
    """

    paths: Sequence[Path | HubPath]
    index: Path | HubPath | None = None
    promised: frozenset[str] = frozenset()


def files_of(folder: Path | HubPath) -> Files:
    """The files that hold the model of a folder.

    A whole model under its usual name goes before an index, and an index before loose files. An index whose
    shards are missing never goes before a whole model.

    Args:
        folder: The folder.

    Returns:
        Regular files, directly in the folder.

    Raises:
        FileNotFoundError: The folder holds no checkpoint, or a shard is missing.
        ValueError: An index is damaged, is one of several, or names something else than files of the folder.
        OSError: The folder cannot be read.
    """
    incomplete: FileNotFoundError | None = None
    for name in _WHOLE:
        file, index = folder / name, folder / f"{name}{_INDEX}"
        if _is_there(file):
            require_regular(file)
            return Files([file])
        if _is_there(index):
            try:
                return _shards(index)
            except FileNotFoundError as error:
                incomplete = incomplete or error
    if incomplete is not None:
        raise incomplete
    indexes = _matching(folder, f"*{_INDEX}")
    if len(indexes) > 1:
        listed = ", ".join(index.name for index in indexes)
        raise ValueError(f"{folder}: holds several models ({listed}); give each a folder of its own")
    for index in indexes:
        whole = index.with_name(index.name.removesuffix(_INDEX))
        return Files([whole]) if whole.is_file() else _shards(index)
    for pattern in ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt"):
        files = [
            file
            for file in _matching(folder, pattern)
            if not any(file.match(excluded) for excluded in _NO_WEIGHTS)
        ]
        if files:
            return Files(files)
    places = folder.model.places if isinstance(folder, HubPath) else ()
    inside = sorted({place.rpartition("/")[0] for place in places if place.endswith(SUFFIXES)} - {""})
    hint = f"; its folders {', '.join(inside)} do: name one with --subfolder" if inside else ""
    raise FileNotFoundError(f"{folder}: holds no .safetensors or torch file{hint}")


def _matching(folder: Path | HubPath, pattern: str) -> list[Path | HubPath]:
    found: list[Path | HubPath] = [*folder.glob(pattern)]
    return sorted(found, key=lambda file: file.name)


def _is_there(file: Path | HubPath) -> bool:
    return file.exists() or file.is_symlink()


def _shards(index: Path | HubPath) -> Files:
    try:
        content = read_json(index, _LARGEST_INDEX)
    except ValueError as error:
        raise ValueError(f"damaged index: {error}") from error
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"{index}: damaged index, expected a weight_map from names to files")
    named = list(weight_map.values())
    for shard in named:
        if not isinstance(shard, str) or shard in ("", ".", "..") or Path(shard).name != shard:
            raise ValueError(f"{index}: refused, names a file outside its folder: {shard!r}")
    shards = [index.parent / shard for shard in sorted(set(named))]
    for file in shards:
        try:
            require_regular(file)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{file}: missing, though {index.name} names it") from error
    return Files(shards, index, frozenset(weight_map))
